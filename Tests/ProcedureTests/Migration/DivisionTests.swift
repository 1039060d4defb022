import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Testing
import Topology

/// What the division does about nodes that are behind, slow, dead or in the way.
@Suite("division", .serialized)
struct DivisionTests {
    static let strategies: [MigrationPlan.Strategy] = [.participants, .observers]

    private struct Prepared {
        let plan: MigrationPlan
        let fleet: ModelFleet
        let journal = MemoryJournal()
        let record: RunRecord
    }

    /// A run that has got as far as the question before the division.
    private static func prepared(
        _ strategy: MigrationPlan.Strategy,
        source: Int = 3,
        destination: Int = 3
    ) async throws -> Prepared {
        let plan = try Fixture.plan(source: source, destination: destination, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let prepared = Prepared(plan: plan, fleet: fleet, record: try await Fixture.record(plan, fleet))
        try prepared.journal.begin(prepared.record)
        let declined = try await Fixture.perform(
            plan,
            prepared.record,
            fleet,
            prepared.journal,
            confirm: false
        )
        #expect(declined.reason?.contains("not confirmed") == true, "\(declined)")
        return prepared
    }

    private static func starts(_ fleet: ModelFleet, after count: Int) -> [HostName] {
        fleet.model.performed.dropFirst(count).compactMap { item in
            guard case .service(let request) = item.command, request.action != .stop else { return nil }
            return item.host
        }
    }

    @Test("a single node that holds the newest writes is in the first quorum", arguments: strategies)
    func onlyOneIsFresh(_ strategy: MigrationPlan.Strategy) async throws {
        for fresh in 0..<2 {
            let prepared = try await Self.prepared(strategy)
            let seeds = prepared.plan.seeds
            prepared.fleet.change { model in
                for (index, seed) in seeds.enumerated() where index != fresh {
                    model.hosts[seed.host]?.isBehind = true
                }
                for _ in 0..<20 { model.commit() }
            }
            let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
            let isFinished = outcome.isFinished
            #expect(isFinished, "\(outcome)")
            ProcedureTests.expectDivided(prepared.fleet, prepared.plan)
        }
    }

    @Test(
        "a host that reboots while its node starts gets its wall back before the next start",
        arguments: strategies
    )
    func rebooted(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        let (plan, fleet) = (prepared.plan, prepared.fleet)
        let host = plan.seeds[0].host
        let outcome = try await Fixture.perform(plan, prepared.record, fleet, prepared.journal) { event in
            guard event.event == .stepFinished, event.step == "division.commit" else { return }
            fleet.change { model in
                model.hosts[host]?.wall = nil
                model.hosts[host]?.failingStarts = 1
                model.performed = []
            }
        }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        let commands = fleet.model.performed.filter { $0.host == host }.prefix(3).map { item in
            switch item.command {
            case .service(let request): request.action.rawValue
            case .installWall: "wall"
            default: "other"
            }
        }
        #expect(commands == ["start", "wall", "start"])
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test("a node that was ended in its first synchronization begins with no data; a seed's is never touched")
    func halfJoined() async throws {
        let prepared = try await Self.prepared(.participants)
        let (plan, fleet) = (prepared.plan, prepared.fleet)
        let host = plan.dormant[0].host
        prepared.journal.die(after: "division.history")
        await #expect(throws: JournalError.self) {
            try await Fixture.resume(plan, fleet, prepared.journal)
        }
        prepared.journal.die(after: nil)
        fleet.change { model in
            model.hosts[host]?.disk = Zxid(epoch: 1, counter: 3)
            let seed = plan.seeds[0].host
            model.stop(seed)
            for name in [host, seed] { model.make(name.description) { $0.currentEpoch = 0 } }
        }
        let before = fleet.model.performed.count
        let outcome = try await Fixture.resume(plan, fleet, prepared.journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        let setAside = fleet.model.performed.dropFirst(before).filter {
            if case .setAside = $0.command { true } else { false }
        }
        #expect(setAside.map(\.host) == [host])
        #expect(Set(Self.starts(fleet, after: before).prefix(2)) == [host, plan.seeds[0].host])
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test("with everything equal, observers start all at once; with one ahead, the last waits for a leader")
    func observersOrder() async throws {
        for isBehind in [false, true] {
            let prepared = try await Self.prepared(.observers)
            let hosts = prepared.plan.destination.map(\.host)
            if isBehind {
                prepared.fleet.change { model in
                    for host in hosts.dropFirst() { model.hosts[host]?.isBehind = true }
                    model.commit()
                }
            }
            let tape = EventTape()
            let outcome = try await Fixture.perform(
                prepared.plan,
                prepared.record,
                prepared.fleet,
                prepared.journal
            ) { tape.record($0) }
            let isFinished = outcome.isFinished
            #expect(isFinished, "\(outcome)")
            let entries = try prepared.journal.entries(of: prepared.record.id)
            let first = try #require(entries.first { $0.step == "division.start" }).commands.map(\.host)
            #expect(first == (isBehind ? Array(hosts.prefix(2)) : hosts))
            ProcedureTests.expectDivided(prepared.fleet, prepared.plan)
        }
    }

    @Test("a disk that is behind its memory is waited for: nothing of it is lost", arguments: strategies)
    func slowDisk(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        prepared.fleet.change { model in
            for seed in prepared.plan.seeds { model.hosts[seed.host]?.lag = 30 }
        }
        let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(prepared.fleet, prepared.plan)
    }

    @Test("a plain stop in place of the detachment would lose writes: the model can tell")
    func modelCanTell() async throws {
        let prepared = try await Self.prepared(.observers)
        prepared.fleet.change { model in
            for seed in prepared.plan.seeds {
                model.hosts[seed.host]?.lag = 30
            }
            for _ in 0..<40 { model.commit() }
            for seed in prepared.plan.seeds {
                model.stop(seed.host)
                let original = model.hosts[seed.host]?.original ?? Data()
                model.hosts[seed.host]?.file = original
                model.hosts[seed.host]?.wall = prepared.plan.wall(for: seed)
            }
            for seed in prepared.plan.seeds { model.start(seed.host) }
        }
        let violations = prepared.fleet.model.violations
        #expect(violations.first?.contains("was acknowledged") == true)
    }

    @Test(
        "a seed that does not start is tried again; for good, it stops the run before a leader",
        arguments: strategies
    )
    func seedDoesNotStart(_ strategy: MigrationPlan.Strategy) async throws {
        for (failures, finishes) in [(2, true), (50, false)] {
            let prepared = try await Self.prepared(strategy)
            let fresh = prepared.plan.seeds[0].host
            prepared.fleet.change { model in
                // It alone has the newest write, so that no quorum may do without it.
                for seed in prepared.plan.seeds.dropFirst() { model.hosts[seed.host]?.isBehind = true }
                model.commit()
                model.hosts[fresh]?.failingStarts = failures
            }
            let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
            #expect(outcome.isFinished == finishes)
            let violations = prepared.fleet.model.violations
            #expect(violations.isEmpty)
            guard !finishes else { continue }
            #expect(outcome.standing == .dividing)
            let isLed = prepared.plan.destination.contains {
                prepared.fleet.model.leader(for: $0.host) != nil
            }
            #expect(!isLed)
            // The way forward, once its host is mended.
            prepared.fleet.change { $0.hosts[fresh]?.failingStarts = 0 }
            let forward = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
            let isFinished = forward.isFinished
            #expect(isFinished, "\(forward)")
            ProcedureTests.expectDivided(prepared.fleet, prepared.plan)
        }
    }

    @Test("a seed whose log has a hole is not divided: the joint ensemble stays", arguments: strategies)
    func hole(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        let host = prepared.plan.seeds[1].host.description
        let lacking = ZxidRange(Zxid(epoch: 1, counter: 2), through: Zxid(epoch: 1, counter: 4))
        prepared.fleet.change { $0.make(host) { $0.missing = [lacking] } }
        let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
        #expect(outcome.standing == .joint)
        #expect(outcome.reason?.contains("\(host): its log lacks \(lacking)") == true, "\(outcome)")
        // Its data was taken anew.
        prepared.fleet.change { $0.make(host) { $0.missing = [] } }
        let forward = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
        let isFinished = forward.isFinished
        #expect(isFinished, "\(forward)")
        ProcedureTests.expectDivided(prepared.fleet, prepared.plan)
    }

    @Test(
        "a destination that turns out to be of the wrong version is not divided: the joint ensemble stays",
        arguments: strategies
    )
    func version(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        for (version, said) in [
            (ServerVersion(3, 9, 3), "known-faults: ZOOKEEPER-4925 on "),
            (ServerVersion(3, 6, 3), "version-pair: ZooKeeper 3.8.0 becomes 3.6.3"),
        ] {
            prepared.fleet.change { model in
                for seed in prepared.plan.seeds { model.make(seed.host.description) { $0.version = version } }
            }
            let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
            #expect(outcome.standing == .joint)
            #expect(outcome.reason?.contains(said) == true, "\(outcome)")
        }
    }

    @Test("a seed of 3.8 without a snapshot is not divided: it would not start again", arguments: strategies)
    func withoutSnapshot(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        let host = prepared.plan.seeds[1].host.description
        prepared.fleet.change { $0.make(host) { $0.isYoung = true } }
        let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
        #expect(outcome.standing == .joint)
        #expect(outcome.reason?.contains("\(host): there is no complete snapshot") == true, "\(outcome)")
    }

    @Test("connections that only the source still believes in are ended there", arguments: strategies)
    func halfOpen(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        let (host, seed) = (prepared.plan.source[1].host, prepared.plan.seeds[1].host)
        prepared.fleet.change { $0.hosts[host]?.halfOpen = [seed] }
        let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(prepared.fleet, prepared.plan)
        let severed = prepared.fleet.model.performed.filter {
            if case .sever = $0.command { true } else { false }
        }
        #expect(severed.map(\.host) == [host])
    }

    @Test(
        "nodes whose election stalls are stopped together and started together, within seconds of an election",
        arguments: strategies,
        [false, true]
    )
    func stalledElection(_ strategy: MigrationPlan.Strategy, isElected: Bool) async throws {
        let prepared = try await Self.prepared(strategy)
        let host = prepared.plan.seeds[0].host
        let joins = prepared.fleet.model.hosts.mapValues(\.starts)
        prepared.fleet.change { $0.make(host.description) { $0.leadsInVain = isElected } }
        let tape = EventTape { event in
            guard event.event == .stepProgress, event.step == "division.start",
                event.message?.contains("pid none") == true
            else { return }
            prepared.fleet.change { model in
                // The first time only.
                for seed in prepared.plan.seeds where model.hosts[seed.host]?.pid != nil {
                    let isFirst = (model.hosts[seed.host]?.starts ?? 0) <= (joins[seed.host] ?? 0) + 1
                    model.hosts[seed.host]?.isStalled = isFirst
                }
            }
        }
        let outcome = try await Fixture.perform(
            prepared.plan,
            prepared.record,
            prepared.fleet,
            prepared.journal
        ) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(prepared.fleet, prepared.plan)
        let entries = try prepared.journal.entries(of: prepared.record.id).filter {
            $0.step == "division.start"
        }
        // Participants have an empty node, which may vote as the seeds are equal: it is tried first.
        let reasons = entries.compactMap { entry -> String? in
            guard case .failed(let reason) = entry.verdict else { return nil }
            return reason
        }
        let isThird = strategy == .participants
        #expect(entries.count == (isThird ? 4 : 3))
        #expect(reasons.count == entries.count - 1)
        #expect(
            reasons.first?.contains(isElected ? "\(host) was elected 4 s ago" : "looking for a leader for 1")
                == true,
            "\(reasons)"
        )
        #expect(reasons.last?.contains("running: none, which is no majority") == true)
        #expect(entries.dropLast().last?.commands.count == 3)
    }

    @Test("a node that somebody stopped before it was detached is told as not proven", arguments: strategies)
    func foundStopped(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        let host = prepared.plan.seeds[1].host
        let tape = EventTape { event in
            guard event.event == .stepStarted, event.step == "division.detach" else { return }
            prepared.fleet.change { model in
                // After the checks of the step have passed nothing else can be done.
                model.hosts[prepared.plan.seeds[0].host]?.wall = prepared.plan.wall(
                    for: prepared.plan.seeds[0]
                )
                model.elect()
                model.stop(host)
            }
        }
        let outcome = try await Fixture.perform(
            prepared.plan,
            prepared.record,
            prepared.fleet,
            prepared.journal
        ) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(
            tape.messages(.warning).contains { $0.contains("NOT PROVEN") && $0.contains(host.description) }
        )
    }

    @Test("ensembles that are not apart stop the run, with the walls standing", arguments: strategies)
    func mixed(_ strategy: MigrationPlan.Strategy) async throws {
        let prepared = try await Self.prepared(strategy)
        prepared.fleet.change { $0.isMixed = true }
        let outcome = try await Fixture.resume(prepared.plan, prepared.fleet, prepared.journal)
        #expect(outcome.reason?.contains("the ensembles are not apart") == true, "\(outcome)")
        for server in prepared.plan.destination {
            let isWalled = prepared.fleet.model.hosts[server.host]?.wall != nil
            #expect(isWalled)
        }
    }

    @Test("different jute.maxbuffer in the joined JVMs is refused before Kafka moves", arguments: strategies)
    func maxBuffer(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let host = plan.seeds[1].host
        fleet.change { $0.hosts[host]?.javaProperties = ["jute.maxbuffer": "4194304"] }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        #expect(outcome.reason?.contains("jute.maxbuffer differs: 4194304 on \(host)") == true, "\(outcome)")
        #expect(outcome.standing == .joining)
    }
}

extension Runner.Outcome {
    var standing: Standing? {
        switch self {
        case .finished: nil
        case .rested(_, let standing), .stopped(_, let standing): standing
        }
    }
}
