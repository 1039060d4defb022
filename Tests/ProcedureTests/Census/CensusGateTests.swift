import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

/// Runs of the model that meet clients before the division.
@Suite("nobody is left behind")
struct CensusGateTests {
    private struct Case {
        let plan: MigrationPlan
        let fleet: ModelFleet
        let journal = MemoryJournal()

        init(_ more: String = "trees: [/app]\n") throws {
            plan = try Fixture.plan(source: 3, destination: 3, kafka: more)
            fleet = ModelFleet(plan: plan)
        }

        func client(_ host: String, _ path: String = "/app/lock") throws -> ModelClient {
            ModelClient(
                address: try #require(IPAddress("10.0.0.7")),
                hosts: [try #require(HostName(host))],
                session: SessionNumber(1 << 56 | 7),
                paths: [path]
            )
        }

        func run() async throws -> Runner.Outcome { try await Fixture.run(plan, fleet, journal) }

        /// Nothing of the division was begun.
        func expectUndivided() {
            let detached = fleet.model.performed.contains { item in
                if case .detach = item.command { true } else { false }
            }
            #expect(!detached)
            #expect(fleet.model.violations.isEmpty)
        }
    }

    @Test(
        "a stranger on the source stops the run before the division, which names it; moved, the run goes on"
    )
    func stranger() async throws {
        let scene = try Case()
        let client = try scene.client("s2")
        scene.fleet.change {
            $0.tellsSessions = true
            $0.strangers = [client]
        }
        let outcome = try await scene.run()
        let reason = try #require(outcome.reason)
        for word in [
            "10.0.0.7", "0x100000000000007", "/app/lock", "(s2)", "198.51.100.14:2181", "clients.ignore",
        ] {
            #expect(reason.contains(word), "\(word): \(reason)")
        }
        scene.expectUndivided()
        let moved = try scene.client("d4")
        scene.fleet.change { $0.strangers = [moved] }
        #expect(try await Fixture.resume(scene.plan, scene.fleet, scene.journal).isFinished)
    }

    @Test("one that is not decided stops it too, with the addresses that may be meant")
    func undecided() async throws {
        let scene = try Case()
        let client = try scene.client("s2")
        scene.fleet.change { $0.strangers = [client] }
        let reason = try #require(try await scene.run().reason)
        for word in ["may still be there", "10.0.0.7 (s2: 1)", "0x100000000000007", "/app/lock", "'cons'"] {
            #expect(reason.contains(word), "\(word): \(reason)")
        }
        scene.expectUndivided()
    }

    @Test("one that the plan ignores does not, and is told aloud")
    func ignored() async throws {
        let scene = try Case(
            "trees: [/app]\nclients: {ignore: [{address: 10.0.0.7, reason: ends with the day}]}\n"
        )
        let client = try scene.client("s2")
        scene.fleet.change {
            $0.tellsSessions = true
            $0.strangers = [client]
        }
        let tape = EventTape()
        let outcome = try await Fixture.run(scene.plan, scene.fleet, scene.journal) { tape.record($0) }
        #expect(outcome.isFinished, "\(outcome)")
        #expect(tape.messages(.warning).contains { $0.contains("ignored by the plan: ends with the day") })
    }

    @Test("a client that goes away while it is waited for stops nothing")
    func leaves() async throws {
        let scene = try Case()
        let client = try scene.client("s2")
        scene.fleet.change {
            $0.tellsSessions = true
            $0.strangers = [client]
        }
        let tape = EventTape { event in
            guard event.event == .stepWaiting, event.message?.contains("/app/lock") == true else { return }
            scene.fleet.change { $0.strangers = [] }
        }
        let outcome = try await Fixture.run(scene.plan, scene.fleet, scene.journal) { tape.record($0) }
        #expect(outcome.isFinished, "\(outcome)")
        #expect(tape.messages(.stepWaiting).contains { $0.contains("/app/lock") })
    }

    @Test("nobody is asked while somebody is left behind; the question names whom the plan does not know")
    func question() async throws {
        let scene = try Case()
        let client = try scene.client("s2")
        scene.fleet.change {
            $0.tellsSessions = true
            $0.strangers = [client]
        }
        let tape = EventTape()
        _ = try await Fixture.run(scene.plan, scene.fleet, scene.journal) { tape.record($0) }
        #expect(tape.messages(.confirmationNeeded).isEmpty)
        #expect(tape.kinds.last == .runStopped)
        let moved = try (0..<12).map { number in
            ModelClient(
                address: try #require(IPAddress("10.0.1.\(number)")),
                hosts: client.hosts,
                session: SessionNumber(4 << 56 | Int64(number)),
                paths: []
            )
        }
        let host = try #require(HostName("d4"))
        scene.fleet.change { model in
            model.strangers = moved.map { client in
                var client = client
                client.hosts = [host]
                return client
            }
        }
        #expect(
            try await Fixture.resume(scene.plan, scene.fleet, scene.journal) { tape.record($0) }.isFinished
        )
        let question = try #require(tape.messages(.confirmationNeeded).first)
        #expect(question.contains("not known by the plan: 10.0.1.0 (d4: 1), 10.0.1.1 (d4: 1)"), "\(question)")
        #expect(question.contains("10.0.1.9 (d4: 1) and 2 more. See that they"), "\(question)")
    }

    @Test("one that comes between the two looks is met by the second")
    func comesLate() async throws {
        let scene = try Case()
        let client = try scene.client("s2")
        scene.fleet.change { $0.tellsSessions = true }
        let tape = EventTape { event in
            guard event.event == .stepFinished, event.step?.description == "division.canary" else { return }
            scene.fleet.change { $0.strangers = [client] }
        }
        let outcome = try await Fixture.run(scene.plan, scene.fleet, scene.journal) { tape.record($0) }
        #expect(outcome.reason?.contains("/app/lock") == true, "\(outcome)")
        scene.expectUndivided()
    }

    @Test("an agent that is too old to tell is named, and nothing is divided")
    func oldAgent() async throws {
        let scene = try Case()
        let host = try #require(HostName("s3"))
        scene.fleet.change { $0.oldAgents = [host] }
        #expect(
            try await scene.run().reason?.contains("s3: its agent is too old to tell its clients") == true
        )
        scene.expectUndivided()
    }

    @Test("without a tree nobody is asked for, as before")
    func noTree() async throws {
        let scene = try Case("")
        let client = try scene.client("s2")
        let host = try #require(HostName("s3"))
        scene.fleet.change {
            $0.strangers = [client]
            $0.oldAgents = [host]
        }
        #expect(try await scene.run().isFinished)
    }

    @Test("with brokers their chroot is a tree: who holds something there and is on the source stops the run")
    func chroot() async throws {
        let scene = try Case(Fixture.kafka)
        let client = try scene.client("s2", "/kafka/consumers/old/ids/1")
        scene.fleet.change { $0.strangers = [client] }
        #expect(try await scene.run().reason?.contains("/kafka/consumers/old/ids/1") == true)
        scene.expectUndivided()
    }
}
