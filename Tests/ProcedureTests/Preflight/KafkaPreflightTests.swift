import ControlProtocol
import FoundationEssentials
import KafkaMetadata
import Procedure
import Reporting
import Settings
import Testing
import Topology

/// One thing wrong with a cluster, and what is said before anything is changed.
struct KafkaFault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let said: [String]
    let make: @Sendable (inout ModelEnsemble) -> Void

    init(_ name: String, _ said: String..., make: @escaping @Sendable (inout ModelEnsemble) -> Void) {
        testDescription = name
        self.said = said
        self.make = make
    }
}

extension ModelEnsemble {
    fileprivate mutating func rewrite(_ host: String, _ old: String, _ new: String) {
        guard let name = HostName(host), let file = brokers.brokers[name]?.file else { return }
        brokers.brokers[name]?.file = Data(
            String(decoding: file, as: UTF8.self).replacing(old, with: new).utf8
        )
    }

    fileprivate mutating func put(_ json: String, at path: String) {
        brokers.overrides[path] = Znode(data: Data(json.utf8), czxid: Zxid(1), ephemeralOwner: nil)
    }

    fileprivate mutating func setMeta(_ host: String, _ text: String) {
        guard let name = HostName(host) else { return }
        brokers.metas[name] = Data(text.utf8)
    }
}

@Suite("preflight of Kafka")
struct KafkaPreflightTests {
    private static let faults = files + nodes

    private static let files = [
        KafkaFault("single server", "broker 2 (k2)", "names one server only") {
            $0.rewrite("k2", "198.51.100.11:2181,198.51.100.12:2181,", "")
        },
        KafkaFault("wrong chroot", "broker 3 (k3)", "has the chroot /kafka-b, the plan the chroot /kafka") {
            $0.rewrite("k3", "/kafka", "/kafka-b")
        },
        KafkaFault("no chroot", "broker 3 (k3)", "has no chroot, the plan the chroot /kafka") {
            $0.rewrite("k3", "/kafka", "")
        },
        KafkaFault("other ensemble", "broker 1 (k1)", "names 198.51.100.99:2181, which is no source server") {
            $0.rewrite("k1", "198.51.100.12:", "198.51.100.99:")
        },
        KafkaFault("already at the destination", "names 198.51.100.14:2181, which is no source server") {
            $0.rewrite("k1", "198.51.100.12:", "198.51.100.14:")
        },
        KafkaFault("other port", "names 198.51.100.12:2182, which is no source server") {
            $0.rewrite("k1", "198.51.100.12:2181", "198.51.100.12:2182")
        },
        KafkaFault("a chroot after each server", "k1", "line 4: Kafka reads zookeeper.connect as the servers")
        {
            $0.rewrite("k1", ":2181,", ":2181/kafka,")
        },
        KafkaFault("other broker id", "broker.id says broker 7, the plan 1 (line") {
            $0.rewrite("k1", "broker.id=1", "broker.id=7")
        },
        KafkaFault("not to be read", "k2", "line 2: broker.id=x is not a whole number") {
            $0.rewrite("k2", "broker.id=2", "broker.id=x")
        },
        KafkaFault("KRaft", "k2", "makes this a broker without ZooKeeper") {
            $0.rewrite("k2", "# kept", "process.roles=broker")
        },
        KafkaFault(
            "other cluster",
            "k3: /k/meta.properties has cluster.id cluster-b, but /cluster/id is cluster-a"
        ) {
            $0.setMeta("k3", "broker.id=3\ncluster.id=cluster-b\n")
        },
        KafkaFault("swapped disks", "/k/meta.properties says broker 1, the plan 2") {
            $0.setMeta("k2", "broker.id=1\ncluster.id=cluster-a\n")
        },
    ]

