import ControlProtocol
import Procedure
import Settings
import Testing
import Topology

@Suite("clients that move at once, and what else must be seen of them")
struct ClientHealthTests {
    private static func plan(_ clients: String, healthy: String = "") throws -> MigrationPlan {
        let item = { (name: String, number: Int) in
            """
                - {name: \(name), host: c\(number), address: 198.51.100.\(50 + number), service: \(name).service, config: /etc/\(name), connect: {property: servers}, tree: /app\(healthy)}

            """
        }
        return try Fixture.plan(
            source: 3,
            destination: 3,
            kafka: "trees: [/app]\nclients:\n  \(clients)\n  move:\n" + item("one", 1) + item("two", 2)
                + item("three", 3)
        )
    }

    private static func restarts(_ fleet: ModelFleet) -> [String] {
        fleet.model.applications.restarts.map(\.description)
    }

    @Test("as many at once as the plan says, forward and back, in its order; the last batch is what is left")
    func batches() async throws {
        let plan = try Self.plan("batch: 2")
        let steps = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.flatMap(\.steps)
        let titles = steps.filter { $0.id.description.hasPrefix("repoint.client-") }.map(\.title)
        #expect(
            titles == [
                "Repoint and restart clients at once, 1 to 2 of 3, in the order of the plan",
                "Repoint and restart a client, 3 of 3, in the order of the plan",
            ]
        )
        let (fleet, journal, tape) = (ModelFleet(plan: plan), MemoryJournal(), EventTape())
        let stopped = try await Fixture.run(plan, fleet, journal, confirm: false) { tape.record($0) }
        #expect(!stopped.isFinished && Self.restarts(fleet).sorted() == ["c1", "c2", "c3"])
        #expect(Self.restarts(fleet).last == "c3")
        #expect(try await Fixture.resume(plan, fleet, journal, course: .back(to: .untouched)).isFinished)
        #expect(Self.restarts(fleet).count == 6 && Self.restarts(fleet).last == "c3")
        #expect(try await Fixture.run(plan, fleet, MemoryJournal(), id: "2-model").isFinished)
        let violations = fleet.model.violations + fleet.model.applications.violations
        #expect(violations.isEmpty, "\(violations)")
    }

    @Test("one of a batch that does not come back stops the run before the next batch, by name")
    func broken() async throws {
        let plan = try Self.plan("batch: 2")
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let second = try #require(HostName("c2"))
        fleet.change { $0.applications.all[second]?.isBroken = true }
        let reason = try #require(try await Fixture.run(plan, fleet, journal).reason)
        #expect(reason.contains("client two (c2): has no connection to the destination"), "\(reason)")
        #expect(Self.restarts(fleet).sorted() == ["c1", "c2"])
        fleet.change { $0.applications.all[second]?.isBroken = false }
        #expect(try await Fixture.resume(plan, fleet, journal).isFinished)
        // The one that was back is left alone.
        #expect(Self.restarts(fleet).filter { $0 == "c1" }.count == 1)
    }

    @Test(
        "as long as one that was moved is down, no other is touched with it; an interrupted batch stays whole",
        arguments: [false, true]
    )
    func down(isWayBack: Bool) async throws {
        let plan = try Self.plan("batch: 2")
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let (first, third) = (try #require(HostName("c1")), try #require(HostName("c3")))
        if isWayBack {
            #expect(try await !Fixture.run(plan, fleet, journal, confirm: false).isFinished)
        }
        let step = StepID(isWayBack ? "withdraw.client-1" : "repoint.client-1")
        let breaking: @Sendable (RunEvent) -> Void = { event in
            guard event.event == .stepFinished, event.step == step else { return }
            fleet.change {
                $0.applications.all[first]?.isBroken = true
                $0.applications.stop(first)
            }
        }
        let outcome =
            isWayBack
            ? try await Fixture.resume(plan, fleet, journal, course: .back(to: .untouched), report: breaking)
            : try await Fixture.run(plan, fleet, journal, report: breaking)
        let reason = try #require(outcome.reason)
        #expect(reason.contains("client one (c1)"), "\(reason)")
        let before = isWayBack ? ["c1", "c2", "c3"] : []
        #expect(Self.restarts(fleet).dropFirst(before.count).sorted() == ["c1", "c2"])
        #expect(
            (fleet.model.applications.all[third]?.file == fleet.model.applications.all[third]?.original)
                == !isWayBack
        )
        #expect(fleet.model.applications.violations.isEmpty, "\(fleet.model.applications.violations)")
    }

    @Test("on the way back one that is down at the seeds comes first, whoever else was begun")
    func downAtTheSeeds() async throws {
        let plan = try Self.plan("deadline_seconds: 60")
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let first = try #require(HostName("c1"))
        await #expect(throws: JournalError.self) {
            try await Fixture.run(plan, fleet, journal) { event in
                // The second is noted, and nothing was sent for it.
                if event.event == .stepStarted, event.step == "repoint.client-2" { journal.fail(at: 2) }
            }
        }
        journal.fail(at: nil)
        #expect(Self.restarts(fleet) == ["c1"])
        fleet.change { $0.applications.stop(first) }
        let outcome = try await Fixture.resume(plan, fleet, journal, course: .back(to: .untouched))
        #expect(outcome.isFinished, "\(outcome)")
        let isBack = fleet.model.applications.all.values.allSatisfy { $0.file == $0.original }
        #expect(isBack && !Self.restarts(fleet).contains("c3"), "\(Self.restarts(fleet))")
        #expect(fleet.model.violations.isEmpty, "\(fleet.model.violations)")
    }

    @Test(
        "a port that does not answer, or a service that does not run, keeps the next from being touched",
        arguments: [
            ("{port: 8081}", "does not answer at its port 8081"),
            ("{service: probe.service}", "needs probe.service, which is stopped"),
        ]
    )
    func unwell(_ healthy: String, said: String) async throws {
        let plan = try Self.plan("deadline_seconds: 60", healthy: ", healthy: \(healthy)")
        let first = try #require(HostName("c1"))
        let early = ModelFleet(plan: plan)
        early.change { $0.applications.all[first]?.isUnwell = true }
        let refused = try #require(try await Fixture.run(plan, early, MemoryJournal()).reason)
        #expect(
            refused.contains("client one (c1) \(said)") && refused.contains("'healthy' on line"),
            "\(refused)"
        )
        #expect(early.sent == 0)

        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let outcome = try await Fixture.run(plan, fleet, journal) { event in
            guard event.event == .stepFinished, event.step == "preflight.checks" else { return }
            fleet.change { $0.applications.all[first]?.isUnwell = true }
        }
        let reason = try #require(outcome.reason)
        #expect(reason.contains("client one (c1): \(said)"), "\(reason)")
        #expect(Self.restarts(fleet) == ["c1"])
        fleet.change { $0.applications.all[first]?.isUnwell = false }
        #expect(try await Fixture.resume(plan, fleet, journal).isFinished)
        #expect(Set(Self.restarts(fleet)) == ["c1", "c2", "c3"])
    }
}
