import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Testing
import Topology

@Suite("who still knows the seeds only when a run has ended")
struct CompletedListsTests {
    /// - Parameters:
    ///   - first: more of the first client.
    ///   - connect: of the first client.
    private static func plan(
        _ more: String = "",
        first: String = "",
        connect: String = "{property: servers}"
    ) throws -> MigrationPlan {
        let clients = """
            trees: [/app]
            clients:
              \(more)
              move:
                - {name: one, host: c1, address: 198.51.100.51, service: one.service, config: /etc/one, connect: \(connect), tree: /app\(first)}
                - {name: two, host: c2, address: 198.51.100.52, service: two.service, config: /etc/two, connect: {property: servers}, tree: /app, ephemerals: /app/live}

            """
        return try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka + clients)
    }

    private static func lists(_ plan: MigrationPlan, _ fleet: ModelFleet, _ journal: MemoryJournal)
        async throws
        -> ShortLists
    {
        let hosts = plan.brokers.map(\.host) + plan.clients.all.map(\.host)
        let facts = try #require(journal.record).facts
        return ShortLists(plan, facts, hosts: await fleet.observe(hosts))
    }

    private static func restart(_ host: HostName, _ fleet: ModelFleet) {
        fleet.change {
            $0.applications.stop(host)
            $0.applications.start(host)
        }
    }

    @Test(
        "each process of before the last write is named until it is restarted; then it is said that none is left"
    )
    func named() async throws {
        let plan = try Self.plan()
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        #expect(try await Fixture.run(plan, fleet, journal).isFinished)
        #expect(fleet.model.applications.restarts.count == 2)
        let lists = try await Self.lists(plan, fleet, journal)
        #expect(lists.count == 5 && lists.findings.count == 5, "\(lists.findings)")
        #expect(lists.findings.contains { $0.hasPrefix("client two (c2): two.service (pid ") })
        #expect(lists.findings.allSatisfy { $0.contains("knows d4, d5 only") }, "\(lists.findings)")
        let second = try #require(HostName("c2"))
        Self.restart(second, fleet)
        let later = try await Self.lists(plan, fleet, journal)
        #expect(later.findings.count == 4 && !later.findings.contains { $0.contains("two") })
        // Nothing is said of hosts that were not asked.
        let facts = try #require(journal.record).facts
        let one = ShortLists(plan, facts, hosts: await fleet.observe([second]))
        #expect(one.lines == ["of 1 brokers and clients none runs with the seeds only any more"])
        #expect(ShortLists(plan, RunFacts(), hosts: await fleet.observe([second])).lines.isEmpty)
        let silent = ShortLists(plan, facts, hosts: [second: .silent(reason: "gone")])
        #expect(silent.findings == ["client two (c2): not known: c2: gone"])
        #expect(try WireJSON.decode(RunFacts.self, from: try JSONEncoder().encode(facts)) == facts)
    }

    @Test(
        "where the plan asks for it, everybody is restarted once more, one after another, and nobody is left"
    )
    func restarted() async throws {
        let plan = try Self.plan("restart_completed: true")
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let outcome = try await Fixture.run(plan, fleet, journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(fleet.model.applications.restarts.map(\.description) == ["c1", "c2", "c1", "c2"])
        let brokers = fleet.model.brokers.restarts
        #expect(brokers.count == 6 && Set(brokers.suffix(3).map(\.id)).count == 3)
        #expect(brokers.suffix(3).map(\.wasController) == [false, false, true])
        let violations =
            fleet.model.violations + fleet.model.brokers.violations
            + fleet.model.applications.violations
        #expect(violations.isEmpty, "\(violations)")
        let lists = try await Self.lists(plan, fleet, journal)
        #expect(lists.count == 5 && lists.findings.isEmpty, "\(lists.findings)")
    }

    @Test("without the key there is no such step; nor where the seeds are all there is")
    func steps() throws {
        let steps = { (plan: MigrationPlan) in
            MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.flatMap(\.steps)
                .map(\.id.description).filter { $0.hasPrefix("clean-up.restart-") }
        }
        #expect(try steps(Self.plan()).isEmpty)
        #expect(try steps(Self.plan("restart_completed: true")).count == 5)
        let nobody = try Fixture.plan(
            source: 3,
            destination: 3,
            kafka: "clients: {restart_completed: true}\n"
        )
        #expect(steps(nobody).isEmpty)
    }

    @Test("one that does not come back stops the run, and no other is touched; brought back, the run goes on")
    func broken() async throws {
        let plan = try Self.plan("restart_completed: true")
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let first = try #require(HostName("c1"))
        let outcome = try await Fixture.run(plan, fleet, journal) { event in
            guard event.event == .stepFinished, event.step == "clean-up.connect-strings" else { return }
            fleet.change { $0.applications.all[first]?.isBroken = true }
        }
        let reason = try #require(outcome.reason)
        #expect(reason.contains("client one (c1): has no connection to the destination"), "\(reason)")
        #expect(fleet.model.applications.restarts.map(\.description) == ["c1", "c2", "c1"])
        fleet.change { $0.applications.all[first]?.isBroken = false }
        Self.restart(first, fleet)
        #expect(try await Fixture.resume(plan, fleet, journal).isFinished)
        #expect(fleet.model.applications.restarts.map(\.description) == ["c1", "c2", "c1", "c2"])
        #expect(try await Self.lists(plan, fleet, journal).findings.isEmpty)
    }

    @Test(
        "a session that its process has left behind stands for nobody: who does not register anew is not back",
        arguments: [false, true],
        [false, true]
    )
    func leftBehind(isShared: Bool, isTold: Bool) async throws {
        let first = isShared ? ", ephemerals: /app/live" : ""
        let plan = try Self.plan("restart_completed: true", first: first)
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        fleet.change { $0.tellsSessions = isTold }
        let second = try #require(HostName("c2"))
        let outcome = try await Fixture.run(plan, fleet, journal) { event in
            guard event.event == .stepFinished, event.step == "clean-up.connect-strings" else { return }
            fleet.change {
                $0.applications.leavesSessions = true
                $0.applications.all[second]?.registersNextAt = "/app/elsewhere"
            }
        }
        let reason = try #require(outcome.reason)
        #expect(
            reason.contains("client two (c2): has no ephemeral node at or below /app/live")
                && reason.contains("since its restart"),
            "\(reason)"
        )
        #expect(fleet.model.applications.restarts.map(\.description) == ["c1", "c2", "c1", "c2"])
        fleet.change { $0.applications.all[second]?.registersAt = nil }
        #expect(try await Fixture.resume(plan, fleet, journal).isFinished)
        #expect(fleet.model.applications.restarts.map(\.description) == ["c1", "c2", "c1", "c2"])
        let facts = try #require(journal.record).facts
        #expect(try WireJSON.decode(RunFacts.self, from: try JSONEncoder().encode(facts)) == facts)
        #expect(facts.restartedBatch?.clients == ["client two (c2)"])
        // With the first's session there is what its process before has left behind.
        #expect(facts.restartedBatch?.sessions["/app/live"]?.count == (isShared ? 3 : 1))
    }

    @Test("a file that named every destination server since it was repointed is not counted as a short list")
    func whole() async throws {
        let source = (1...3).map { "198.51.100.1\($0):2181" }.joined(separator: ",") + "/app"
        let becomes = (4...6).map { "198.51.100.1\($0):2181" }.joined(separator: ",") + "/app"
        let plan = try Self.plan(
            "restart_completed: true",
            connect: "{text: '\(source)', becomes: '\(becomes)'}"
        )
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let outcome = try await Fixture.run(plan, fleet, journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(fleet.model.applications.restarts.map(\.description) == ["c1", "c2", "c2"])
        let facts = try #require(journal.record).facts
        #expect(facts.shortLists["client one (c1)"] == nil && facts.shortLists.count == 4)
    }
}
