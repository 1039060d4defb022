import ControlProtocol
import FoundationEssentials
import Procedure
import Settings
import SystemCalls
import Testing
import Topology

@Suite("preflight")
struct PreflightTests {
    private static func findings(
        _ plan: MigrationPlan,
        _ fleet: ModelFleet,
        _ known: Survey? = nil
    ) async -> [Finding] {
        let elapsed = Elapsed()
        let timing = Timing(
            now: { fleet.model.clock },
            monotonic: { elapsed.now },
            sleep: {
                elapsed.pass($0)
                fleet.makeNextChanges()
            }
        )
        let survey: Survey
        if let known { survey = known } else { survey = await Survey.take(of: plan, through: fleet) }
        return await Preflight(plan: plan, survey: survey).findings(through: fleet, fleet, timing: timing)
    }

    @Test(
        "each fault is found by its own check and by no other, with every host that has it",
        arguments: Fault.all
    )
    func found(_ fault: Fault) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: fault.strategy, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        fleet.change { fault.make(&$0) }
        let findings = await Self.findings(plan, fleet)
        let others = findings.filter {
            $0.verdict != .pass && $0.name != fault.check && $0.name != fault.other
        }
        #expect(others.isEmpty, "\(others.map(\.sentence))")
        let finding = try #require(findings.first { $0.name == fault.check })
        #expect(finding.verdict == fault.verdict)
        for text in fault.said { #expect(finding.sentence.contains(text), "\(finding.sentence)") }
        #expect((finding.remedy == nil) == (fault.verdict == .pass))
        #expect(fleet.sent == 0)
    }

    @Test("a healthy fleet passes every check in one look", arguments: MigrationPlan.Strategy.allCases)
    func healthy(strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let findings = await Self.findings(plan, fleet)
        let others = findings.filter { $0.verdict != .pass }
        #expect(others.isEmpty, "\(others.map(\.sentence))")
        #expect(findings.map(\.name) == CheckName.allCases.filter { $0 < .brokers })
        #expect(fleet.looks == 1)
    }

    @Test(
        "a young 3.4 whose servers have logs and no snapshot yet passes",
        arguments: MigrationPlan.Strategy.allCases
    )
    func young(strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        fleet.change { model in
            for host in ["s1", "s2", "s3"] {
                model.make(host) { ($0.isYoung, $0.version) = (true, ServerVersion(3, 4, 6)) }
            }
        }
        #expect(await Self.findings(plan, fleet).filter { $0.verdict == .fail }.map(\.sentence) == [])
    }

