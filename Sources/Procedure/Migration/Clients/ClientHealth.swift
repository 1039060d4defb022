import ControlProtocol
import Fleet
import Settings
import Topology

/// What a plan wants to see of a client besides its connections: a port that answers, a service that runs.
struct ClientHealth {
    private let client: PlannedClient
    private let health: PlannedHealth

    /// Nil for a client of which nothing else is to be seen.
    init?(_ client: PlannedClient) {
        guard let health = client.healthy else { return nil }
        self.client = client
        self.health = health
    }

    /// What its host's agent is to connect to.
    var target: ProbeTarget? {
        guard let port = health.port, let address = IPAddress("127.0.0.1") else { return nil }
        return ProbeTarget(address: address, port: port)
    }

    /// A service that the agent's configuration does not name.
    func unknownService(in fleet: FleetView) -> String? {
        guard let service = health.service, fleet.status(client.host) != nil,
            fleet.service(service, on: client.host) == nil
        else { return nil }
        return service
    }

    /// What is not as it is to be; nil when all is.
    func lacking(in fleet: FleetView) -> String? {
        if let service = health.service {
            guard let state = fleet.service(service, on: client.host) else {
                return "needs \(service), which its agent does not know"
            }
            switch state {
            case .running: break
            case .changing, .stopped, .failed: return "needs \(service), which \(state.sentence)"
            }
        }
        guard let target else { return nil }
        guard let result = fleet.probes[client.host]?.first(where: { $0.target == target }) else {
            let reason = fleet.probeErrors[client.host].map { ": \($0.reason)" } ?? ""
            return "was not tried at its port \(target.port)\(reason)"
        }
        switch result.answer {
        case .connected: return nil
        case .refused, .silent, .unreachable: return "does not answer at its port \(target.port)"
        }
    }
}
