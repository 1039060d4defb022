import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Synchronization
import Testing
import Topology

/// The window as it is predicted, told, refused and compared.
@Suite("the window, predicted", .serialized)
struct WindowTests {
    @Test("the formula of docs/division.md, and the sentence has its numbers")
    func formula() {
        let seen = WindowPrediction(
            starts: [900, 1500],
            bytes: 50_999_999,
            limit: 10_000,
            sessions: ["k1": 6000]
        )
        #expect(seen.window == 320 + 1500 + 200)
        #expect(seen.worst == 2020 + 1500 + 4000 + 20 * 50)
        #expect(seen.needed == 2693 && seen.objection == nil)
        #expect(
            seen.sentence
                == "expected window 2020 ms: 320 ms of work + 1500 ms for the slowest start (as the nodes were seen "
                + "to start with this data) + 200 ms of an election; 8520 ms if an election stalls; k1 has 6000 ms, margin 3980 ms"
        )
        let guessed = WindowPrediction(starts: [], bytes: 140_000_000, limit: nil, sessions: [:])
        #expect(guessed.start == 1100 + 37 * 140 && !guessed.isMeasured)
        #expect(guessed.sentence.contains("6280 ms for the slowest start (guessed from 140 MB of data)"))
    }

    @Test("a session must outlast the window and a third; a start must fit into initLimit ticks")
    func objections() {
        let prediction = { (session: Int, limit: Int?) in
            WindowPrediction(starts: [2480], bytes: 0, limit: limit, sessions: ["k1": session, "k2": 18_000])
        }
        #expect(prediction(4000, nil).objection == nil)
        #expect(prediction(3999, nil).objection?.hasPrefix("k1: the session is shorter than 4000 ms") == true)
        #expect(prediction(4000, 2480).objection == nil)
        #expect(prediction(4000, 2479).objection?.contains("initLimit x tickTime, 2479 ms") == true)
    }

    @Test("no number of a peer's traps")
    func edges() {
        for start in [Int.min, -1, 0, Int.max] {
            let edge = WindowPrediction(
                starts: [start],
                bytes: .max,
                limit: .max,
                sessions: ["k": .max, "l": .min]
            )
            #expect(edge.window >= 520 && edge.worst >= edge.window)
            #expect(!edge.sentence.isEmpty)
        }
    }

    @Test(
        "what the join has seen is predicted, asked with, journaled, and compared with what was seen",
        arguments: DivisionTests.strategies
    )
    func wholeRun(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: Fixture.kafka)
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        let tape = EventTape()
        let outcome = try await Fixture.run(plan, fleet, journal) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        let facts = try #require(journal.record?.facts)
        let starts = plan.seeds.compactMap { facts.starts[$0.host.description]?.milliseconds }
        #expect(starts.count == plan.seeds.count)
        let window = try #require(facts.window)
        #expect(window.isMeasured && window.start == starts.max())
        // initLimit 5, tickTime 2000; Kafka's 6 s, within 2 to 20 ticks.
        #expect(window.limit == 10_000)
        #expect(window.sessions == Dictionary(plan.brokers.map { ($0.name, 6000) }) { $1 })
        #expect(tape.messages(.confirmationNeeded).joined().hasSuffix("\n\(window.sentence)."))
        let seen = try #require(facts.windowSeen)
        #expect(seen >= 0)
        #expect(
            tape.messages(.stepFinished).contains {
                $0.hasPrefix("predicted \(window.window) ms, seen \(seen) ms")
            }
        )
    }

    @Test("a start that takes too long for the sessions is not divided, unless that is waived")
    func refused() async throws {
        let waiver = "waivers: [{check: session-timeouts, reason: brokers 3.6 come back}]"
        for text in ["", waiver] {
            let plan = try Fixture.plan(source: 3, destination: 3, kafka: Fixture.kafka, waivers: text)
            let fleet = ModelFleet(plan: plan)
            let slow = plan.seeds[1].host.description
            fleet.change { $0.make(slow) { $0.slowness = 9000 } }
            let journal = MemoryJournal()
            let tape = EventTape()
            let outcome = try await Fixture.run(plan, fleet, journal) { tape.record($0) }
            let window = try #require(journal.record?.facts.window)
            #expect(window.start >= 9000)
            #expect(outcome.isFinished == !text.isEmpty, "\(outcome)")
            let said = text.isEmpty ? outcome.reason ?? "" : tape.messages(.warning).joined(separator: "\n")
            #expect(said.contains("the session is shorter than \(window.needed) ms"), "\(said)")
            if text.isEmpty { #expect(outcome.standing == .joint) }
        }
    }
}
