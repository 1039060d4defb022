import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Testing
import Topology

/// What may have happened to the hosts between a stop and the next `mitosis run`.
@Suite("a run that goes on")
struct ContinuationTests {
    private struct Stopped {
        let plan: MigrationPlan
        let fleet: ModelFleet
        let journal: MemoryJournal

        func resume() async throws -> Runner.Outcome {
            journal.die(after: nil)
            return try await Fixture.resume(plan, fleet, journal)
        }
    }

    /// A run whose coordinator died right after a step.
    private static func stopped(after step: StepID) async throws -> Stopped {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let stopped = Stopped(plan: plan, fleet: ModelFleet(plan: plan), journal: MemoryJournal())
        stopped.journal.die(after: step)
        await #expect(throws: JournalError.self) {
            try await Fixture.run(plan, stopped.fleet, stopped.journal)
        }
        return stopped
    }

    @Test("walls lost after the split are raised again before anything else")
    func wallsLost() async throws {
        for step: StepID in ["division.split", "division.start", "return.roll-source-1"] {
            let stopped = try await Self.stopped(after: step)
            stopped.fleet.change { model in
                for server in stopped.plan.destination.dropLast() {
                    model.hosts[server.host]?.wall = nil
                    model.elect()
                }
            }
            let before = stopped.fleet.model.performed.count
            let outcome = try await stopped.resume()
            let isFinished = outcome.isFinished
            #expect(isFinished, "\(step): \(outcome)")
            let next = stopped.fleet.model.performed.dropFirst(before).prefix(3)
            let areWalls = next.allSatisfy { if case .installWall = $0.command { true } else { false } }
            #expect(areWalls, "\(step)")
            let violations = stopped.fleet.model.violations
            #expect(violations.isEmpty, "\(step)")
        }
    }

    /// By command: which host it is for, and whether its service is to be held or is started.
    private static func holds(_ fleet: ModelFleet) -> [(host: HostName, isHold: Bool)] {
        fleet.model.performed.compactMap { command in
            switch command.command {
            case .installWall(_, let holding, _): holding == nil ? nil : (command.host, true)
            case .service(let request): request.action == .stop ? nil : (command.host, false)
            default: nil
            }
        }
    }

    @Test("nodes that the run has not started are held back, and none that it has started is held again")
    func held() async throws {
        for step: StepID in [
            "division.detach", "division.split", "division.start", "division.start-rest",
            "return.roll-source-1",
        ] {
            let stopped = try await Self.stopped(after: step)
            let dormant = stopped.plan.dormant[0].host
            #expect(Self.holds(stopped.fleet).contains { $0 == (dormant, true) }, "\(step)")
            let before = Self.holds(stopped.fleet).count
            let isFinished = try await stopped.resume().isFinished
            #expect(isFinished, "\(step)")
            let hasBegun = !["division.detach", "division.split"].contains(step)
            let again = Set(Self.holds(stopped.fleet).dropFirst(before).filter(\.isHold).map(\.host))
            #expect(again == (hasBegun ? [] : Set(stopped.plan.destination.map(\.host))), "\(step): \(again)")
            for host in stopped.plan.destination.map(\.host) {
                let own = Self.holds(stopped.fleet).filter { $0.host == host }
                #expect(own.last?.isHold == false, "\(host) is held at the end")
            }
        }
    }

    @Test("a dormant node that came up by itself stops the run before the division")
    func dormantCameUp() async throws {
        let stopped = try await Self.stopped(after: "join.roll-source-3")
        let host = stopped.plan.dormant[0].host
        stopped.fleet.change { $0.start(host) }
        let outcome = try await stopped.resume()
        #expect(outcome.reason?.contains("\(host) must be stopped and empty") == true, "\(outcome)")
        let walls = stopped.fleet.model.performed.filter {
            if case .installWall = $0.command { true } else { false }
        }
        #expect(walls.isEmpty)
    }

    @Test("a source node that was stopped and not started is started first")
    func sourceNodeDown() async throws {
        for step: StepID in ["join.roll-source-1", "return.roll-source-1"] {
            let stopped = try await Self.stopped(after: step)
            let host = stopped.plan.source[1].host
            stopped.fleet.change { $0.stop(host) }
            let before = stopped.fleet.model.performed.count
            let outcome = try await stopped.resume()
            let isFinished = outcome.isFinished
            #expect(isFinished, "\(step): \(outcome)")
            let services = stopped.fleet.model.performed.dropFirst(before).filter {
                if case .service = $0.command { true } else { false }
            }
            #expect(services.first?.host == host, "\(step)")
        }
    }

    @Test("a seed whose process died after the split is started with the others")
    func seedDied() async throws {
        let stopped = try await Self.stopped(after: "division.split")
        stopped.fleet.change { $0.stop(stopped.plan.seeds[0].host) }
        let outcome = try await stopped.resume()
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
    }

    @Test("a leader without the newest transaction of the division is named, and nothing goes on")
    func staleLeader() async throws {
        let stopped = try await Self.stopped(after: "division.canary")
        let (fresh, stale) = (stopped.plan.seeds[0].host, stopped.plan.seeds[1].host)
        stopped.fleet.change { model in
            model.hosts[stale]?.isBehind = true
            for _ in 0..<5 { model.commit() }
            // What no order of starting can prevent any more: somebody lets the stale one lead.
            model.forcedLeader = stale
        }
        let outcome = try await stopped.resume()
        #expect(
            outcome.reason?.contains("\(stale) leads, and its history lacks \(fresh)'s 0x1") == true,
            "\(outcome)"
        )
        #expect(outcome.reason?.contains("Stop every destination node now") == true, "\(outcome)")
        let entries = try stopped.journal.entries(of: try #require(stopped.journal.record).id)
        #expect(entries.count { $0.step == "division.history" } == 1)
        let violations = stopped.fleet.model.violations
        #expect(violations.first?.contains("I2: \(stale) leads from") == true)
    }

    @Test("a run that stopped before the split asks again, with the joint files back in place")
    func asksAgain() async throws {
        let stopped = try await Self.stopped(after: "division.canary")
        stopped.journal.die(after: nil)
        let record = try #require(stopped.journal.record)
        let declined = try await Fixture.perform(
            stopped.plan,
            record,
            stopped.fleet,
            stopped.journal,
            confirm: false
        )
        #expect(declined.reason?.contains("not confirmed") == true, "\(declined)")
        for server in stopped.plan.source + stopped.plan.seeds {
            let host = stopped.fleet.model.hosts[server.host]
            let isJoint = host?.file != host?.original
            #expect(isJoint, "\(server.host)")
        }
        let isFinished = try await stopped.resume().isFinished
        #expect(isFinished)
    }
}
