import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Synchronization
import Testing
import Topology

@Suite("clients that are no brokers move with the ensemble")
struct ClientsProcedureTests {
    private static func clients(_ more: String = "") -> String {
        """
        trees: [/app]
        clients:
          \(more)
          move:
            - {name: one, host: c1, address: 198.51.100.51, service: one.service, config: /etc/one, connect: {property: servers}, tree: /app}
            - {name: two, host: c2, address: 198.51.100.52, service: two.service, config: /etc/two, connect: {property: servers}, tree: /app, ephemerals: /app/live}

        """
    }

    private static func plan(_ strategy: MigrationPlan.Strategy = .participants, kafka: Bool = false) throws
        -> MigrationPlan
    {
        try Fixture.plan(
            source: 3,
            destination: 3,
            strategy: strategy,
            kafka: (kafka ? Fixture.kafka : "") + clients()
        )
    }

    private static func name(_ host: String) throws -> HostName { try #require(HostName(host)) }

    /// Its last line.
    private static func servers(_ host: String, _ fleet: ModelFleet) throws -> String {
        let file = fleet.model.applications.all[try name(host)]?.file ?? Data()
        return String(decoding: file, as: UTF8.self).split(separator: "\n").last.map(String.init) ?? ""
    }

    private static func expectSound(_ fleet: ModelFleet) {
        let violations = fleet.model.violations + fleet.model.applications.violations
        #expect(violations.isEmpty, "\(violations)")
    }

    @Test(
        "each moves in the plan's order, is back before the next, and at the end its file names every destination server",
        arguments: MigrationPlan.Strategy.allCases,
        [false, true]
    )
    func wholeRun(_ strategy: MigrationPlan.Strategy, kafka: Bool) async throws {
        let plan = try Self.plan(strategy, kafka: kafka)
        let fleet = ModelFleet(plan: plan)
        let tape = EventTape()
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal()) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        Self.expectSound(fleet)
        let restarts = fleet.model.applications.restarts.map(\.description)
        #expect(restarts == ["c1", "c2"])
        for host in ["c1", "c2"] {
            let line = try Self.servers(host, fleet)
            #expect(line == "servers=198.51.100.14:2181,198.51.100.15:2181,198.51.100.16:2181/app")
        }
        let question = try #require(tape.messages(.confirmationNeeded).first)
        #expect(question.contains("one, two use the seeds"), "\(question)")
        #expect(tape.messages(.warning).isEmpty)
    }

    @Test("whoever was restarted is seen well for all of the plan's pause, by looks that are not too many")
    func pause() async throws {
        for (pause, interval) in [(0, 2), (60, 2), (360, 6), (3600, 10)] {
            let plan = try Fixture.plan(
                source: 3,
                destination: 3,
                kafka: Self.clients("pause_seconds: \(pause)\n  restart_completed: true")
            )
            let steps = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.flatMap(\.steps)
            for id in ["repoint.client-1", "clean-up.restart-client-2"] {
                let gate = try #require(steps.first { $0.id.description == id }).verify
                #expect(gate.lasting == .seconds(pause) && gate.looks == 1, "\(id)")
                #expect(gate.interval == .seconds(interval) && gate.deadline == .seconds(300 + pause))
            }
        }
    }

