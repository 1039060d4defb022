import Fleet
import Procedure
import Settings
import Testing

/// The operator's own tests, at their places in a run.
@Suite("the operator's own tests in a run", .serialized)
struct OwnTestsTests {
    private static let all = """
        tests:
          - {name: orders, run: [/bin/orders], when: [before, joint, divided, after]}
          - {name: lag, run: [lag, --quick], when: [joint]}

        """

    private func plan(
        _ strategy: MigrationPlan.Strategy = .participants,
        kafka: String = "",
        tests: String = Self.all
    ) throws -> MigrationPlan {
        try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: kafka, waivers: tests)
    }

    private func ids(_ plan: MigrationPlan) -> [String] {
        MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.flatMap(\.steps).map(
            \.id.description
        )
    }

    private static func isTest(_ question: ProofQuestion) -> Bool {
        if case .test = question { true } else { false }
    }

    @Test("a plan without tests has no step more", arguments: DivisionTests.strategies)
    func none(_ strategy: MigrationPlan.Strategy) throws {
        #expect(!ids(try plan(strategy, kafka: Fixture.kafka, tests: "")).contains { $0.contains(".test-") })
    }

    @Test(
        "each is a step at its places: before any change, joint, right before the question, divided, and at the end; none in the window",
        arguments: DivisionTests.strategies
    )
    func places(_ strategy: MigrationPlan.Strategy) throws {
        let with = ids(try plan(strategy, kafka: Fixture.kafka))
        #expect(
            with.filter { $0.contains(".test-") } == [
                "preflight.test-1", "join.test-1", "join.test-2", "repoint.test-1", "repoint.test-2",
                "proof.test-1", "clean-up.test-1",
            ]
        )
        #expect(
            with.filter { !$0.contains(".test-") } == ids(try plan(strategy, kafka: Fixture.kafka, tests: ""))
        )
        let question = try #require(with.firstIndex { $0.hasPrefix("division.") })
        #expect(with[question - 1] == "repoint.test-2")
        #expect(with.suffix(2) == ["clean-up.test-1", "clean-up.writes"])
        let plain = ids(try plan(strategy))
        let division = try #require(plain.firstIndex { $0.hasPrefix("division.") })
        #expect(plain[division - 1] == "join.test-2")
    }

    @Test(
        "one that fails after the join keeps the run from dividing, and says so; mended, the run goes on and runs it again",
        arguments: DivisionTests.strategies
    )
    func fails(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try plan(strategy)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let joint = ProofQuestion.test(plan.tests[0], moment: .joint)
        fleet.answer { question in
            guard question == joint else { return nil }
            return ProofAnswer(
                .refuted,
                "test 'orders' failed: it exited with 3",
                details: ["no orders"],
                output: "many lines"
            )
        }
        let stopped = try await Fixture.run(plan, fleet, journal)
        #expect(stopped.standing == .joint)
        for word in ["exited with 3", "no orders", "`mitosis run`"] {
            #expect(stopped.reason?.contains(word) == true, "\(stopped)")
        }
        #expect(!fleet.proofs.contains(.test(plan.tests[1], moment: .joint)))
        #expect(journal.outputs.last?.place == .init(step: "join.test-1", attempt: 1))
        #expect(journal.outputs.last?.text == "many lines")
        #expect(journal.record?.facts.proofs["join.test-1"]?.answer.result == .refuted)

        fleet.answer { _ in nil }
        #expect(try await Fixture.resume(plan, fleet, journal).isFinished)
        #expect(fleet.proofs.count { $0 == joint } == 2)
        #expect(journal.outputs.map(\.place).contains(.init(step: "join.test-1", attempt: 2)))
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test(
        "those before the question are run again by a run that goes on before the division, and not after it"
    )
    func again() async throws {
        let plan = try plan()
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let declined = try await Fixture.run(plan, fleet, journal, confirm: false)
        #expect(declined.standing == .joint)
        #expect(try await Fixture.resume(plan, fleet, journal).isFinished)
        for test in plan.tests {
            #expect(fleet.proofs.count { $0 == .test(test, moment: .joint) } == 2)
        }
        #expect(fleet.proofs.count { $0 == .test(plan.tests[0], moment: .before) } == 1)
    }

    @Test("one that fails past the point of no return leaves walls and copies, until it is accepted")
    func accepted() async throws {
        let plan = try plan()
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let divided = ProofQuestion.test(plan.tests[0], moment: .divided)
        fleet.answer { $0 == divided ? ProofAnswer(.open, "it could not be run") : nil }
        let stopped = try await Fixture.run(plan, fleet, journal)
        #expect(stopped.standing == .divided)
        for server in plan.destination {
            let wall = fleet.model.hosts[server.host]?.wall
            #expect(wall == plan.wall(for: server))
        }
        var record = try #require(journal.record)
        record.facts.accepted["proof.test-1"] = "the test is at fault"
        #expect(try await Fixture.perform(plan, record, fleet, journal).isFinished)
    }

    @Test("one before the first change keeps all as it is")
    func before() async throws {
        let plan = try plan()
        let fleet = ModelFleet(plan: plan)
        fleet.answer { Self.isTest($0) ? ProofAnswer(.refuted, "failed") : nil }
        #expect(try await Fixture.run(plan, fleet, MemoryJournal()).standing == .untouched)
        #expect(fleet.sent == 0)
    }
}
