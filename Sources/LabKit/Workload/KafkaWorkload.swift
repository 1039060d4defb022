internal import FoundationEssentials
private import Glibc

/// The applications of a lab's Kafka: a producer that wants every acknowledgement, and a consumer.
///
/// They stand for those that must not notice a move. Both stop by themselves.
package struct KafkaWorkload: Sendable {
    package enum Role: String, Codable, Sendable, CaseIterable {
        case producer
        /// Reads along.
        case consumer
        /// Reads everything once, at the end.
        case reader
    }

    package let lab: Lab

    package init(_ lab: Lab) { self.lab = lab }

    /// Starts the producer and the consumer.
    package func start(seconds: Int) async throws {
        for role in [Role.consumer, .producer] { try await launch(role, ["--seconds", String(seconds)]) }
    }

    /// Returns when the producer's first message is acknowledged and the consumer is connected.
    package func waitUntilProducing(seconds: Int) async throws {
        for role in [Role.producer, .consumer] { try await wait(for: "ready", of: role, seconds: seconds) }
    }

    /// Ends both and compares what the producer was told with what is in the topic.
    package func check() async throws -> KafkaHistoryReport {
        try record(.producer)?.signal(SIGTERM)
        try await waitForEnd(of: .producer, seconds: 90)
        try record(.consumer)?.signal(SIGTERM)
        try await waitForEnd(of: .consumer, seconds: 90)
        try await launch(.reader, ["--once"])
        try await waitForEnd(of: .reader, seconds: 90)
        let oldAndReplicated = try lab.kafka().version < KafkaVersion(0, 9) && lab.configuration.brokers > 1
        return KafkaHistoryCheck(
            history: try KafkaHistory(reading: try text(.producer), from: lab.layout.kafkaHistory(.producer)),
            final: try reading(.reader),
            along: try reading(.consumer),
            partitions: KafkaServer.partitions,
            offsetShift: oldAndReplicated ? 1 : 0
        ).report()
    }

    private func reading(_ role: Role) throws(LabError) -> KafkaReading {
        try KafkaReading(reading: try text(role), from: lab.layout.kafkaHistory(role))
    }

    private func text(_ role: Role) throws(LabError) -> String {
        let path = lab.layout.kafkaHistory(role)
        return FileManager.default.fileExists(atPath: path) ? try Folder.read(path) : ""
    }

    private func launch(_ role: Role, _ more: [String]) async throws(LabError) {
        let kafka = try lab.kafka()
        let brokers = lab.configuration.brokerHosts.map { "\($0.ipv4):\(KafkaServer.port)" }
        let script = role == .producer ? "produce.py" : "consume.py"
        let log = lab.layout.kafkaHistory(role)
        try Folder.remove(log)
        let place = ["--brokers", brokers.joined(separator: ","), "--topic", KafkaServer.topic, "--log", log]
        let size = ["--partitions", String(KafkaServer.partitions)]
        // Newer brokers are asked what they speak; these cannot answer.
        let api = kafka.version < KafkaVersion(0, 10) ? ["--api", "0.8.1"] : []
        try await lab.launch(
            [kafka.python, lab.layout.script(script)] + place + size + api + more,
            on: lab.configuration.client,
            record: lab.layout.kafkaRecord(role),
            log: lab.layout.kafkaLog(role)
        )
    }

    private func record(_ role: Role) throws(LabError) -> ProcessRecord? {
        let record = try RecordFile.read(ProcessRecord.self, at: lab.layout.kafkaRecord(role))
        return record?.isRunning == true ? record : nil
    }

    private func waitForEnd(of role: Role, seconds: Int) async throws(LabError) {
        guard let record = try record(role) else { return }
        guard await record.isGone(within: .seconds(seconds)) else {
            try await record.end(grace: .seconds(1))
            throw .late(what: "the end of the Kafka \(role.rawValue)", seconds: seconds, seen: try last(role))
        }
    }

    private func wait(for event: String, of role: Role, seconds: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try !text(role).contains("\"event\": \"\(event)\"") {
            guard try record(role) != nil else {
                throw LabError.failed(
                    step: "the Kafka \(role.rawValue)",
                    diagnostics: "it ended early: \(lab.said(lab.layout.kafkaLog(role)))"
                )
            }
            guard ContinuousClock.now < deadline else {
                throw LabError.late(
                    what: "'\(event)' of the Kafka \(role.rawValue)",
                    seconds: seconds,
                    seen: try last(role)
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func last(_ role: Role) throws(LabError) -> String {
        try text(role).split(separator: "\n").last.map(String.init) ?? lab.said(lab.layout.kafkaLog(role))
    }
}
