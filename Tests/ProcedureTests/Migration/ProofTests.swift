import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

/// What a run proves of its ensembles, and what becomes of it when a proof does not hold.
@Suite("proofs of a run", .serialized)
struct ProofTests {
    private static let strategies = DivisionTests.strategies
    private static let difference = ProofAnswer(
        .refuted,
        "DIFFERENT: 1 differences",
        details: ["missing  /kafka/x  d1, d2, d3 against s1"]
    )

    private static func isComparison(_ question: ProofQuestion) -> Bool {
        if case .comparison = question { true } else { false }
    }

    private static func discards(_ fleet: ModelFleet) -> [HostCommand] {
        fleet.model.performed.filter { [.discardCopy, .removeWall].contains($0.command) }
    }

    @Test(
        "the source before anything is changed, the joint ensemble, both sides, and then their trees, with the run's own split",
        arguments: strategies
    )
    func order(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        #expect(try await Fixture.run(plan, fleet, journal).isFinished)
        let root = "/mitosis-smoketest-model"
        let facts = try #require(journal.record?.facts)
        let split = try #require(facts.split)
        #expect(split == facts.detached.values.map(\.end.zxid).max())
        #expect(
            fleet.proofs == [
                .smokeTest(servers: plan.source, root: root),
                .smokeTest(servers: plan.source + plan.seeds, root: root),
                .smokeTest(servers: plan.source, root: root),
                .smokeTest(servers: plan.destination, root: root),
                .comparison(
                    TreeQuestion(
                        source: plan.source,
                        destination: plan.destination,
                        path: "/kafka",
                        except: [root, "/mitosis-probe-model-source", "/mitosis-probe-model-destination"],
                        rate: 2000,
                        split: split
                    )
                ),
            ]
        )
        let steps = ["preflight.smoke", "join.smoke", "proof.source", "proof.destination", "proof.compare"]
        #expect(
            facts.proofs.mapValues(\.answer)
                == Dictionary(steps.map { ($0, ProofAnswer(.proven, "equal")) }) { $1 }
        )
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test("a source that fails its smoke test is not touched")
    func sourceFails() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.answer { _ in ProofAnswer(.refuted, "the smoke test failed", details: ["s2: notice: too late"])
        }
        let journal = MemoryJournal()
        let outcome = try await Fixture.run(plan, fleet, journal)
        #expect(outcome.standing == .untouched)
        #expect(outcome.reason?.contains("s2: notice: too late") == true, "\(outcome)")
        #expect(fleet.sent == 0)
        #expect(journal.record?.facts.proofs["preflight.smoke"]?.answer.result == .refuted)
    }

    @Test(
        "a joint ensemble that fails is not divided; one that failed for a moment is",
        arguments: strategies
    )
    func jointFails(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        for isBrief in [false, true] {
            let fleet = ModelFleet(plan: plan)
            let joint = ProofQuestion.smokeTest(
                servers: plan.source + plan.seeds,
                root: "/mitosis-smoketest-model"
            )
            fleet.answer { [weak fleet] question in
                guard question == joint else { return nil }
                if isBrief { fleet?.answer { _ in nil } }
                return ProofAnswer(.open, "no session", details: ["d1: session: refused"])
            }
            let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
            #expect(outcome.isFinished == isBrief)
            guard !isBrief else { continue }
            #expect(outcome.standing == .joint)
            #expect(outcome.reason?.contains("d1: session: refused") == true, "\(outcome)")
            #expect(!fleet.proofs.contains(where: Self.isComparison))
        }
    }

    @Test(
        "a difference stops the run with its walls and copies, each time anew, until it is accepted",
        arguments: strategies
    )
    func difference(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        fleet.answer { Self.isComparison($0) ? Self.difference : nil }
        let first = try await Fixture.run(plan, fleet, journal)
        let split = try #require(journal.record?.facts.split)
        for outcome in [first, try await Fixture.resume(plan, fleet, journal)] {
            #expect(outcome.standing == .divided)
            let reason = outcome.reason ?? ""
            #expect(reason.contains("missing  /kafka/x  d1, d2, d3 against s1"), "\(reason)")
            #expect(reason.contains("--path / --split \(split)`"), "\(reason)")
        }
        #expect(fleet.proofs.count(where: Self.isComparison) == 2)
        let discards = Self.discards(fleet)
        #expect(discards.isEmpty)
        for server in plan.destination {
            let wall = fleet.model.hosts[server.host]?.wall
            #expect(wall == plan.wall(for: server))
        }
        for server in plan.source {
            let isReturned = fleet.model.isOwnView(server.host)
            #expect(isReturned)
        }
        let facts = try #require(journal.record?.facts)
        #expect(facts.proofs["proof.compare"]?.answer == Self.difference)

        var record = try #require(journal.record)
        record.facts.accepted["proof.compare"] = "a test client"
        let tape = EventTape()
        let outcome = try await Fixture.perform(plan, record, fleet, journal) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(tape.messages(.warning).contains { $0.hasSuffix("accepted by the operator: a test client") })
        #expect(tape.messages(.warning).contains("proof.compare: a test client"))
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test("what was accepted of one step is not accepted of another", arguments: strategies)
    func acceptedElsewhere(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        fleet.answer { Self.isComparison($0) ? Self.difference : nil }
        var record = try await Fixture.record(plan, fleet)
        record.facts.accepted["proof.destination"] = "d3 is slow"
        let journal = MemoryJournal()
        try journal.begin(record)
        let outcome = try await Fixture.perform(plan, record, fleet, journal)
        #expect(outcome.standing == .divided && outcome.reason?.contains("DIFFERENT") == true, "\(outcome)")
    }

    @Test(
        "a server that is away when trees are compared is waited for; for good, nothing is cleaned up",
        arguments: strategies
    )
    func unreachable(_ strategy: MigrationPlan.Strategy) async throws {
        for isBrief in [true, false] {
            let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
            let fleet = ModelFleet(plan: plan)
            let host = plan.destination[2].host
            let journal = MemoryJournal()
            let tape = EventTape { event in
                if event.event == .stepStarted, event.step == "proof.compare" {
                    fleet.change { $0.stop(host) }
                }
                if isBrief, event.event == .stepWaiting, event.step == "proof.compare" {
                    fleet.change { $0.start(host) }
                }
            }
            let outcome = try await Fixture.run(plan, fleet, journal) { tape.record($0) }
            #expect(outcome.isFinished == isBrief, "\(outcome)")
            guard !isBrief else {
                ProcedureTests.expectDivided(fleet, plan)
                continue
            }
            #expect(outcome.standing == .divided)
            #expect(outcome.reason?.contains("\(host): no answer") == true, "\(outcome)")
            let discards = Self.discards(fleet)
            #expect(discards.isEmpty)
            fleet.change { $0.start(host) }
            let forward = try await Fixture.resume(plan, fleet, journal)
            let isFinished = forward.isFinished
            #expect(isFinished, "\(forward)")
            #expect(journal.record?.facts.proofs["proof.compare"]?.answer.result == .proven)
        }
    }

    @Test("a coordinator that dies while it compares begins the comparison anew", arguments: strategies)
    func dies(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        // The first write after the comparison's intent is what it showed.
        fleet.answer { question in
            if Self.isComparison(question) { journal.fail(at: 1) }
            return nil
        }
        await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
        #expect(journal.record?.facts.proofs["proof.compare"] == nil)
        let discards = Self.discards(fleet)
        #expect(discards.isEmpty)
        journal.fail(at: nil)
        fleet.answer { _ in nil }
        let outcome = try await Fixture.resume(plan, fleet, journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(fleet.proofs.count(where: Self.isComparison) == 2)
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test(
        "a run that an earlier version divided is not asked for the joint ensemble any more",
        arguments: strategies
    )
    func earlierVersion(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        journal.die(after: "division.split")
        await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
        journal.die(after: nil)
        journal.forget(["preflight.smoke", "join.smoke"])
        let before = fleet.proofs.count
        let outcome = try await Fixture.resume(plan, fleet, journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(fleet.proofs.count == before + 3)
    }

    @Test(
        "what cannot be judged is a warning, and named; what the plan skips is one with its reason, at the end too"
    )
    func warnings() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let partly = ProofAnswer(
            .partly,
            "1 could not be judged",
            details: ["not judged  /secret  NoAuth: data (s1)"]
        )
        fleet.answer { Self.isComparison($0) ? partly : nil }
        let tape = EventTape()
        #expect(try await Fixture.run(plan, fleet, MemoryJournal()) { tape.record($0) }.isFinished)
        #expect(tape.messages(.warning).contains(partly.text))

        let skips = """
            proofs:
              skip:
                - {proof: compare, reason: a tree of 40 GB}
                - {proof: smoketest, reason: the root is sealed}
            """
        let skipping = try Fixture.plan(source: 3, destination: 3, waivers: skips)
        let other = ModelFleet(plan: skipping)
        let second = EventTape()
        #expect(try await Fixture.run(skipping, other, MemoryJournal()) { second.record($0) }.isFinished)
        #expect(other.proofs.isEmpty)
        let said = second.messages(.warning)
        #expect(said.count { $0 == "not done, as the plan says: the root is sealed" } == 4)
        #expect(said.count { $0 == "not done, as the plan says: a tree of 40 GB" } == 1)
        #expect(
            said.suffix(2) == [
                "smoketest (the root is sealed): not done", "compare (a tree of 40 GB): not done",
            ]
        )
    }

    @Test("the question before the division says what is compared afterwards, and without what")
    func question() throws {
        let asked = { (text: String) in
            let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka, waivers: text)
            return MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.compactMap(\.confirmation)
                .joined()
        }
        #expect(try asked("").contains("compared from /kafka on: whoever"))
        #expect(
            try asked("proofs: {path: /, except: [/a, /b/c]}").contains(
                "compared from / on (not /a, /b/c): whoever"
            )
        )
        #expect(try !asked("proofs: {skip: [{proof: compare, reason: why}]}").contains("compared"))
    }
}
