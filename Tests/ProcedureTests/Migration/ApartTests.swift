import ControlProtocol
import Fleet
import Procedure
import Settings
import Synchronization
import Testing
import Topology

/// What the last step of the division that starts nodes does about one that has died, and about ensembles that are not apart.
@Suite("the division's last look", .serialized)
struct ApartTests {
    private final class Count: Sendable {
        private let count = Mutex(0)

        /// How often it was asked, with this time.
        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }
    }

    /// A run whose destination's leader dies at an event of the model.
    private struct Died {
        let plan: MigrationPlan
        let fleet: ModelFleet
        let journal = MemoryJournal()

        init(_ strategy: MigrationPlan.Strategy) throws {
            plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
            fleet = ModelFleet(plan: plan)
        }

        /// - Parameter change: given the leader, which has ended, when the event comes for the first time.
        func run(
            at kind: RunEvent.Kind,
            of step: StepID,
            _ change: @escaping @Sendable (inout ModelEnsemble, HostName) -> Void = { _, _ in }
        ) async throws -> Runner.Outcome {
            let record = try await Fixture.record(plan, fleet)
            try journal.begin(record)
            let count = Count()
            return try await Fixture.perform(plan, record, fleet, journal) { [plan, fleet] event in
                guard event.event == kind, event.step == step, count.next() == 1 else { return }
                fleet.change { model in
                    guard
                        let leader = plan.destination.map(\.host).first(where: { model.leader(for: $0) == $0 }
                        )
                    else { return }
                    model.performed = []
                    model.stop(leader)
                    change(&model, leader)
                }
            }
        }

        /// What the hosts whose nodes were started since were told, in that order.
        var told: [HostName: [String]] {
            fleet.model.performed.reduce(into: [:]) { all, item in
                switch item.command {
                case .service(let request): all[item.host, default: []].append(request.action.rawValue)
                case .installWall: all[item.host, default: []].append("wall")
                default: break
                }
            }
        }
    }

    @Test(
        "a node that dies after the last start is started again behind its wall, by the same run",
        arguments: DivisionTests.strategies
    )
    func diesBefore(_ strategy: MigrationPlan.Strategy) async throws {
        let died = try Died(strategy)
        let outcome = try await died.run(at: .stepFinished, of: "division.start-rest")
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(died.fleet, died.plan)
        let entries = try died.journal.entries(of: try #require(died.journal.record).id)
        let apart = entries.filter { $0.step == "division.apart" }
        #expect(apart.count == 1)
        #expect(apart.first?.commands.count == 1)
    }

    @Test(
        "a node that dies while canaries are looked for is started by the next attempt",
        arguments: DivisionTests.strategies
    )
    func diesMeanwhile(_ strategy: MigrationPlan.Strategy) async throws {
        let died = try Died(strategy)
        let outcome = try await died.run(at: .stepProgress, of: "division.apart")
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(died.fleet, died.plan)
        let entries = try died.journal.entries(of: try #require(died.journal.record).id)
        let apart = entries.filter { $0.step == "division.apart" }
        #expect(apart.map(\.commands.count) == [0, 1])
    }

    @Test(
        "a node that is not to be started stops the run, and the next run starts it",
        arguments: DivisionTests.strategies
    )
    func startsInTheNextRun(_ strategy: MigrationPlan.Strategy) async throws {
        let died = try Died(strategy)
        let outcome = try await died.run(at: .stepFinished, of: "division.start-rest") { model, host in
            model.hosts[host]?.failingStarts = 3
        }
        #expect(outcome.standing == .divided, "\(outcome)")
        #expect(died.told.values.flatMap(\.self) == ["start", "start", "start"])
        let forward = try await Fixture.resume(died.plan, died.fleet, died.journal)
        let isFinished = forward.isFinished
        #expect(isFinished, "\(forward)")
        ProcedureTests.expectDivided(died.fleet, died.plan)
    }

    @Test(
        "a host that reboots there starts nothing without its wall; the run that goes on puts it up first",
        arguments: DivisionTests.strategies
    )
    func reboots(_ strategy: MigrationPlan.Strategy) async throws {
        let died = try Died(strategy)
        let outcome = try await died.run(at: .stepFinished, of: "division.start-rest") { model, host in
            model.hosts[host]?.wall = nil
        }
        #expect(outcome.standing == .divided, "\(outcome)")
        #expect(outcome.reason?.contains("does not hold the wall as planned") == true, "\(outcome)")
        #expect(died.told.isEmpty)
        let forward = try await Fixture.resume(died.plan, died.fleet, died.journal)
        let isFinished = forward.isFinished
        #expect(isFinished, "\(forward)")
        let started = died.told.filter { $0.value.contains("start") }
        #expect(started.count == 1)
        #expect(started.first?.value.prefix(2) == ["wall", "start"])
        ProcedureTests.expectDivided(died.fleet, died.plan)
    }

    @Test("a canary on the wrong side stops the run at once", arguments: DivisionTests.strategies)
    func strays(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        fleet.change { $0.isMixed = true }
        let count = Count()
        // Another attempt would see none.
        let outcome = try await Fixture.run(plan, fleet, journal) { event in
            guard event.event == .stepStarted, event.step == "division.apart", count.next() == 2 else {
                return
            }
            fleet.change { $0.isMixed = false }
        }
        #expect(outcome.reason?.contains("the ensembles are not apart") == true, "\(outcome)")
        let entries = try journal.entries(of: try #require(journal.record).id)
        #expect(entries.count { $0.step == "division.apart" } == 1)
    }
}
