internal import FoundationEssentials

/// A whole pass: writers, the coordinator, writers a little longer, and the check.
package struct LabRun: Sendable {
    package let lab: Lab
    /// How long the writers go on after the coordinator, and at most in all.
    package let settle: Duration
    package let limit: Int
    /// A program that divides in the coordinator's place, for comparisons; it is given the lab's folder and
    /// writes the same events where the coordinator does.
    package let procedure: String?

    package init(_ lab: Lab, settle: Duration = .seconds(5), limit: Int = 900, procedure: String? = nil) {
        self.lab = lab
        self.settle = settle
        self.limit = limit
        self.procedure = procedure
    }

    /// The lab must be up; it is left up.
    package func perform() async throws -> LabSummary {
        let workload = Workload(lab)
        lab.report(
            "clients: one writes through the source, one through \(lab.names(lab.configuration.seeds))"
        )
        try await workload.start(seconds: limit)
        try await workload.waitUntilWriting(.source, seconds: 60)
        if lab.configuration.brokers > 0 {
            lab.report("clients: a producer and a consumer of the topic \(KafkaServer.topic)")
            try await KafkaWorkload(lab).start(seconds: limit)
            try await KafkaWorkload(lab).waitUntilProducing(seconds: 60)
        }
        let status = try await coordinate()
        lab.report("clients: going on for \(settle)")
        try await Task.sleep(for: settle)
        return try await summarize(status, workload)
    }

    /// Runs the real program on the control host (or the one in its place, here), its output passed through.
    package func coordinate() async throws(LabError) -> Int32 {
        if let procedure {
            return try await Tool([procedure, lab.configuration.directory]).passThrough()
        }
        let argv = [lab.binaries.coordinator, "run", lab.layout.plan, "--yes", "--events", lab.layout.events]
        return try await Tool(argv, namespace: lab.namespace(of: lab.configuration.control)).passThrough()
    }

    /// Ends the writers and compares everything they were told with everything that is there.
    package func summarize(_ status: Int32, _ workload: Workload) async throws -> LabSummary {
        let written = FileManager.default.fileExists(atPath: lab.layout.events)
        let events = EventLog(reading: written ? try Folder.read(lab.layout.events) : "")
        let reports = try await workload.check(
            dividedAt: events.dividedAt,
            window: events.division
        )
        var servers: [LabSummary.Server] = []
        for side in Workload.sides {
            for (host, status) in zip(lab.configuration.hosts(of: side), try await lab.ensemble(side)) {
                servers.append(.init(host: host.name, side: side, id: host.id ?? 0, status: status))
            }
        }
        let summary = LabSummary(
            lab: lab.configuration.name,
            directory: lab.configuration.directory,
            mode: lab.configuration.mode,
            status: status,
            stopped: events.stopped,
            stages: events.stages,
            source: reports.first { $0.side == .source } ?? HistoryReport(side: .source),
            destination: reports.first { $0.side == .destination } ?? HistoryReport(side: .destination),
            servers: servers,
            rules: try await lab.rulesLeft(),
            kafka: try await summarizeKafka(servers)
        )
        try RecordFile.write(summary, at: lab.layout.summary)
        return summary
    }

    /// Ends Kafka's clients, if there are any, and looks at the brokers wherever they are now.
    private func summarizeKafka(_ servers: [LabSummary.Server]) async throws -> KafkaSummary? {
        guard lab.configuration.brokers > 0 else { return nil }
        let side = try lab.brokerSide()
        // The lab's destination has one election, the division's: the epoch it writes in at the end is that one.
        let leader = servers.first { $0.side == .destination && $0.status.mode == "leader" }
        let zxid = leader?.status.zxid.flatMap { Int64($0.dropFirst(2), radix: 16) }
        return KafkaSummary(
            report: try await KafkaWorkload(lab).check(),
            state: try await lab.kafkaState(side),
            brokers: lab.configuration.brokers,
            divisionEpoch: side == .destination ? zxid.map { $0 >> 32 } : nil
        )
    }
}
