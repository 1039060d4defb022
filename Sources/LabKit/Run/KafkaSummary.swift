/// What the brokers of a lab and their applications went through in a whole pass.
package struct KafkaSummary: Codable, Sendable {
    package let report: KafkaHistoryReport
    /// As ZooKeeper had it at the end.
    package let state: KafkaState
    /// How many brokers there must be.
    package let brokers: Int

    /// The epoch that the division's election began, where the brokers are on the destination.
    package let divisionEpoch: Int64?

    package init(report: KafkaHistoryReport, state: KafkaState, brokers: Int, divisionEpoch: Int64? = nil) {
        self.report = report
        self.state = state
        self.brokers = brokers
        self.divisionEpoch = divisionEpoch
    }

    /// Brokers that had to register again after the division: their nodes were created in its epoch.
    package var sessionsLost: [Int]? {
        divisionEpoch.map { epoch in state.brokers.filter { $0.created >> 32 >= epoch }.map(\.id) }
    }

    /// Everything that is not as it must be, a sentence each.
    package var problems: [String] {
        var all = report.lost.map { "Kafka: message \($0) was acknowledged and is not there" }
        all += report.outOfOrder.map { "Kafka: message \($0)" }
        all += report.problems.map { "Kafka: \($0)" }
        if report.failed > 0 { all.append("Kafka: \(report.failed) messages were never accepted") }
        if report.unknown > 0 { all.append("Kafka: \(report.unknown) messages were never acknowledged") }
        if state.brokers.count < brokers {
            let there = state.brokers.map { String($0.id) }.joined(separator: ", ")
            all.append("Kafka: of \(brokers) brokers only these are registered: \(there)")
        }
        all += (sessionsLost ?? []).map { "Kafka: broker \($0) lost its session over the division" }
        for partition in state.underReplicated {
            all.append(
                "Kafka: \(partition.topic)-\(partition.number) is under-replicated: in sync "
                    + "\(partition.inSync) of \(partition.replicas)"
            )
        }
        return all
    }

    /// For people.
    package var lines: [String] {
        [
            "  acknowledged \(report.acknowledged), failed \(report.failed), lost \(report.lost.count), "
                + "duplicated \(report.duplicated), out of order \(report.outOfOrder.count); "
                + "unknown \(report.unknown)",
            "  longest produce latency  \(LabSummary.seconds(report.longestLatency)); "
                + "\(report.retried) messages took more than one try",
            "  brokers registered       \(state.brokers.count) of \(brokers), "
                + "partitions under-replicated: \(state.underReplicated.count)",
            "  broker sessions lost     \(sessionsLost.map { String($0.count) } ?? "not checked")",
        ]
    }
}
