import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

/// The way back from a division that has no leader yet, and the way forward after it.
@Suite("rollback", .serialized)
struct RollbackTests {
    /// A run whose coordinator died right after a step of the division.
    private static func stopped(
        _ strategy: MigrationPlan.Strategy,
        after step: StepID
    ) async throws -> (plan: MigrationPlan, fleet: ModelFleet, journal: MemoryJournal) {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        journal.die(after: step)
        await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
        journal.die(after: nil)
        return (plan, fleet, journal)
    }

    private static func expectJoint(_ fleet: ModelFleet, _ plan: MigrationPlan) {
        let model = fleet.model
        let violations = model.violations
        #expect(violations.isEmpty)
        for server in plan.source + plan.seeds {
            let serves = model.serves(server.host)
            let hasNoWall = model.hosts[server.host]?.wall == nil
            #expect(serves && hasNoWall, "\(server.host)")
        }
        for server in plan.seeds {
            let isJoint = model.hosts[server.host]?.view.map(Set.init) == Set(plan.jointMembers)
            #expect(isJoint, "\(server.host)")
        }
    }

    private static let steps: [StepID] = ["division.detach", "division.split"]

    @Test(
        "before a leader the joint ensemble comes back, and can be divided again",
        arguments: DivisionTests.strategies
    )
    func backAndForth(_ strategy: MigrationPlan.Strategy) async throws {
        for step in Self.steps {
            let (plan, fleet, journal) = try await Self.stopped(strategy, after: step)
            let before = plan.source.map { fleet.model.hosts[$0.host]?.pid }
            let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
            let isBack = back.isFinished
            #expect(isBack, "\(step): \(back)")
            Self.expectJoint(fleet, plan)
            #expect(plan.source.map { fleet.model.hosts[$0.host]?.pid } == before)
            let history = RunHistory(try journal.entries(of: try #require(journal.record).id))
            #expect(history.standing == .joint)

            let forward = try await Fixture.resume(plan, fleet, journal)
            let isFinished = forward.isFinished
            #expect(isFinished, "\(step): \(forward)")
            ProcedureTests.expectDivided(fleet, plan)
        }
    }

    @Test(
        "where one host does not confirm that it stays, the run takes all back to the joint ensemble, and can be gone on with",
        arguments: DivisionTests.strategies
    )
    func notAllCommitted(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let host = plan.seeds[0].host.description
        fleet.change { $0.make(host) { $0.refusesCommitment = true } }
        let outcome = try await Fixture.run(plan, fleet, journal)
        guard case .stopped(let reason, .joint) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains("no space left on device") && reason.contains("everything was taken back"))
        Self.expectJoint(fleet, plan)
        let id = try #require(journal.record).id
        #expect(!(try journal.entries(of: id).contains { $0.step == "division.start" }))
        fleet.change { $0.make(host) { $0.refusesCommitment = false } }
        let forward = try await Fixture.resume(plan, fleet, journal)
        let isFinished = forward.isFinished
        #expect(isFinished, "\(forward)")
        ProcedureTests.expectDivided(fleet, plan)
    }

    /// As many hosts as are named go back by themselves, the first of them first.
    private static func lapse(_ hosts: Int, of plan: MigrationPlan, _ fleet: ModelFleet) {
        for server in plan.destination.prefix(hosts) { fleet.change { $0.lapse(server.host) } }
    }

    @Test(
        "hosts that went back by themselves keep a run from going forward, and a rollback brings the others back",
        arguments: DivisionTests.strategies,
        1...3
    )
    func lapsed(_ strategy: MigrationPlan.Strategy, _ hosts: Int) async throws {
        let (plan, fleet, journal) = try await Self.stopped(strategy, after: "division.split")
        Self.lapse(hosts, of: plan, fleet)
        let forward = try await Fixture.resume(plan, fleet, journal)
        #expect(forward.reason?.contains("went back to the joint ensemble") == true, "\(forward)")
        let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        Self.expectJoint(fleet, plan)
        let orders = plan.destination.compactMap { fleet.model.hosts[$0.host]?.order }
        #expect(orders.isEmpty)
        let again = try await Fixture.resume(plan, fleet, journal)
        let isFinished = again.isFinished
        #expect(isFinished, "\(again)")
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test(
        "a rollback that dies at any write of its journal is continued to the same end, also where hosts went back by themselves",
        arguments: 0...1
    )
    func diesAnywhere(lapsed: Int) async throws {
        for strategy in DivisionTests.strategies {
            let probe = try await Self.stopped(strategy, after: "division.split")
            Self.lapse(lapsed, of: probe.plan, probe.fleet)
            probe.journal.fail(at: nil)
            _ = try await Fixture.resume(probe.plan, probe.fleet, probe.journal, course: .back(to: .joint))
            #expect(probe.journal.writes > 10)
            for write in 1...probe.journal.writes {
                let (plan, fleet, journal) = try await Self.stopped(strategy, after: "division.split")
                Self.lapse(lapsed, of: plan, fleet)
                journal.fail(at: write)
                do {
                    _ = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
                    Issue.record("write \(write) did not fail")
                } catch is JournalError {
                    journal.fail(at: nil)
                }
                let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
                let isBack = back.isFinished
                #expect(isBack, "died at write \(write): \(back)")
                Self.expectJoint(fleet, plan)
            }
        }
    }

    @Test(
        "a seed that leads the joint ensemble, and was to be detached last, does not keep the others from coming back"
    )
    func seedLeads() async throws {
        let (plan, fleet, journal) = try await Self.stopped(.participants, after: "join.window")
        let last = try #require(plan.seeds.last).host
        fleet.change { model in
            model.forcedLeader = last
            for server in plan.source where model.leader(for: server.host) == server.host {
                model.stop(server.host)
                model.start(server.host)
            }
        }
        #expect(fleet.model.leader(for: plan.source[0].host) == last)
        journal.die(after: "division.detach")
        await #expect(throws: JournalError.self) { try await Fixture.resume(plan, fleet, journal) }
        journal.die(after: nil)
        #expect(fleet.model.hosts[last]?.wall == nil && fleet.model.hosts[last]?.pid != nil)
        #expect(plan.seeds.contains { fleet.model.hosts[$0.host]?.pid == nil })
        let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        Self.expectJoint(fleet, plan)
    }

    @Test("a destination that has a leader cannot be taken back", arguments: DivisionTests.strategies)
    func tooLate(_ strategy: MigrationPlan.Strategy) async throws {
        for stopsAgain in [false, true] {
            let (plan, fleet, journal) = try await Self.stopped(strategy, after: "division.start")
            if stopsAgain {
                fleet.change { for server in plan.destination { $0.stop(server.host) } }
            }
            let before = fleet.model.performed.count
            let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
            #expect(back.reason?.contains("the point of no return is passed") == true, "\(back)")
            #expect(fleet.model.performed.count == before)
            for server in plan.destination {
                let isWalled = fleet.model.hosts[server.host]?.wall != nil
                #expect(isWalled)
            }
            // A refusal binds nobody: `mitosis run` asks this before it goes forward.
            let isBound = RunHistory(try journal.entries(of: try #require(journal.record).id)).isOnTheWayBack
            #expect(!isBound)
            let forward = try await Fixture.resume(plan, fleet, journal)
            let isFinished = forward.isFinished
            #expect(isFinished, "\(forward)")
            ProcedureTests.expectDivided(fleet, plan)
        }
    }

    @Test(
        "a rollback that only stopped nodes may be given up; one after a leader came about is refused",
        arguments: DivisionTests.strategies
    )
    func givenUp(_ strategy: MigrationPlan.Strategy) async throws {
        let (plan, fleet, journal) = try await Self.stopped(strategy, after: "division.split")
        fleet.change { $0.start(plan.seeds[0].host) }
        journal.die(after: "rollback.stop")
        await #expect(throws: JournalError.self) {
            try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
        }
        let isBound = RunHistory(try journal.entries(of: try #require(journal.record).id)).isOnTheWayBack
        #expect(!isBound)
        journal.die(after: "division.start")
        await #expect(throws: JournalError.self) { try await Fixture.resume(plan, fleet, journal) }
        journal.die(after: nil)

        let before = fleet.model.performed.count
        let late = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
        #expect(late.reason?.contains("the point of no return is passed") == true, "\(late)")
        #expect(fleet.model.performed.count == before)
        let forward = try await Fixture.resume(plan, fleet, journal)
        let isFinished = forward.isFinished
        #expect(isFinished, "\(forward)")
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test(
        "a node that promised itself to a later epoch begins without data",
        arguments: DivisionTests.strategies
    )
    func promised(_ strategy: MigrationPlan.Strategy) async throws {
        let (plan, fleet, journal) = try await Self.stopped(strategy, after: "division.split")
        let host = plan.seeds[1].host
        fleet.change { $0.hosts[host]?.acceptedEpoch = 2 }
        let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        Self.expectJoint(fleet, plan)
        let aside = fleet.model.performed.filter {
            if case .setAside = $0.command { true } else { false }
        }
        #expect(aside.map(\.host) == [host])
    }

    @Test("nodes that run their own view without a leader are stopped before the rules go")
    func runsItsOwn() async throws {
        let (plan, fleet, journal) = try await Self.stopped(.participants, after: "division.split")
        let host = plan.seeds[0].host
        fleet.change { $0.start(host) }
        let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .joint))
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        Self.expectJoint(fleet, plan)
    }

    @Test("standings are named from the journal", arguments: DivisionTests.strategies)
    func standings(_ strategy: MigrationPlan.Strategy) async throws {
        let joined: StepID = strategy == .participants ? "join.start-seeds-again" : "join.start-observers"
        let expected: [(StepID, Standing)] = [
            (joined, .joint), ("division.canary", .joint), ("division.detach", .dividing),
            ("division.split", .dividing), ("division.start", .divided), ("division.apart", .divided),
            ("clean-up.remove-rules", .apart),
        ]
        for (step, standing) in expected {
            let (_, _, journal) = try await Self.stopped(strategy, after: step)
            let history = RunHistory(try journal.entries(of: try #require(journal.record).id))
            #expect(history.standing == standing, "\(step)")
        }
        #expect(Set(Standing.allCases.map(\.advice)).count == Standing.allCases.count)
    }
}
