import ControlProtocol
import KafkaMetadata
import Settings
import Topology

/// Whose session lives on: noted right before the first node is detached, compared when the destination serves.
extension KafkaProcedure {
    private static var controllerKey: String { "controller" }

    /// What a gate on sessions says when none was lost, and never else.
    package static let keptSessions = "0 sessions lost"

    static func sessions(of cluster: KafkaCluster) -> [String: String] {
        var sessions: [String: String] = [:]
        for broker in cluster.brokers.values {
            sessions[broker.id.description] = broker.session?.description
        }
        sessions[controllerKey] = cluster.controller?.session?.description
        return sessions
    }

    /// Names every session that was lost.
    ///
    /// It is past the point of no return: the run goes on whatever is seen here.
    func sessionsKept(deadline: Duration) -> Gate {
        Gate(
            "every broker is back with the session it had before the split, 0 under-replicated partitions",
            hosts: brokers.map(\.host),
            deadline: deadline,
            looks: kafka.reads,
            interval: kafka.interval,
            kafka: fromDestination,
            isAdvisory: true
        ) { fleet, facts in
            guard !facts.sessionsAtDivision.isEmpty else {
                return .warns(
                    observed: "the sessions before the split were not noted; they cannot be compared"
                )
            }
            guard let cluster = fleet.kafka(from: fromDestination) else {
                return .waiting(reason: fleet.kafkaSilence(of: fromDestination))
            }
            let lost = lost(in: cluster, before: facts.sessionsAtDivision)
            if let ailment = ailment(fleet, from: fromDestination) {
                return .waiting(reason: ([ailment.reason] + lost).joined(separator: "; "))
            }
            guard lost.isEmpty else { return .warns(observed: lost.joined(separator: "; ")) }
            return .holds(observed: "\(Self.keptSessions), 0 under-replicated partitions")
        }
    }

    private func lost(in cluster: KafkaCluster, before: [String: String]) -> [String] {
        let now = Self.sessions(of: cluster)
        var lost = brokers.compactMap { broker -> String? in
            guard let old = before[broker.id.description] else { return nil }
            let new = now[broker.id.description]
            return new == old ? nil : "\(broker.name) lost its session \(old), has \(new ?? "none yet")"
        }
        if let old = before[Self.controllerKey], now[Self.controllerKey] != old {
            let id = cluster.controller.map { "broker \($0.id) is it" } ?? "there is none yet"
            lost.append("the controller's session \(old) no longer holds /controller, \(id)")
        }
        return lost
    }
}
