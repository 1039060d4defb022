import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Whole migrations with real brokers, a producer and a consumer, checked message by message.
@Suite(
    "A mitosis with Kafka",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: LabFixture.kafkaObstacle == nil, "\(LabFixture.kafkaObstacle ?? "")")
)
struct KafkaMitosisTests {
    @Test("moves three brokers without a failed or lost message", .hangLimit)
    func moves() async throws {
        try await LabFixture.withLab(brokers: 3) { lab in
            try await lab.up()
            let summary = try await LabRun(lab, settle: .seconds(3)).perform()
            #expect(summary.problems == [])
            #expect(
                summary.stages.map(\.name) == [
                    "preflight", "join", "repoint", "division", "return", "proof", "clean-up",
                ]
            )
            let kafka = try #require(summary.kafka)
            #expect(kafka.report.acknowledged > 500)
            #expect(kafka.sessionsLost == [])
            #expect(kafka.report.failed == 0)
            #expect(kafka.report.lost.isEmpty)
            let state = try await lab.kafkaState(.destination)
            #expect(state.brokers.map(\.id) == [1, 2, 3])
            #expect(state.underReplicated.isEmpty)
            let events = Coordinator(lab: lab).events()
            #expect(events.contains("0 sessions lost"))
            try await Proven.expect(lab)
            let joint = ["smoketest", lab.layout.plan, "--side", "joint"]
            #expect(try await Coordinator(lab: lab).perform(joint).status != 0)
        }
    }

    @Test(
        "a broker that does not come back stops the roll; healed, a second run goes on",
        .hangLimit
    )
    func brokerStaysAway() async throws {
        try await LabFixture.withLab(brokers: 3) { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let controller = try #require(try await lab.kafkaState().controller)
            // Without the controller the lowest id is the first to be restarted.
            let first = try #require(lab.configuration.brokerHosts.first { $0.brokerID != controller })
            let others = lab.configuration.brokerHosts.filter { $0 != first }
            let description = lab.layout.host(first).description
            let intact = try Folder.read(description)
            try #require(intact.contains("kafka.Kafka"))
            try Folder.write(intact.replacing("kafka.Kafka", with: "kafka.Nothing"), to: description)
            let before = try others.map { try Folder.read(lab.layout.host($0).kafkaConfiguration) }
            let workload = Workload(lab)
            try await workload.start(seconds: 900)
            try await workload.waitUntilWriting(.source, seconds: 60)

            let stopped = try await coordinator.run()
            #expect(stopped.status == 1)
            #expect(
                stopped.output.contains("stopped: ") && stopped.output.contains(first.name),
                "\(stopped.output.suffix(800))"
            )
            #expect(try others.map { try Folder.read(lab.layout.host($0).kafkaConfiguration) } == before)
            #expect(!coordinator.events().contains("division.split"))

            try Folder.write(intact, to: description)
            try await lab.startKafka(on: first)
            try await lab.waitUntilReplicated(seconds: 120)
            let second = try await coordinator.run()
            #expect(second.succeeded, "\(second.output.suffix(1500))")
            let summary = try await LabRun(lab).summarize(second.status, workload)
            #expect(summary.source.lost.isEmpty && summary.destination.lost.isEmpty)
            #expect(try await lab.kafkaState(.destination).underReplicated.isEmpty)
        }
    }

    @Test(
        "a single server, a wrong chroot or a missing broker is refused by name, and nothing changes",
        .hangLimit
    )
    func refusals() async throws {
        try await LabFixture.withLab(brokers: 3) { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let host = lab.configuration.brokerHosts[1]
            let path = lab.layout.host(host).kafkaConfiguration
            let intact = try Folder.read(path)
            let line = try #require(
                intact.split(separator: "\n").first { $0.hasPrefix("zookeeper.connect=") }
            )
            let zooKeepers = try coordinator.configurations()
            for (wrong, says) in [
                ("zookeeper.connect=198.51.100.11:2181/kafka", "one server only"),
                (
                    "zookeeper.connect=198.51.100.11:2181,198.51.100.12:2181,198.51.100.13:2181/other",
                    "/other"
                ),
            ] {
                try Folder.write(intact.replacing(line, with: wrong), to: path)
                let run = try await coordinator.run()
                #expect(run.status == 1)
                let said = run.output + run.errors
                #expect(said.contains(host.name) && said.contains(says), "\(said.suffix(800))")
            }
            try Folder.write(intact, to: path)
            try await lab.stopKafka(on: host)
            let run = try await coordinator.run()
            #expect(run.status == 1)
            #expect(
                run.output.contains(host.name) || run.output.contains("broker 2"),
                "\(run.output.suffix(800))"
            )
            #expect(try coordinator.configurations() == zooKeepers)
        }
    }
}
