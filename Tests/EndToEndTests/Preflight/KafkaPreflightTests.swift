import FoundationEssentials
import LabKit
import Testing

/// Brokers and their files, broken on the real thing.
@Suite(
    "The preflight of a real set-up with brokers",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: LabFixture.kafkaObstacle == nil, "\(LabFixture.kafkaObstacle ?? "")"),
    .sharedLab(brokers: 3)
)
struct BrokerPreflightTests {
    @Test("passes on a healthy lab, and shows every trap", .hangLimit)
    func healthy() async throws {
        let output = try await Coordinator(lab: SharedLab.lab).preflight()
        #expect(output.passed == output.findings.count, "\(output.faults)")
        // The last is of clients that are no brokers.
        let documented = try DocumentedCheck.all().dropLast(1)
        #expect(output.findings.map(\.name) == documented.map(\.name))
        let faults = try #require(output.finding("known-faults"))
        #expect(faults.reason.contains(", Kafka 0.8.1"), "\(faults.reason)")
        #expect(output.findings.map(\.traps) == documented.map(\.traps))
        #expect(Set(output.findings.flatMap(\.traps)).isSuperset(of: 1...23))
    }

    @Test(
        "fails on a broken set-up with the check that is meant, and passes again when it is mended",
        .hangLimit,
        arguments: Breakage.kafka
    )
    func broken(_ breakage: Breakage) async throws { try await breakage.perform(on: SharedLab.lab) }
}

extension Breakage {
    static let kafka = [
        Breakage(
            "a single server to connect to (trap 12)",
            ["connect-strings"],
            saying: ["broker 2 (k2): ", "names one server only"]
        ) { bench in
            try bench.editBroker("k2") {
                $0.replacing("198.51.100.12:2181,198.51.100.13:2181", with: "").replacing(
                    ":2181,/",
                    with: ":2181/"
                )
            }
        },
        Breakage(
            "another chroot (trap 13)",
            ["cluster-id"],
            saying: ["broker 1 (k1): ", "has the chroot /other, the plan the chroot /kafka"]
        ) { bench in
            try bench.editBroker("k1") { $0.replacing(":2181/kafka", with: ":2181/other") }
        },
        Breakage(
            "another cluster's disk (trap 13)",
            ["cluster-id"],
            saying: ["k3: ", "/meta.properties has cluster.id bbb, but /cluster/id is aaa"]
        ) { bench in
            // 0.8.1 knows no cluster ids: both are made here as later versions make them.
            try await bench.kazoo(
                #"zk.create("/cluster/id", b'{"version":"1","id":"aaa"}', makepath=True)"#,
                below: KafkaServer.chroot
            )
            let metas = try zip(["k1", "k2", "k3"], ["aaa", "aaa", "bbb"]).map { name, cluster in
                let path = try bench.files(name).data + "/meta.properties"
                let id = name.dropFirst()
                try Folder.write("version=0\nbroker.id=\(id)\ncluster.id=\(cluster)\n", to: path)
                return path
            }
            return {
                for path in metas { try Folder.remove(path) }
                try await bench.kazoo(#"zk.delete("/cluster", recursive=True)"#, below: KafkaServer.chroot)
            }
        },
        Breakage(
            "another broker's id",
            ["brokers"],
            saying: ["broker 3 (k3): ", "broker.id says broker 7, the plan 3"]
        ) { bench in
            try bench.editBroker("k3") { $0.replacing("broker.id=3", with: "broker.id=7") }
        },
        Breakage(
            "sessions that are too short (trap 10)",
            // A broker of 0.8.1 that loses its session never registers again.
            ["known-faults", "session-timeouts"],
            saying: ["KAFKA-5473", "broker 1 (k1) has 1000 ms", "cannot be kept"]
        ) { bench in
            let broker = try bench.editBroker("k1") {
                $0.replacing("zookeeper.session.timeout.ms=18000", with: "zookeeper.session.timeout.ms=1000")
            }
            let files = try ["d1", "d2", "d3"].map { try bench.addSetting("minSessionTimeout=500", on: $0) }
            return {
                try await broker()
                for file in files { try await file() }
            }
        },
        Breakage(
            "a broker that is stopped (trap 20)",
            ["kafka-whole"],
            saying: [
                "broker 3 (k3): kafka is stopped", "broker 3 (k3) not registered",
                "under-replicated partitions",
            ]
        ) { bench in
            let host = try bench.host("k3")
            try await bench.lab.stopKafka(on: host)
            return {
                try await bench.lab.startKafka(on: host)
                try await bench.lab.waitUntilReplicated(seconds: 90)
            }
        },
    ]
}

extension Bench {
    /// What runs does not read it.
    fileprivate func editBroker(_ name: String, _ change: (String) -> String) throws -> Mending {
        try rewrite(try files(name).kafkaConfiguration, change)
    }
}
