import ControlProtocol
import Fleet
import Settings
import Topology

extension SurveyedPlan {
    /// Where a server's peers and clients connect to.
    static func targets(_ server: PlannedServer, _ ports: [Port]) -> [ProbeTarget] {
        server.allAddresses.prefix(1).flatMap { address in
            ports.map { ProbeTarget(address: address, port: $0) }
        }
    }

    /// Every destination host tries every other one's ports; nothing listens there yet.
    var destinationProbes: [HostName: [ProbeTarget]] {
        plan.destination.reduce(into: [:]) { probes, server in
            probes[server.host] = plan.destination.filter { $0.host != server.host }
                .flatMap { Self.targets($0, [$0.clientPort, $0.quorumPort, $0.electionPort]) }
        }
    }

    var crossingProbes: [HostName: [ProbeTarget]] {
        var probes: [HostName: [ProbeTarget]] = [:]
        for (side, other) in [(plan.source, plan.destination), (plan.destination, plan.source)] {
            let targets = other.flatMap { Self.targets($0, [$0.quorumPort, $0.electionPort]) }
            for server in side { probes[server.host] = targets }
        }
        return probes
    }
}
