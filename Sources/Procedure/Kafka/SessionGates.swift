import ControlProtocol
import Planning
import Topology

/// Whose session lives on: noted right before the split, compared when the destination serves.
extension KafkaProcedure {
    private static var controllerKey: String { "controller" }

    /// Raises the walls, after noting every session; walls that stand already are only completed.
    func split(_ raiseWalls: [HostCommand]) -> Act {
        .decided(
            summary: "note the session of every broker and of the controller, then "
                + raiseWalls.map { "\($0.host): \($0.command.summary)" }.joined(separator: "; "),
            by: { fleet, facts in
                let hasBegun = plan.destination.contains {
                    fleet.status($0.host)?.rules.wall == plan.wall(for: $0)
                }
                if hasBegun { return .act(raiseWalls, because: "the split has begun", noting: facts) }
                if let ailment = ailment(fleet) { return .wait(because: ailment.reason) }
                guard let cluster = fleet.kafka else { return .wait(because: "Kafka was not read") }
                var noted = facts
                noted.sessionsAtDivision = Self.sessions(of: cluster)
                let count = noted.sessionsAtDivision.count
                return .act(raiseWalls, because: "\(count) sessions noted", noting: noted)
            },
            hosts: (plan.destination.map(\.host)) + brokers.map(\.host),
            kafka: fromJoint
        )
    }

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
                return .warns(observed: "the sessions before the split were not noted; they cannot be compared")
            }
            guard let cluster = fleet.kafka else {
                return .waiting(reason: fleet.kafkaSilence ?? "Kafka was not read")
            }
            let lost = lost(in: cluster, before: facts.sessionsAtDivision)
            if let ailment = ailment(fleet) {
                return .waiting(reason: ([ailment.reason] + lost).joined(separator: "; "))
            }
            guard lost.isEmpty else { return .warns(observed: lost.joined(separator: "; ")) }
            return .holds(observed: "0 sessions lost, 0 under-replicated partitions")
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
