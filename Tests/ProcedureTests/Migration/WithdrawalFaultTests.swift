import ControlProtocol
import Fleet
import FoundationEssentials
import KafkaMetadata
import Procedure
import Settings
import Testing
import Topology

/// What stands in the way of the whole way back, and what a host does meanwhile.
@Suite("withdrawal under faults", .serialized)
struct WithdrawalFaultTests {
    typealias Stand = WithdrawalTests.Stand

    @Test("a broker that does not come back stops it; no other is touched; healed, it goes on")
    func brokenBroker() async throws {
        let stand = try await WithdrawalTests.stopped(.participants, Fixture.kafka, after: "repoint.all")
        let host = stand.plan.brokers[0].host
        let seeds = stand.plan.seeds.map(\.host)
        let stopped = try await stand.back { event in
            guard event.event == .stageStarted else { return }
            stand.fleet.change { $0.brokers.brokers[host]?.isBroken = true }
        }
        let reason = try #require(stopped.reason)
        #expect(reason.contains("broker 1 (k1)") && reason.contains("not registered"), "\(reason)")
        #expect(stand.fleet.model.brokers.restarts.map(\.id.value) == [2, 3, 1, 1])
        for seed in seeds {
            let serves = stand.fleet.model.serves(seed)
            #expect(serves)
        }
        #expect(try await !stand.back().isFinished)
        #expect(stand.fleet.model.brokers.restarts.count == 4)
        stand.fleet.change { $0.brokers.brokers[host]?.isBroken = false }
        #expect(try await stand.back().isFinished)
        try WithdrawalTests.expectUntouched(stand, "healed")
        #expect(stand.fleet.model.brokers.restarts.map(\.id.value) == [2, 3, 1, 1, 3, 2])
    }

    @Test("brokers that are away because the seeds are gone are taken back all the same")
    func seedsGone() async throws {
        let stand = try await WithdrawalTests.stopped(.participants, Fixture.kafka, after: "repoint.all")
        stand.fleet.change { model in
            for broker in stand.plan.brokers {
                model.brokers.brokers[broker.host]?.session = nil
                model.brokers.brokers[broker.host]?.czxid = nil
                model.brokers.brokers[broker.host]?.registersIn = .max
            }
            for seed in stand.plan.seeds { model.stop(seed.host) }
        }
        let back = try await stand.back()
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        stand.fleet.change { $0.brokers.violations = [] }
        try WithdrawalTests.expectUntouched(stand, "seeds gone")
        #expect(stand.fleet.model.brokers.restarts.count == 6)
    }