    @Test(
        "a server that is told to trust logs without a snapshot needs none, where its version can be told so"
    )
    func trustingLogs() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        for (version, isTold, text) in [
            (ServerVersion(3, 8, 0), true, "snapshot.trust.empty=true"),
            (ServerVersion(3, 8, 0), true, "# kept"),
            (ServerVersion(3, 8, 0), false, "# kept"),
            (ServerVersion(3, 8, 0), true, "snapshot.trust.empty=false"),
            (ServerVersion(3, 5, 5), true, "snapshot.trust.empty=true"),
        ] {
            let fleet = ModelFleet(plan: plan)
            fleet.change { model in
                for host in ["s1", "s2", "s3"] { model.make(host) { $0.version = version } }
                model.make("s2") { ($0.isYoung, $0.version) = (true, version) }
                model.edit("s2", "# kept", text)
                guard isTold, let name = HostName("s2") else { return }
                model.hosts[name]?.javaProperties["zookeeper.snapshot.trust.empty"] = "true"
            }
            let finding = await Self.findings(plan, fleet).first { $0.name == .dataDirectories }
            let isTaken = isTold && version == ServerVersion(3, 8, 0) && !text.hasSuffix("false")
            #expect(finding?.verdict == (isTaken ? .pass : .fail), "\(text), \(isTold), \(version)")
        }
    }

    @Test("with brokers every check is there, and the fleet is asked only as often as Kafka is to be read")
    func healthyKafka() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        let findings = await Self.findings(plan, fleet)
        #expect(findings.allSatisfy { $0.verdict == .pass })
        #expect(findings.map(\.name) == CheckName.allCases.filter { $0 != .movedClients })
        #expect(fleet.looks == 3)
    }

    @Test("what waits is asked again, ever more rarely, and fails after 15 s")
    func patience() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.change { $0.make("s2") { $0.isSilent = true } }
        let findings = await Self.findings(plan, fleet)
        #expect(findings.filter { $0.verdict == .fail }.map(\.name) == [.agents])
        #expect((4...8).contains(fleet.looks), "\(fleet.looks)")
    }

    @Test("what passes meanwhile is no fault")
    func passing() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.change { $0.make("s2") { $0.state = .changing } }
        fleet.atLook(3) { $0.make("s2") { $0.state = nil } }
        let findings = await Self.findings(plan, fleet)
        #expect(findings.filter { $0.verdict != .pass }.map(\.name) == [])
        #expect(fleet.looks == 3)
    }

    @Test("what was not judged because a server was on its way is judged when it is there")
    func late() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.change { $0.make("s2") { $0.state = .changing } }
        fleet.atLook(3) { model in
            model.make("s2") { odd in
                odd.state = nil
                odd.strangers = [IPAddress("192.0.2.9")].compactMap(\.self)
            }
            if let name = HostName("s2") { model.hosts[name]?.javaProperties["jute.maxbuffer"] = "1" }
            model.isReadOnly = true
        }
        let findings = await Self.findings(plan, fleet)
        #expect(
            findings.filter { $0.verdict == .fail }.map(\.name) == [.maxBuffer, .writeCanary, .peerAddresses]
        )
    }

    @Test("an agent that was silent at first is judged by every check when it answers")
    func silentAtFirst() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let survey = await Survey.take(of: plan, through: fleet)
        fleet.change { $0.make("d5") { $0.isSilent = true } }
        fleet.atLook(3) { model in
            model.make("d5") { odd in
                odd.isSilent = false
                odd.myid = .some(9)
                odd.managers = [RuleManager(name: "ufw", pid: 3)]
            }
        }
        let findings = await Self.findings(plan, fleet, survey)
        #expect(findings.filter { $0.verdict == .fail }.map(\.name) == [.serverIDs, .ruleManagers])
    }

    @Test("an agent that answers again after its files could not be read is not taken for one that did")
    func tooLate() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        fleet.change { model in for host in ["s2", "k1"] { model.make(host) { $0.isSilent = true } } }
        fleet.atLook(2) { model in for host in ["s2", "k1"] { model.make(host) { $0.isSilent = false } } }
        let failed = await Self.findings(plan, fleet).filter { $0.verdict == .fail }
        #expect(failed.map(\.name) == [.agents])
        for host in ["s2", "k1"] {
            #expect(failed[0].reason.contains("\(host): its agent did not answer when its files were read"))
        }
    }

    @Test("a shell that runs on a destination host without its JVM is told before anything is started")
    func emptyShell() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.change { $0.make("d4") { $0.state = .running(pid: 77) } }
        let failed = await Self.findings(plan, fleet).filter { $0.verdict == .fail }
        try #require(failed.map(\.name) == [.serverProcesses, .destinationStopped])
        #expect(failed[0].reason.contains("d4: process 77 of zookeeper.service is no ZooKeeper server"))
        #expect(failed[1].reason.contains("d4: zookeeper.service runs (pid 77)"))
        #expect(fleet.sent == 0)
    }

    @Test("several faults are all told at once")
    func together() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        fleet.change { model in
            for fault in Fault.network.prefix(1) + Fault.destination.prefix(2) + Fault.files.prefix(1) {
                fault.make(&model)
            }
        }
        let record = try await Fixture.record(plan, fleet)
        let journal = MemoryJournal()
        try journal.begin(record)
        let outcome = try await Fixture.perform(plan, record, fleet, journal)
        let lines = try #require(outcome.reason).split(separator: "\n").map(String.init)
        #expect(
            lines.map { $0.prefix { $0 != ":" } } == [
                "agent-reach", "server-ids", "epochs", "destination-network",
            ]
        )
    }
}

extension CheckName {
    fileprivate static func < (left: CheckName, right: CheckName) -> Bool {
        let order = CheckName.allCases
        return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
    }
}
