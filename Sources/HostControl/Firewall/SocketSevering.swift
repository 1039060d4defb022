import ControlProtocol
import Topology

/// Ends the connections that a wall has cut, at once and at both ends.
///
/// A rule only answers packets. A connection that says nothing (elections are silent for hours) would stay
/// established: a follower would wait out `syncLimit` before it noticed. The kernel aborts the socket here and sends the
/// peer a reset, which the rules let pass.
struct SocketSevering: Sendable {
    let protectedPorts: [Port]
    let tools: PacketTools

    /// Best effort, no word about success.
    ///
    /// A host without `ss`, or a kernel without INET_DIAG_DESTROY, leaves a silent connection to die with its
    /// first packet. Gates look at the kernel's socket table, not at this.
    func sever(_ wall: Wall) async { await run(Self.arguments(wall, protectedPorts: protectedPorts)) }

    private func run(_ arguments: [String]) async {
        guard let ss = PacketTools.path(of: "ss") else { return }
        do throws(FirewallError) { _ = try await tools.run(ss, arguments) } catch { return }
    }

    private static let killing = ["-K", "-H", "-n", "-t", "state", "established"]

    static func arguments(_ wall: Wall, protectedPorts: [Port]) -> [String] {
        let ports: [String] =
            switch wall.scope {
            case .ports(let numbers): anyPort(numbers)
            case .allTCP: protectedPorts.isEmpty ? [] : ["not"] + anyPort(protectedPorts)
            }
        let peers = any(wall.peers.map { ["dst", $0.family == .ipv6 ? "[\($0)]" : "\($0)"] })
        return killing + peers + (ports.isEmpty ? [] : ["and"] + ports)
    }

    private static func anyPort(_ ports: [Port]) -> [String] {
        any(ports.flatMap { [["sport", "=", ":\($0)"], ["dport", "=", ":\($0)"]] })
    }

    private static func any(_ terms: [[String]]) -> [String] {
        ["("] + Array(terms.joined(separator: ["or"])) + [")"]
    }
}