    @Test("a source node that a roll left stopped is started before the seeds are stopped", arguments: 1...3)
    func sourceDown(_ roll: Int) async throws {
        let stand = try await WithdrawalTests.stopped(
            .participants,
            after: StepID("join.roll-source-\(roll)")
        )
        let down = try #require(
            stand.plan.source.last { stand.fleet.model.leader(for: $0.host) != $0.host }
        )
        stand.fleet.change { $0.stop(down.host) }
        let back = try await stand.back()
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        try WithdrawalTests.expectUntouched(stand, "\(down.host) was down")
    }

    @Test(
        "a source node that knows nobody who leads, as a seed does, is restarted before the seeds are stopped"
    )
    func sourceStranded() async throws {
        let stand = try await WithdrawalTests.stopped(.participants, after: "join.roll-source-2")
        let model = stand.fleet.model
        let stranded = try #require(stand.plan.source.first { model.isOwnView($0.host) })
        // It led, and was away for a moment: the others have a seed for their leader since.
        stand.fleet.change { model in
            model.hosts[stranded.host]?.isStalled = true
            model.elect()
        }
        let leader = stand.fleet.model.leader(for: stand.plan.seeds[0].host)
        try #require(stand.plan.seeds.contains { $0.host == leader })
        let back = try await stand.back()
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        try WithdrawalTests.expectUntouched(stand, "\(stranded.host) knew nobody who led")
    }

    /// It led with the source's own view, was away for a moment, and has the joint one since: too few serve for that.
    private static func leaderRestarted() async throws -> (WithdrawalTests.Stand, HostName) {
        let stand = try await WithdrawalTests.stopped(.participants, after: "join.configure-source")
        let leader = try #require(stand.fleet.model.leader(for: stand.plan.source[0].host))
        stand.fleet.change { model in
            model.stop(leader)
            model.start(leader)
        }
        let model = stand.fleet.model
        #expect(stand.plan.source.count { model.serves($0.host) } == 2)
        #expect(!model.serves(leader))
        return (stand, leader)
    }

    @Test("a leader of the source that another hand restarts in the join does not stop the way back")
    func leaderRestartedThenBack() async throws {
        let (stand, leader) = try await Self.leaderRestarted()
        let back = try await stand.back()
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        let starts = stand.fleet.model.hosts[leader]?.starts
        #expect(starts == 3, "at first, by that hand, with the source's own file")
        for server in stand.plan.source where server.host != leader {
            #expect(stand.fleet.model.hosts[server.host]?.starts == 1, "\(server.host) was left alone")
        }
        try WithdrawalTests.expectUntouched(stand, "\(leader) was restarted")
    }

    @Test("nor does it stop the run that goes on")
    func leaderRestartedThenForward() async throws {
        let (stand, _) = try await Self.leaderRestarted()
        let outcome = try await Fixture.resume(stand.plan, stand.fleet, stand.journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(stand.fleet, stand.plan)
    }

    @Test("a seed that was held back and runs by itself is stopped by the run that goes on")
    func laterSeedStarts() async throws {
        for step: StepID in ["join.start-seeds", "join.hold-later-seeds", "join.roll-source-1"] {
            let stand = try await WithdrawalTests.stopped(.participants, after: step)
            let later = try #require(stand.plan.seeds.last?.host)
            stand.fleet.change { $0.start(later) }
            // As the judge of all histories sees it.
            let isNoticed = stand.fleet.model.violations.first?.contains("two majorities") == true
            #expect(isNoticed == (step == "join.roll-source-1"), "\(step): \(stand.fleet.model.violations)")
            stand.fleet.change { $0.violations = [] }
            let outcome = try await Fixture.resume(stand.plan, stand.fleet, stand.journal)
            let isFinished = outcome.isFinished
            #expect(isFinished, "\(step): \(outcome)")
            ProcedureTests.expectDivided(stand.fleet, stand.plan)
        }
    }

    @Test("one that comes up in the middle of the roll stops the run, which goes on then")
    func laterSeedStartsMeanwhile() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let later = try #require(plan.seeds.last?.host)
        let record = try await Fixture.record(plan, fleet)
        try journal.begin(record)
        let tape = EventTape { event in
            guard event.event == .stepFinished, event.step == "join.roll-source-1" else { return }
            fleet.change { $0.start(later) }
        }
        let stopped = try await Fixture.perform(plan, record, fleet, journal) { tape.record($0) }
        let reason = try #require(stopped.reason)
        #expect(reason.contains("\(later) must not run yet"), "\(reason)")
        fleet.change { $0.violations = [] }
        let outcome = try await Fixture.resume(plan, fleet, journal)
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(fleet, plan)
    }

    @Test("a seed that starts by itself meanwhile is stopped again, a wall that is gone is raised again")
    func seedStarts() async throws {
        for step: StepID in [
            "withdraw.stop-seeds", "withdraw.files", "withdraw.roll-source-2", "withdraw.seeds",
        ] {
            let stand = try await WithdrawalTests.stopped(.participants, after: "join.smoke")
            stand.journal.die(after: step)
            await #expect(throws: JournalError.self) { try await stand.back() }
            stand.journal.die(after: nil)
            stand.fleet.change { model in
                model.hosts[stand.plan.seeds[0].host]?.wall = nil
                model.start(stand.plan.seeds[1].host)
            }
            let back = try await stand.back()
            let isBack = back.isFinished
            #expect(isBack, "\(step): \(back)")
            try WithdrawalTests.expectUntouched(stand, "\(step)")
        }
    }

    @Test("a source half rolled whose leader has the joint view is not left to itself")
    func unsafeCommits() async throws {
        let stand = try await WithdrawalTests.stopped(.participants, after: "join.roll-source-1")
        let leader = try #require(stand.fleet.model.leader(for: stand.plan.source[0].host))
        stand.fleet.change { model in
            model.make(leader.description) { $0.role = .follower }
            model.make("d4") { $0.role = .leader }
            // By itself: all seeds vote, with one source node only.
            model.start(stand.plan.seeds[1].host)
        }
        let sent = stand.fleet.sent
        let back = try await stand.back()
        let reason = try #require(back.reason)
        #expect(reason.contains("d4 leads with the joint view"), "\(reason)")
        #expect(reason.contains("`mitosis run --until join`"), "\(reason)")
        #expect(stand.fleet.sent == sent)
        #expect(try stand.history.standing == .joining)
    }

    @Test(
        "a file that somebody else changed is neither overwritten nor passed over",
        arguments: ["s1", "d4", "k3"]
    )
    func foreignFile(_ host: String) async throws {
        let stand = try await WithdrawalTests.stopped(.participants, Fixture.kafka, after: "repoint.all")
        let name = try #require(HostName(host))
        let written = stand.fleet.model
        stand.fleet.change { model in
            model.edit(host, "tickTime=2000", "tickTime=3000")
            model.editBroker(host, "# kept", "# changed")
        }
        let changed = stand.fleet.model
        let stopped = try await stand.back()
        let reason = try #require(stopped.reason)
        #expect(reason.contains(host) && reason.contains("somebody else changed it"), "\(reason)")
        let isKept =
            stand.fleet.model.hosts[name]?.file == changed.hosts[name]?.file
            && stand.fleet.model.brokers.brokers[name]?.file == changed.brokers.brokers[name]?.file
        #expect(isKept)
        stand.fleet.change { model in
            if let file = written.hosts[name]?.original { model.hosts[name]?.file = file }
            if let file = written.brokers.brokers[name]?.original { model.brokers.brokers[name]?.file = file }
        }
        let back = try await stand.back()
        let isBack = back.isFinished
        #expect(isBack, "\(back)")
        try WithdrawalTests.expectUntouched(stand, host)
    }

    @Test("a destination that leads, or a detached node, is refused", arguments: DivisionTests.strategies)
    func tooLate(_ strategy: MigrationPlan.Strategy) async throws {
        let stand = try await WithdrawalTests.stopped(strategy, after: "division.start")
        let sent = stand.fleet.sent
        let back = try await stand.back()
        #expect(back.reason?.contains("the point of no return is passed") == true, "\(back)")
        #expect(stand.fleet.sent == sent)
    }

    @Test("a trap that the proof finds keeps the run from ending; mended, it ends")
    func proofFails() async throws {
        let stand = try await WithdrawalTests.stopped(.participants, after: "join.smoke")
        stand.fleet.change { $0.make("d6") { $0.leftRules = 2 } }
        let stopped = try await stand.back()
        let reason = try #require(stopped.reason)
        #expect(reason.contains("d6"), "\(reason)")
        #expect(try stand.history.standing == .withdrawing)
        stand.fleet.change { $0.make("d6") { $0.leftRules = 0 } }
        #expect(try await stand.back().isFinished)
        try WithdrawalTests.expectUntouched(stand, "mended")
    }

    @Test("five and three, and three and five, come back too", arguments: [(5, 3), (3, 5), (5, 5)])
    func sizes(_ source: Int, _ destination: Int) async throws {
        for step: StepID in ["join.roll-source-2", "join.smoke", "division.split"] {
            let stand = try await WithdrawalTests.stopped(
                .participants,
                source: source,
                destination: destination,
                after: step
            )
            let back = try await stand.back()
            let isBack = back.isFinished
            #expect(isBack, "\(step): \(back)")
            try WithdrawalTests.expectUntouched(stand, "\(step)")
        }
    }
}
