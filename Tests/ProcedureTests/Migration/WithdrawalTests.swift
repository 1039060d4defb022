import ControlProtocol
import Fleet
import KafkaMetadata
import Procedure
import Settings
import Testing
import Topology

/// The whole way back, from wherever a run stopped before the point of no return, and the run anew after it.
@Suite("withdrawal", .serialized)
struct WithdrawalTests {
    struct Stand {
        let plan: MigrationPlan
        let fleet: ModelFleet
        let journal: MemoryJournal
        let before: [HostName: Int32?]

        var history: RunHistory {
            get throws { RunHistory(try journal.entries(of: try #require(journal.record).id)) }
        }

        func back(
            confirm: Bool = true,
            report: @escaping @Sendable (RunEvent) -> Void = { _ in }
        ) async throws -> Runner.Outcome {
            try await Fixture.resume(
                plan,
                fleet,
                journal,
                course: .back(to: .untouched),
                confirm: confirm,
                report: report
            )
        }
    }

    static let kinds: [(MigrationPlan.Strategy, String)] = [
        (.participants, ""), (.participants, Fixture.kafka), (.observers, ""), (.observers, Fixture.kafka),
    ]

    /// A run whose coordinator died right after a step.
    static func stopped(
        _ strategy: MigrationPlan.Strategy,
        _ kafka: String = "",
        source: Int = 3,
        destination: Int = 3,
        after step: StepID
    ) async throws -> Stand {
        let plan = try Fixture.plan(
            source: source,
            destination: destination,
            strategy: strategy,
            kafka: kafka
        )
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let before = fleet.model.hosts.mapValues(\.pid)
        journal.die(after: step)
        await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
        journal.die(after: nil)
        return Stand(plan: plan, fleet: fleet, journal: journal, before: before)
    }

    /// Files, views, data, rules and registrations are what they were before the run.
    static func expectUntouched(_ stand: Stand, _ comment: String) throws {
        let (model, plan) = (stand.fleet.model, stand.plan)
        let violations = model.violations + model.brokers.violations
        #expect(violations == [], "\(comment)")
        for server in plan.servers {
            let host = try #require(model.hosts[server.host])
            let isOriginal = host.file == host.original
            #expect(isOriginal, "\(comment): \(server.host)")
            #expect(host.wall == nil, "\(comment): \(server.host)")
        }
        for server in plan.source {
            let serves = model.serves(server.host)
            let isOwn = model.isOwnView(server.host)
            #expect(serves && isOwn, "\(comment): \(server.host)")
            guard plan.strategy == .observers else { continue }
            #expect(model.hosts[server.host]?.pid == stand.before[server.host], "\(comment)")
        }
        for server in plan.destination {
            let host = try #require(model.hosts[server.host])
            let isEmpty = host.pid == nil && host.disk == nil
            #expect(isEmpty, "\(comment): \(server.host)")
        }
        for broker in model.brokers.brokers.values {
            let isOriginal = broker.file == broker.original
            #expect(isOriginal && broker.isInSync, "\(comment): \(broker.planned.name)")
            let origin = broker.session?.origin
            #expect(plan.source.contains { $0.id == origin }, "\(comment): \(broker.planned.name)")
        }
        let history = try stand.history
        #expect(history.standing == .untouched && !history.hasActed, "\(comment)")
        #expect(stand.journal.ending == .withdrawn, "\(comment)")
    }

    /// The steps of a run until its destination may lead.
    private static func steps(_ strategy: MigrationPlan.Strategy, _ kafka: String) throws -> [StepID] {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: kafka)
        let steps = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.flatMap(\.steps).map(
            \.id
        )
        return Array(steps.drop { $0.stage == .preflight }.prefix { $0 != "division.start" })
    }

    @Test("from every step before the point of no return all comes back, and a new run goes to its end")
    func fromAnywhere() async throws {
        for (strategy, kafka) in Self.kinds {
            let steps = try Self.steps(strategy, kafka)
            #expect(steps.count >= (strategy == .participants ? 14 : 8))
            for step in steps {
                let stand = try await Self.stopped(strategy, kafka, after: step)
                let back = try await stand.back()
                let isBack = back.isFinished
                #expect(isBack, "\(step): \(back)")
                try Self.expectUntouched(stand, "\(strategy), \(step)")

                let anew = try await Fixture.run(stand.plan, stand.fleet, MemoryJournal(), id: "2-model")
                let isFinished = anew.isFinished
                #expect(isFinished, "\(step): \(anew)")
                ProcedureTests.expectDivided(stand.fleet, stand.plan)
            }
        }
    }

    @Test(
        "what a second run is taken back to is what was before the first",
        arguments: DivisionTests.strategies
    )
    func twice(_ strategy: MigrationPlan.Strategy) async throws {
        let first = try await Self.stopped(strategy, Fixture.kafka, after: "repoint.all")
        #expect(try await first.back().isFinished)
        let journal = MemoryJournal()
        journal.die(after: "division.split")
        await #expect(throws: JournalError.self) {
            try await Fixture.run(first.plan, first.fleet, journal, id: "2-model")
        }
        journal.die(after: nil)
        let before = first.fleet.model.hosts.mapValues(\.pid)
        let second = Stand(
            plan: first.plan,
            fleet: first.fleet,
            journal: journal,
            before: strategy == .observers ? first.before : before
        )
        #expect(try await second.back().isFinished)
        try Self.expectUntouched(second, "\(strategy)")
    }

