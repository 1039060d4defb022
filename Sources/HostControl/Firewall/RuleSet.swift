import ControlProtocol
import Topology

/// All that the kernel is to hold of ours, or was recognised to hold.
struct RuleSet: Hashable, Sendable {
    let wall: Wall?
    let closed: ClosedPorts?

    init(wall: Wall?, closed: ClosedPorts? = nil) {
        self.wall = wall
        self.closed = closed
    }

    func peers(_ family: IPAddress.Family) -> [IPAddress] {
        (wall?.peers ?? []).filter { $0.family == family }
    }

    /// Whether there are rules for this family; closed ports are closed in both.
    func concern(_ family: IPAddress.Family) -> Bool { closed != nil || !peers(family).isEmpty }

    var withoutWall: RuleSet { RuleSet(wall: nil, closed: closed) }

    /// One line for messages.
    var summary: String {
        let parts = [closed?.summary, wall?.summary].compactMap { $0 }
        return parts.isEmpty ? "no rules" : parts.joined(separator: ", and ")
    }
}

extension Wall {
    fileprivate var summary: String {
        let addresses = peers.map(\.description).joined(separator: ", ")
        switch scope {
        case .allTCP: return "all TCP with \(addresses)"
        case .ports(let numbers):
            return "ports \(numbers.map(\.description).joined(separator: ", ")) with \(addresses)"
        }
    }
}

extension ClosedPorts {
    fileprivate var summary: String {
        let numbers = ports.map(\.description).joined(separator: ", ")
        return "ports \(numbers) closed" + (exception.map { " but for \($0)" } ?? "")
    }
}