    @Test("taken back, every client has its own file and is at the source; a second run succeeds")
    func wayBack() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let stopped = try await Fixture.run(plan, fleet, journal, confirm: false)
        #expect(!stopped.isFinished)
        #expect(try Self.servers("c2", fleet).contains("198.51.100.14"))
        let back = try await Fixture.resume(plan, fleet, journal, course: .back(to: .untouched))
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        for application in fleet.model.applications.all.values {
            #expect(application.file == application.original)
            let origin = application.session?.origin
            #expect(plan.source.contains { $0.id == origin })
        }
        #expect(fleet.model.applications.restarts.map(\.description) == ["c1", "c2", "c1", "c2"])
        let again = try await Fixture.run(plan, fleet, MemoryJournal(), id: "2-model")
        #expect(again.isFinished)
        Self.expectSound(fleet)
    }

    @Test(
        "one that does not come back stops the run, by name; no other is touched, and healed the run goes on"
    )
    func broken() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let first = try Self.name("c1")
        fleet.change { $0.applications.all[first]?.isBroken = true }
        let outcome = try await Fixture.run(plan, fleet, journal)
        let reason = try #require(outcome.reason)
        #expect(reason.contains("client one (c1): has no connection to the destination"), "\(reason)")
        #expect(fleet.model.applications.restarts == [first])
        #expect(try Self.servers("c2", fleet).contains("198.51.100.11"))
        fleet.change { $0.applications.all[first]?.isBroken = false }
        #expect(try await Fixture.resume(plan, fleet, journal).isFinished)
        Self.expectSound(fleet)
    }

    @Test(
        "a coordinator that dies at any write of the journal while clients move is continued to the same end"
    )
    func resumed() async throws {
        let plan = try Self.plan()
        let probe = MemoryJournal()
        let bounds = Mutex<(first: Int, last: Int)>((2, 2))
        _ = try await Fixture.run(plan, ModelFleet(plan: plan), probe) { event in
            if event.event == .stepStarted, event.step == "repoint.client-1" {
                bounds.withLock { $0.first = probe.writes }
            }
            if event.event == .stepFinished, event.step == "repoint.client-2" {
                bounds.withLock { $0.last = probe.writes }
            }
        }
        let (first, last) = bounds.withLock { $0 }
        #expect(last > first + 3)
        for write in first...last {
            let fleet = ModelFleet(plan: plan)
            let journal = MemoryJournal()
            journal.fail(at: write)
            await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
            journal.fail(at: nil)
            let outcome = try await Fixture.resume(plan, fleet, journal)
            let isFinished = outcome.isFinished
            #expect(isFinished, "died at write \(write): \(outcome)")
            Self.expectSound(fleet)
            let restarts = fleet.model.applications.restarts.map(\.description)
            #expect(restarts == ["c1", "c2"], "died at write \(write)")
            #expect(try Self.servers("c2", fleet).contains("198.51.100.16"))
        }
    }

    @Test(
        "one that was repointed and not restarted yet keeps nobody at its place from being back, and is next"
    )
    func begun() async throws {
        let clients = Self.clients().replacing("tree: /app}", with: "tree: /app, ephemerals: /app/live}")
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: clients)
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let (first, second) = (try Self.name("c1"), try Self.name("c2"))
        await #expect(throws: JournalError.self) {
            try await Fixture.run(plan, fleet, journal) { event in
                guard event.event == .stepStarted, event.step == "repoint.client-2" else { return }
                journal.fail(at: 2)
            }
        }
        journal.fail(at: nil)
        // As its agent did, for the coordinator that died; both had the same file.
        let run = try #require(journal.record).id
        let written = try #require(fleet.model.applications.all[first]?.file)
        let original = fleet.model.applications.all[second]?.original
        fleet.change {
            $0.applications.all[second]?.backups[run] = original
            $0.applications.all[second]?.file = written
        }
        let outcome = try await Fixture.resume(plan, fleet, journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(fleet.model.applications.restarts == [first, second])
        Self.expectSound(fleet)
    }

    @Test("however many places they register at, the ensemble is asked once, and each is judged by its own")
    func oneQuestion() async throws {
        let places = { (first: String) in
            Self.clients().replacing("tree: /app}", with: "tree: /app, ephemerals: \(first)}")
        }
        let plan = try Fixture.plan(source: 3, destination: 3, kafka: places("/app/one"))
        let steps = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.flatMap(\.steps)
        let step = try #require(steps.first { $0.id == "division.moved-clients" })
        #expect(step.verify.look.census.map(\.trees) == [["/app/live", "/app/one"]])
        let fleet = ModelFleet(plan: plan)
        #expect(try await Fixture.run(plan, fleet, MemoryJournal()).isFinished)
        Self.expectSound(fleet)

        // The second registers elsewhere than the plan says: the first's registration does not stand for it.
        let second = try Self.name("c2")
        let mistaken = ModelFleet(plan: plan)
        mistaken.change { $0.applications.all[second]?.registersAt = "/app/one" }
        let reason = try #require(try await Fixture.run(plan, mistaken, MemoryJournal()).reason)
        #expect(reason.contains("client two (c2) has no ephemeral node at or below /app/live"), "\(reason)")
    }

    @Test("a client that is still connected to the source as well, or registers from there, has not moved")
    func halfMoved() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let first = try Self.name("c1")
        let source = try Self.name("s2")
        fleet.change { $0.applications.all[first]?.also = [source] }
        let reason = try #require(try await Fixture.run(plan, fleet, MemoryJournal()).reason)
        #expect(reason.contains("client one (c1): still has connections to s2 (1)"), "\(reason)")
    }

    @Test("the preflight refuses what it could not move, with file, line and remedy")
    func refused() async throws {
        let plan = try Self.plan()
        let cases: [(@Sendable (inout ModelApplications.Application) -> Void, String)] = [
            ({ $0.file = Data("other=1\n".utf8) }, "it has no property servers"),
            (
                { $0.file = Data("servers=10.9.9.9:2181\n".utf8) },
                "10.9.9.9:2181 in the property servers is no server"
            ),
            (
                { $0.file = Data("servers=198.51.100.11:2181,198.51.100.12:2181/x\n".utf8) },
                "its chroot is /x"
            ),
            ({ $0.file = Data("servers=a b\n".utf8) }, "no list of host:port"),
            ({ $0.pid = nil }, "one.service is stopped"),
            ({ $0.session = nil }, "has no connection to the source"),
        ]
        for (make, said) in cases {
            let fleet = ModelFleet(plan: plan)
            let first = try Self.name("c1")
            fleet.change { model in
                guard var application = model.applications.all[first] else { return }
                make(&application)
                model.applications.all[first] = application
            }
            let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
            let reason = try #require(outcome.reason)
            #expect(reason.contains(said), "\(said): \(reason)")
            #expect(fleet.sent == 0)
        }
    }

    @Test("whoever changed a file at the end keeps it, and is told what to write")
    func changedAtTheEnd() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let second = try Self.name("c2")
        let tape = EventTape { event in
            guard event.event == .stepFinished, event.step == "clean-up.discard-copies" else { return }
            fleet.change { $0.applications.all[second]?.file = Data("mine\n".utf8) }
        }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal()) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        let warning = try #require(tape.messages(.warning).first)
        #expect(warning.contains("client two (c2): somebody else changed /etc/two"), "\(warning)")
        #expect(warning.contains("198.51.100.14:2181,198.51.100.15:2181,198.51.100.16:2181"), "\(warning)")
        #expect(try Self.servers("c2", fleet) == "mine")
    }
}