    @Test(
        "one that dies at any write of its journal is continued to the same end, and no broker is restarted twice"
    )
    func diesAnywhere() async throws {
        let kafka = Fixture.kafka
        for (strategy, step): (MigrationPlan.Strategy, StepID) in [
            (.participants, "division.split"), (.observers, "repoint.all"),
        ] {
            let probe = try await Self.stopped(strategy, kafka, after: step)
            probe.journal.fail(at: nil)
            #expect(try await probe.back().isFinished)
            #expect(probe.journal.writes > 15)
            for write in 1...probe.journal.writes {
                let stand = try await Self.stopped(strategy, kafka, after: step)
                stand.journal.fail(at: write)
                await #expect(throws: JournalError.self, "write \(write)") { try await stand.back() }
                stand.journal.fail(at: nil)
                // All was done, and only that it was is not written down.
                guard try stand.history.hasActed else { continue }
                let back = try await stand.back()
                let isBack = back.isFinished
                #expect(isBack, "died at write \(write): \(back)")
                try Self.expectUntouched(stand, "died at write \(write)")
                let restarts = stand.fleet.model.brokers.restarts.map(\.id.value)
                // The second was made the controller by the first roll.
                #expect(restarts == [2, 3, 1, 1, 3, 2], "died at write \(write)")
            }
        }
    }

    @Test("every reply lost once: nothing is done twice")
    func lostReplies() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
        let faults = Dictionary(
            uniqueKeysWithValues: stride(from: 1, to: 200, by: 2).map { ($0, ModelFleet.Fault.replyLost) }
        )
        let fleet = ModelFleet(plan: plan, faults: faults)
        let journal = MemoryJournal()
        journal.die(after: "division.canary")
        await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
        journal.die(after: nil)
        let stand = Stand(plan: plan, fleet: fleet, journal: journal, before: [:])
        #expect(try await stand.back().isFinished)
        try Self.expectUntouched(stand, "replies lost")
        #expect(fleet.model.brokers.restarts.count == 6)
    }

    @Test(
        "not confirmed, nothing is taken back and nobody is bound; a division is taken back to joint unasked"
    )
    func declined() async throws {
        let stand = try await Self.stopped(.participants, after: "division.split")
        let declined = try await stand.back(confirm: false)
        #expect(
            declined == .stopped(reason: "not confirmed; nothing of this stage was done", standing: .joint)
        )
        let sent = stand.fleet.sent
        #expect(try await stand.back(confirm: false).reason?.hasPrefix("not confirmed") == true)
        #expect(stand.fleet.sent == sent)
        #expect(try stand.history.standing == .joint)
        let forward = try await Fixture.resume(stand.plan, stand.fleet, stand.journal)
        #expect(forward.isFinished)
    }

    @Test("what was begun stands as withdrawing, is not asked about again, and says what it will do")
    func bound() async throws {
        let stand = try await Self.stopped(.participants, Fixture.kafka, after: "repoint.broker-2")
        stand.journal.die(after: "withdraw.possible")
        let tape = EventTape()
        await #expect(throws: JournalError.self) { try await stand.back { tape.record($0) } }
        stand.journal.die(after: nil)
        let question = try #require(tape.messages(.confirmationNeeded).first)
        for part in ["Brokers that were moved go back", "d4, d5 are stopped", "no node to spare"] {
            #expect(question.contains(part), "\(question)")
        }
        #expect(try stand.history.standing == .withdrawing)
        #expect(try await stand.back(confirm: false).isFinished)
        try Self.expectUntouched(stand, "not asked again")
        // The third was never moved.
        #expect(stand.fleet.model.brokers.restarts.map(\.id.value) == [2, 3, 2, 3])
    }
}
