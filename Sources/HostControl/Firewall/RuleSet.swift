import ControlProtocol
import Topology

/// All that the kernel is to hold of ours, or was recognised to hold.
struct RuleSet: Hashable, Sendable {
    let wall: Wall?
    let closed: ClosedPorts?
    let outbound: Outbound

    /// What becomes of what this host still sends from closed ports.
    enum Outbound: Hashable, Sendable {
        /// It disappears, and the connection stays until it is ended, which its other end is told of.
        case dropped
        /// This host's end of the connection is reset; the other end is not told, and waits for as long as it does.
        ///
        /// For kernels that end no connections on request.
        case reset
    }

    init(wall: Wall?, closed: ClosedPorts? = nil, outbound: Outbound = .dropped) {
        self.wall = wall
        self.closed = closed
        self.outbound = closed == nil ? .dropped : outbound
    }

    func peers(_ family: IPAddress.Family) -> [IPAddress] {
        (wall?.peers ?? []).filter { $0.family == family }
    }

    /// Whether there are rules for this family; closed ports are closed in both.
    func concern(_ family: IPAddress.Family) -> Bool { closed != nil || !peers(family).isEmpty }

    var withoutWall: RuleSet { RuleSet(wall: nil, closed: closed, outbound: outbound) }

    /// One line for messages.
    var summary: String {
        let parts = [closed?.summary, wall?.summary].compactMap { $0 }
        return parts.isEmpty ? "no rules" : parts.joined(separator: ", and ")
    }
}

extension Wall {
    fileprivate var summary: String {
        let addresses = peers.listed()
        switch scope {
        case .allTCP: return "all TCP with \(addresses)"
        case .ports(let numbers):
            return "ports \(numbers.listed()) with \(addresses)"
        }
    }
}

extension ClosedPorts {
    fileprivate var summary: String {
        let numbers = ports.listed()
        return "ports \(numbers) closed" + (exception.map { " but for \($0)" } ?? "")
    }
}
