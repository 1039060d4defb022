import ControlProtocol
import FoundationEssentials
import KafkaMetadata
import Procedure
import Settings
import Synchronization
import Testing
import Topology

/// What a run said.
final class EventTape: Sendable {
    private let events = Mutex<[RunEvent]>([])
    private let onEvent: @Sendable (RunEvent) -> Void

    init(onEvent: @escaping @Sendable (RunEvent) -> Void = { _ in }) { self.onEvent = onEvent }

    func record(_ event: RunEvent) {
        events.withLock { $0.append(event) }
        onEvent(event)
    }

    var kinds: [RunEvent.Kind] { events.withLock { $0.map(\.event) } }

    func messages(_ kind: RunEvent.Kind) -> [String] {
        events.withLock { $0.filter { $0.event == kind }.compactMap(\.message) }
    }
}

@Suite("participants procedure with Kafka")
struct KafkaProcedureTests {
    private static func plan() throws -> MigrationPlan {
        try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka)
    }

    @Test("every broker moves to the seeds, the controller last, and keeps its session over the division")
    func wholeRun() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let tape = EventTape()
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal()) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        Self.expectMoved(fleet, plan)
        let restarts = fleet.model.brokers.restarts
        #expect(restarts.map(\.id.value) == [2, 3, 1])
        #expect(restarts.map(\.wasController) == [false, false, true])
        #expect(tape.messages(.warning).isEmpty)
        #expect(tape.messages(.stepFinished).contains("0 sessions lost, 0 under-replicated partitions"))
        let question = try #require(tape.messages(.confirmationNeeded).first)
        #expect(question.contains("Kafka's 3 brokers use 198.51.100.14:2181,198.51.100.15:2181/kafka now"))
        #expect(!question.contains("does not restart"))
    }

    @Test("the controller is last wherever it is when the roll begins", arguments: [2, 3])
    func controllerLast(_ controller: Int) async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        fleet.change { $0.brokers.controller = BrokerID(controller) }
        #expect(try await Fixture.run(plan, fleet, MemoryJournal()).isFinished)
        #expect(fleet.model.brokers.restarts.last?.id == BrokerID(controller))
        Self.expectMoved(fleet, plan)
    }

    @Test("a plan without Kafka never asks about it, and its steps are as before")
    func without() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.change { $0.brokers.isUnreadable = true }
        #expect(try await Fixture.run(plan, fleet, MemoryJournal()).isFinished)
        let stages = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages
        #expect(stages.map(\.name) == [.preflight, .join, .division, .return, .proof, .cleanUp])
        let ids = stages.flatMap(\.steps).map(\.id.description)
        #expect(ids.count == 33)
        #expect(!ids.contains { $0.contains("kafka") || $0.contains("broker") || $0.contains("session") })
    }

    @Test("a broker that does not come back stops the roll; nothing else is touched; healed, the run goes on")
    func brokenBroker() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let host = plan.brokers[1].host
        let tape = EventTape { event in
            guard event.event == .stageStarted, event.stage == .repoint else { return }
            fleet.change { $0.brokers.brokers[host]?.isBroken = true }
        }
        let outcome = try await Fixture.run(plan, fleet, journal) { tape.record($0) }
        let reason = try #require(outcome.reason)
        #expect(reason.contains("not within 300.0 seconds"), "\(reason)")
        #expect(reason.contains("broker 2 (k2) not registered in ZooKeeper"), "\(reason)")
        #expect(fleet.model.brokers.restarts.map(\.id.value) == [2])
        for other in [0, 2] {
            let broker = fleet.model.brokers.brokers[plan.brokers[other].host]
            let isUntouched = broker?.file == broker?.original
            #expect(isUntouched)
            #expect(broker?.starts == 1)
        }
        // Not healed: it stops again, and still touches nothing.
        #expect(try await !Fixture.resume(plan, fleet, journal).isFinished)
        #expect(fleet.model.brokers.restarts.count == 1)

        fleet.change { $0.brokers.brokers[host]?.isBroken = false }
        let resumed = try await Fixture.resume(plan, fleet, journal)
        let isFinished = resumed.isFinished
        #expect(isFinished, "\(resumed)")
        Self.expectMoved(fleet, plan)
        #expect(fleet.model.brokers.restarts.map(\.id.value) == [2, 3, 1])
    }

    @Test("a broker whose service died is told at once, without waiting for the deadline")
    func deadBroker() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let host = plan.brokers[2].host
        let tape = EventTape { event in
            guard event.event == .stepProgress, event.message?.contains("kafka.service pid") == true else {
                return
            }
            fleet.change { if $0.brokers.restarts.last?.id == BrokerID(3) { $0.brokers.stop(host) } }
        }
        let journal = MemoryJournal()
        let outcome = try await Fixture.run(plan, fleet, journal) { tape.record($0) }
        let reason = try #require(outcome.reason)
        #expect(
            reason.contains("broker 3 (k3): kafka.service is stopped; no other broker is touched"),
            "\(reason)"
        )
        fleet.change { $0.brokers.start(host) }
        let resumed = try await Fixture.resume(plan, fleet, journal)
        let isFinished = resumed.isFinished
        #expect(isFinished, "\(resumed)")
        Self.expectMoved(fleet, plan)
    }

    @Test("a coordinator that dies at any write of its journal is continued to the same end")
    func diesAnywhere() async throws {
        let plan = try Self.plan()
        let probe = MemoryJournal()
        _ = try await Fixture.run(plan, ModelFleet(plan: plan), probe)
        for write in 2...probe.writes {
            let fleet = ModelFleet(plan: plan)
            let journal = MemoryJournal()
            journal.fail(at: write)
            await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
            journal.fail(at: nil)
            let outcome = try await Fixture.resume(plan, fleet, journal)
            let isFinished = outcome.isFinished
            #expect(isFinished, "died at write \(write): \(outcome)")
            Self.expectMoved(fleet, plan)
            let restarts = fleet.model.brokers.restarts
            #expect(restarts.map(\.id.value) == [2, 3, 1], "died at write \(write)")
        }
    }

    @Test("every reply lost once: no broker is restarted twice")
    func lostReplies() async throws {
        let plan = try Self.plan()
        let faults = Dictionary(
            uniqueKeysWithValues: stride(from: 1, to: 120, by: 2).map { ($0, ModelFleet.Fault.replyLost) }
        )
        let fleet = ModelFleet(plan: plan, faults: faults)
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        Self.expectMoved(fleet, plan)
    }

    @Test("a session lost in the division is named, and the run goes on")
    func lostSession() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let host = plan.brokers[0].host
        let tape = EventTape { event in
            guard event.event == .stepFinished, event.step == "division.split" else { return }
            fleet.change { $0.brokers.loseSession(host) }
        }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal()) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        let warnings = tape.messages(.warning)
        #expect(warnings.count == 2)
        #expect(warnings.allSatisfy { $0.contains("broker 1 (k1) lost its session 0x4") }, "\(warnings)")
        // It was the controller, and is so with its new session.
        let finished = tape.messages(.stepFinished)
        #expect(finished.contains { $0.contains("broker 1 (k1) lost its session") })
    }

    @Test("a broker that stays away after the division is a warning, not a stop")
    func awayAfterDivision() async throws {
        let plan = try Self.plan()
        let fleet = ModelFleet(plan: plan)
        let host = plan.brokers[1].host
        let tape = EventTape { event in
            guard event.event == .stepFinished, event.step == "division.start" else { return }
            fleet.change { $0.brokers.stop(host) }
        }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal()) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        let warning = try #require(tape.messages(.warning).first)
        #expect(warning.contains("broker 2 (k2): kafka.service is stopped"), "\(warning)")
        #expect(warning.contains("has none yet"), "\(warning)")
    }

    private static func expectMoved(_ fleet: ModelFleet, _ plan: MigrationPlan) {
        let model = fleet.model
        let violations = model.violations + model.brokers.violations
        #expect(violations.isEmpty)
        for broker in model.brokers.brokers.values {
            let text = String(decoding: broker.file, as: UTF8.self)
            // At the end every destination server is named, those that were no seeds last.
            let isMoved = text.hasSuffix(
                "zookeeper.connect=198.51.100.14:2181,198.51.100.15:2181,198.51.100.16:2181/kafka\n"
            )
            let isKept = text.hasPrefix("# kept\nbroker.id=\(broker.planned.id)\nlog.dirs=/k\n")
            #expect(isMoved, "\(text)")
            #expect(isKept, "\(text)")
            let origin = broker.session?.origin
            #expect(plan.seeds.contains { $0.id == origin }, "\(broker.planned.name)")
        }
        for server in plan.source + plan.destination {
            let serves = model.serves(server.host)
            #expect(serves, "\(server.host)")
        }
    }
}
