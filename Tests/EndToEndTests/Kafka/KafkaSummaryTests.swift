import FoundationEssentials
import LabKit
import Testing

@Suite("Kafka's part of the summary")
struct KafkaSummaryTests {
    static func state(brokers: [Int] = [1, 2, 3], inSync: [Int] = [3, 1, 2]) throws -> KafkaState {
        let nodes = brokers.map {
            "{\"id\": \($0), \"address\": \"a:1\", \"created\": \($0), \"owner\": \"0x1\"}"
        }.joined(separator: ",")
        let text = """
            {"brokers": [\(nodes)], "controller": 1, "partitions": [{"topic": "lab", "number": 0,
             "replicas": [1, 2, 3], "leader": 1, "inSync": \(inSync)}]}
            """
        return try JSONDecoder().decode(KafkaState.self, from: Data(text.utf8))
    }

    static func problems(_ state: KafkaState, _ change: (inout KafkaHistoryReport) -> Void = { _ in })
        -> [String]
    {
        var report = KafkaHistoryReport()
        change(&report)
        return KafkaSummary(report: report, state: state, brokers: 3).problems
    }

    @Test("has no problem when every replica is in sync and nothing was lost")
    func clean() throws {
        #expect(Self.problems(try Self.state()).isEmpty)
    }

    @Test("names a replica out of sync, and one whose broker is not registered")
    func underReplicated() throws {
        #expect(Self.problems(try Self.state(inSync: [1, 2])).count == 1)
        let gone = Self.problems(try Self.state(brokers: [1, 3]))
        #expect(gone.contains { $0.contains("only these are registered: 1, 3") })
        #expect(gone.contains { $0.contains("lab-0 is under-replicated") })
    }

    @Test("names every message that was lost, failed, never acknowledged or misplaced")
    func messages() throws {
        let state = try Self.state()
        #expect(Self.problems(state) { $0.lost = ["4 (partition 0)"] }.count == 1)
        #expect(Self.problems(state) { $0.outOfOrder = ["2 (partition 0) comes after 4"] }.count == 1)
        #expect(Self.problems(state) { $0.problems = ["the consumer has no end"] }.count == 1)
        #expect(Self.problems(state) { $0.failed = 1 }.count == 1)
        #expect(Self.problems(state) { $0.unknown = 1 }.count == 1)
        #expect(Self.problems(state) { $0.duplicated = 1 }.isEmpty)
    }

    @Test("names a broker whose registration is newer than the division")
    func sessions() throws {
        let kept = KafkaSummary(
            report: KafkaHistoryReport(),
            state: try Self.state(),
            brokers: 3,
            divisionEpoch: 1
        )
        #expect(kept.sessionsLost == [] && kept.problems.isEmpty)
        let lost = KafkaSummary(
            report: KafkaHistoryReport(),
            state: try Self.state(),
            brokers: 3,
            divisionEpoch: 0
        )
        #expect(lost.sessionsLost == [1, 2, 3])
        #expect(lost.problems.first == "Kafka: broker 1 lost its session over the division")
    }
}