    private static let nodes = [
        KafkaFault("under-replicated", "1 under-replicated partitions: u-0 (without 2)") {
            $0.put(#"{"partitions":{"0":[1,2]}}"#, at: "/brokers/topics/u")
            $0.put(#"{"isr":[1],"leader":1}"#, at: "/brokers/topics/u/partitions/0/state")
        },
        KafkaFault("being reassigned", "1 partitions are being reassigned: t-0") {
            $0.put(#"{"partitions":[{"topic":"t","partition":0}]}"#, at: "/admin/reassign_partitions")
        },
        KafkaFault("unplanned broker", "registered, but not in the plan: broker 4 (198.51.100.34)") {
            $0.put(#"{"host":"198.51.100.34"}"#, at: "/brokers/ids/4")
        },
        KafkaFault("broker away", "broker 2 (k2) not registered") {
            $0.brokers.overrides["/brokers/ids/2"] = .some(nil)
        },
        KafkaFault("service stopped", "broker 2 (k2): kafka.service is stopped") { model in
            if let host = HostName("k2") { model.brokers.stop(host) }
        },
        KafkaFault(
            "another application's tree",
            "/brokers/ids/1 is not as any known version of Kafka writes it"
        ) {
            $0.put("hello", at: "/brokers/ids/1")
        },
        KafkaFault("on its way to KRaft", "is being moved to KRaft") {
            $0.put(#"{"brokerid":1,"kraftControllerEpoch":3}"#, at: "/controller")
        },
        KafkaFault("no ZooKeeper for clients", "cannot be read: no server answers") {
            $0.brokers.isUnreadable = true
        },
    ]

    @Test("each fault is named before any command is sent", arguments: faults)
    func refused(_ fault: KafkaFault) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        fleet.change { fault.make(&$0) }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let reason = try #require(outcome.reason)
        for text in fault.said { #expect(reason.contains(text), "\(reason)") }
        #expect(fleet.sent == 0)
    }

    @Test("several faults of several files are told at once")
    func together() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        fleet.change {
            $0.rewrite("k1", "/kafka", "")
            $0.rewrite("k3", "198.51.100.11:2181,198.51.100.12:2181,", "")
        }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        #expect(outcome.reason?.split(separator: "\n").count == 2, "\(outcome)")
    }

    @Test("keys that stand twice, and a byte order mark before a setting, are told; nothing is refused")
    func oddFiles() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        fleet.change {
            $0.rewrite("k1", "# kept", "log.dirs=/old")
            $0.rewrite("k2", "# kept", "\u{FEFF}num.io.threads=8")
        }
        let tape = EventTape()
        _ = try await Fixture.run(plan, fleet, MemoryJournal(), confirm: false) { tape.record($0) }
        let warned = tape.messages(.warning).joined(separator: "\n")
        #expect(
            warned.contains("line 3: 'log.dirs' stands here again, first on line 1: the last one counts"),
            "\(warned)"
        )
        #expect(warned.contains("line 1: a byte order mark is part of the first key for Kafka"), "\(warned)")
    }

    @Test("a cluster of before 0.10.1 has no id to compare")
    func noClusterID() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        fleet.change { model in
            model.brokers.clusterID = nil
            for host in model.brokers.metas.keys { model.brokers.metas[host] = Data("version=0\n".utf8) }
        }
        #expect(try await Fixture.run(plan, fleet, MemoryJournal()).isFinished)
    }

    @Test("meta.properties that the agent may not hand out: the operator is told what to allow")
    func metaNotAllowed() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        let record = try await Fixture.record(plan, fleet)
        let kafka = try #require(record.survey.kafka)
        let metas = kafka.metas.map {
            KafkaSurvey.Meta(host: $0.host, path: $0.path, content: nil, refusal: "not in files")
        }
        let survey = Survey(files: record.survey.files, kafka: KafkaSurvey(files: kafka.files, metas: metas))
        let changed = RunRecord(
            id: record.id,
            plan: record.plan,
            planDigest: record.planDigest,
            startedAt: 0,
            survey: survey,
            epoch: record.epoch
        )
        let journal = MemoryJournal()
        try journal.begin(changed)
        let outcome = try await Fixture.perform(plan, changed, fleet, journal)
        let each = ["k1", "k2", "k3"].map {
            "\($0): /k/meta.properties cannot be compared with /cluster/id (not in files); add it to the agent's 'files'"
        }
        let reason = try #require(outcome.reason)
        #expect(
            reason.hasPrefix("cluster-id: " + each.joined(separator: "; ") + ". Correct whichever is wrong")
        )
        #expect(!reason.contains("\n"))
    }

    @Test("the session timeout is clamped as the destination's servers clamp it, and told")
    func sessions() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        for (asked, told, warns) in [("", 6000, false), ("90000", 40000, false), ("100", 4000, true)] {
            let fleet = ModelFleet(plan: plan)
            if !asked.isEmpty {
                fleet.change { $0.rewrite("k1", "# kept", "zookeeper.session.timeout.ms=\(asked)") }
            }
            let tape = EventTape()
            _ = try await Fixture.run(plan, fleet, MemoryJournal(), confirm: false) { tape.record($0) }
            let said = tape.messages(.stepFinished).contains { $0.contains("broker 1 (k1) has \(told) ms") }
            #expect(said, "\(asked)")
            let hasWarned = !tape.messages(.warning).isEmpty
            #expect(hasWarned == warns, "\(asked)")
        }
    }

    @Test("the plan shows brokers, their diffs and what is done to them")
    func planText() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let survey = await Survey.take(of: plan, through: ModelFleet(plan: plan))
        let text = PlanText(plan: plan, survey: survey).text(rules: [:])
        for part in [
            "  kafka         brokers 1 (k1), 2 (k2), 3 (k3), chroot /kafka, repointed to "
                + "198.51.100.14:2181,198.51.100.15:2181/kafka\n",
            "+zookeeper.connect=198.51.100.14:2181,198.51.100.15:2181/kafka\n",
            "repoint: Repoint: the brokers move to the seeds",
            "write its server.properties, restart it; the controller last",
            "note the session of every broker and of the controller, then detach d4, d5 at once",
        ] { #expect(text.contains(part), "\(part)") }
    }
}
