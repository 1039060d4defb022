import FoundationEssentials
import Glibc
import LabKit
import Testing

@Suite(
    "The lab's Kafka",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: LabFixture.kafkaObstacle == nil, "\(LabFixture.kafkaObstacle ?? "")")
)
struct KafkaLabTests {
    static var modes: [LabConfiguration.HostMode] {
        Lab.systemdObstacle() == nil ? [.processes, .systemd] : [.processes]
    }

    @Test(
        "loses no acknowledged message while a broker is restarted, and leaves nothing behind",
        .hangLimit,
        arguments: modes
    )
    func restart(mode: LabConfiguration.HostMode) async throws {
        try await LabFixture.withLab(destinations: 1, mode: mode, brokers: 3) { lab in
            try await lab.up()
            let before = try await lab.kafkaState()
            #expect(before.brokers.map(\.id) == [1, 2, 3])
            #expect(before.partitions.count == KafkaServer.partitions)
            #expect(before.partitions.allSatisfy { $0.replicas.count == 3 })
            #expect(before.underReplicated.isEmpty)
            for host in lab.configuration.brokerHosts { try await lab.waitForAgent(on: host, seconds: 60) }
            let lines = try await lab.statusLines()
            #expect(lines.contains { $0.hasPrefix("k1 ") && $0.contains("leads") })
            #expect(lines.last == "kafka: 3 partitions, 0 of them under-replicated")

            let workload = KafkaWorkload(lab)
            try await workload.start(seconds: 120)
            try await workload.waitUntilProducing(seconds: 30)
            let broker = lab.configuration.brokerHosts[1]
            try await lab.stopKafka(on: broker)
            try await Task.sleep(for: .seconds(1))
            #expect(try await lab.kafkaState().brokers.map(\.id) == [1, 3])
            #expect(try await lab.kafkaState().underReplicated.count == 3)
            try await lab.startKafka(on: broker)
            try await lab.waitUntilReplicated(seconds: 60)
            try await Task.sleep(for: .seconds(1))
            let report = try await workload.check()
            #expect(report.isClean, "\(report)")
            #expect(report.acknowledged > 100)
            #expect((report.longestLatency ?? 0) < 30)
            print("\(mode.rawValue): \(report)")

            let after = try await lab.kafkaState()
            for (old, new) in zip(before.brokers, after.brokers) {
                #expect((new.created > old.created) == (new.id == 2), "broker \(old.id)")
                #expect((new.owner != old.owner) == (new.id == 2), "broker \(old.id)")
            }

            let running = try await LabTests.processes(of: lab)
            try await lab.down()
            #expect(running.allSatisfy { !$0.isRunning })
            #expect(try await lab.leftNamespaces().isEmpty)
            #expect(try lab.leftControlGroups().isEmpty)
            for host in lab.configuration.brokerHosts {
                let log = try Folder.read(lab.layout.host(host).log(of: .kafka))
                #expect(log.contains("shut down completed"), "\(host.name)")
            }
        }
    }

    @Test("finds the messages of a topic whose data vanished to be lost", .hangLimit)
    func sabotage() async throws {
        try await LabFixture.withLab(destinations: 1, agents: false, brokers: 1) { lab in
            try await lab.up()
            let workload = KafkaWorkload(lab)
            try await workload.start(seconds: 60)
            try await workload.waitUntilProducing(seconds: 30)
            let broker = lab.configuration.brokerHosts[0]
            try await lab.stopKafka(on: broker)
            let data = lab.layout.host(broker).data
            for entry in try Folder.entries(data) { try Folder.remove("\(data)/\(entry)") }
            try await lab.startKafka(on: broker)
            try await lab.waitUntilReplicated(seconds: 60)
            try await Task.sleep(for: .seconds(2))
            let report = try await workload.check()
            #expect(report.lost.contains("0 (partition 0)"))
            #expect(!report.isClean)
        }
    }

    @Test("the broker's jar is refused when it is not the pinned one")
    func forgedJar() async throws {
        let folder = "/var/tmp/mitosis-lab/cache\(UInt32.random(in: 0..<1_000_000))"
        try Folder.make(folder)
        let cache = KafkaCache(folder: folder)
        try Folder.write("no jar", to: folder + "/forged.jar")
        await #expect {
            try await cache.install(folder + "/forged.jar")
        } throws: { error in
            "\(error)".contains(KafkaCache.jarDigest)
        }
        #expect(!FileManager.default.fileExists(atPath: cache.jar))
        try Folder.remove(folder)
    }
}
