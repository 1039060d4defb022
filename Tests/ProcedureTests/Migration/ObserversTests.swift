import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

@Suite("observers procedure")
struct ObserversTests {
    @Test(
        "a run leaves two ensembles, no rule, and a source that was never touched",
        arguments: ProcedureTests.sizes
    )
    func wholeRun(source: Int, destination: Int) async throws {
        let plan = try Fixture.plan(source: source, destination: destination, strategy: .observers)
        let fleet = ModelFleet(plan: plan)
        let before = plan.source.map { fleet.model.hosts[$0.host]?.pid }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(fleet, plan)
        #expect(plan.source.map { fleet.model.hosts[$0.host]?.pid } == before)
        let sources = Set(plan.source.map(\.host))
        let touched = fleet.model.performed.filter { sources.contains($0.host) }
        #expect(touched.isEmpty)
        for server in plan.destination {
            let starts = fleet.model.hosts[server.host]?.starts
            #expect(starts == 2)
        }
    }

    @Test("while they observe, the files say so, and nothing else in them is another")
    func files() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: .observers)
        let fleet = ModelFleet(plan: plan)
        _ = try await Fixture.run(plan, fleet, MemoryJournal(), confirm: false)
        for server in plan.destination {
            let file = try #require(fleet.model.hosts[server.host]?.file)
            let text = String(decoding: file, as: UTF8.self)
            #expect(text.contains("peerType=observer\n"))
            #expect(text.contains("server.4=198.51.100.14:2888:3888:observer\n"))
            #expect(text.contains("server.1=198.51.100.11:2888:3888\n"))
            #expect(text.hasPrefix("# kept\ntickTime=2000\ndataDir=/data\n"))
        }
        for server in plan.source {
            let isOriginal = fleet.model.hosts[server.host].map { $0.file == $0.original } == true
            #expect(isOriginal)
        }
    }

    @Test("a source node that somebody else restarted meanwhile is told at the end")
    func touchedByOthers() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: .observers)
        let fleet = ModelFleet(plan: plan)
        let host = plan.source[2].host
        let tape = EventTape { event in
            guard event.event == .stageStarted, event.stage == .cleanUp else { return }
            fleet.change {
                $0.stop(host)
                $0.start(host)
            }
        }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal()) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(tape.messages(.warning).contains { $0.contains("somebody else touched the source") })
    }

    @Test("a coordinator that dies at any write of its journal is continued to the same end")
    func diesAnywhere() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: .observers)
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
            ProcedureTests.expectDivided(fleet, plan)
        }
    }

    @Test("every reply lost once: nothing is done twice, the end is the same")
    func lostReplies() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: .observers)
        let faults = Dictionary(
            uniqueKeysWithValues: stride(from: 1, to: 80, by: 2).map { ($0, ModelFleet.Fault.replyLost) }
        )
        let fleet = ModelFleet(plan: plan, faults: faults)
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(fleet, plan)
    }
}
