import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Testing
import Topology

/// Three clients, two at once; the third registers nowhere.
///
/// Processes leave their sessions behind, with what these own.
@Suite("clients that are restarted at the end, several at once")
struct RestartedBatchTests {
    private let plan: MigrationPlan
    private let fleet: ModelFleet
    private let journal = MemoryJournal()
    private let first: HostName
    private let second: HostName

    init() throws {
        let item = { (name: String, number: Int, more: String) in
            """
                - {name: \(name), host: c\(number), address: 198.51.100.\(50 + number), service: \(name).service, config: /etc/\(name), connect: {property: servers}, tree: /app\(more)}

            """
        }
        plan = try Fixture.plan(
            source: 3,
            destination: 3,
            kafka: "trees: [/app]\nclients:\n  batch: 2\n  restart_completed: true\n  move:\n"
                + item("one", 1, ", ephemerals: /app/live") + item("two", 2, ", ephemerals: /app/live")
                + item("three", 3, "")
        )
        fleet = ModelFleet(plan: plan)
        first = try #require(HostName("c1"))
        second = try #require(HostName("c2"))
    }

    /// Of the restarts at the end.
    private var restarts: [String] {
        fleet.model.applications.restarts.map(\.description).dropFirst(3).sorted()
    }

    private var noted: RunFacts.RestartedBatch? {
        get throws { try #require(journal.record).facts.restartedBatch }
    }

    /// - Parameter change: once every file names all of the destination.
    private func run(
        isTold: Bool = false,
        report: @escaping @Sendable (RunEvent) -> Void = { _ in },
        change: @escaping @Sendable (inout ModelEnsemble) -> Void
    ) async throws -> Runner.Outcome {
        fleet.change { $0.tellsSessions = isTold }
        return try await Fixture.run(plan, fleet, journal) { [fleet] event in
            report(event)
            guard event.event == .stepFinished, event.step == "clean-up.connect-strings" else { return }
            fleet.change {
                $0.applications.leavesSessions = true
                change(&$0)
            }
        }
    }

    /// To the moment when the first two are noted, and nothing was sent yet.
    private func die(isTold: Bool = false) async throws {
        let report: @Sendable (RunEvent) -> Void = { [journal] event in
            // Facts are written first, then the intent.
            if event.event == .stepStarted, event.step == "clean-up.restart-client-1" { journal.fail(at: 2) }
        }
        await #expect(throws: JournalError.self) {
            try await run(isTold: isTold, report: report) { _ in }
        }
        journal.fail(at: nil)
        #expect(restarts.isEmpty)
        #expect(try noted?.clients == ["client one (c1)", "client two (c2)"])
        #expect(try noted?.sessions["/app/live"]?.count == 2)
    }

    private func restartByHand(_ host: HostName) {
        fleet.change {
            $0.applications.stop(host)
            $0.applications.start(host)
        }
    }

    private func expectFinished(_ outcome: Runner.Outcome, restarts wanted: [String]) {
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(restarts == wanted)
        #expect(fleet.model.violations.isEmpty, "\(fleet.model.violations)")
    }

    @Test(
        "sessions that were left behind keep nobody who registers anew from being back",
        arguments: [false, true]
    )
    func anew(isTold: Bool) async throws {
        let outcome = try await run(isTold: isTold) { _ in }
        expectFinished(outcome, restarts: ["c1", "c2", "c3"])
        #expect(try noted?.clients == ["client three (c3)"])
        #expect(try noted?.sessions == [:])
    }

    @Test(
        "whoever of two does not register anew is not back, and the third is not touched; then it goes on",
        arguments: ["c1", "c2"],
        [false, true]
    )
    func silent(_ name: String, isTold: Bool) async throws {
        let host = try #require(HostName(name))
        let outcome = try await run(isTold: isTold) {
            $0.applications.all[host]?.registersNextAt = "/app/elsewhere"
        }
        let reason = try #require(outcome.reason)
        // Where it is not told whose a session is, the last of the two lacks one.
        let culprit = isTold && name == "c1" ? "client one (c1)" : "client two (c2)"
        #expect(reason.contains("\(culprit): has no ephemeral node at or below /app/live"), "\(reason)")
        #expect(reason.contains("since its restart") && restarts == ["c1", "c2"], "\(reason)")
        let before = try noted
        let still = try await Fixture.resume(plan, fleet, journal)
        #expect(!still.isFinished && restarts == ["c1", "c2"])
        #expect(try noted == before)
        fleet.change { $0.applications.all[host]?.registersAt = nil }
        expectFinished(try await Fixture.resume(plan, fleet, journal), restarts: ["c1", "c2", "c3"])
    }

    @Test(
        "a coordinator that died before the restarts notes anew who owns nodes then",
        arguments: [false, true]
    )
    func diedBefore(isTold: Bool) async throws {
        try await die(isTold: isTold)
        let later = SessionNumber(4 << 56 | 0x900)
        fleet.change {
            $0.applications.all[second]?.session = later
            $0.applications.all[second]?.registersNextAt = "/app/elsewhere"
        }
        let outcome = try await Fixture.resume(plan, fleet, journal)
        let reason = try #require(outcome.reason)
        #expect(reason.contains("client two (c2): has no ephemeral node"), "\(reason)")
        #expect(try noted?.sessions["/app/live"]?.contains(later) == true)
        fleet.change { $0.applications.all[second]?.registersAt = nil }
        expectFinished(try await Fixture.resume(plan, fleet, journal), restarts: ["c1", "c2", "c3"])
    }

    @Test(
        "a coordinator that died between two restarts restarts the other only, and goes by what was noted before both",
        arguments: [false, true],
        [false, true]
    )
    func diedBetween(isRegistered: Bool, isTold: Bool) async throws {
        try await die(isTold: isTold)
        let before = try noted
        if !isRegistered {
            fleet.change { $0.applications.all[first]?.registersNextAt = "/app/elsewhere" }
        }
        // As its agent did, for the coordinator that died.
        restartByHand(first)
        if !isRegistered {
            let reason = try #require(try await Fixture.resume(plan, fleet, journal).reason)
            let culprit = isTold ? "client one (c1)" : "client two (c2)"
            #expect(reason.contains("\(culprit): has no ephemeral node"), "\(reason)")
            #expect(try noted == before)
            #expect(restarts == ["c2"])
            fleet.change { $0.applications.all[first]?.registersAt = nil }
        }
        expectFinished(try await Fixture.resume(plan, fleet, journal), restarts: ["c2", "c3"])
    }

    @Test("as long as one that was restarted is away, no other is restarted beside it")
    func away() async throws {
        let report: @Sendable (RunEvent) -> Void = { [fleet, first] event in
            guard event.event == .stepFinished, event.step == "clean-up.restart-client-1" else { return }
            fleet.change {
                $0.applications.all[first]?.isBroken = true
                $0.applications.stop(first)
                $0.applications.start(first)
            }
        }
        let reason = try #require(try await run(report: report) { _ in }.reason)
        #expect(
            reason.contains(
                "client one (c1): has no connection to the destination; no other client is touched"
            ),
            "\(reason)"
        )
        #expect(restarts == ["c1", "c2"])
        fleet.change { $0.applications.all[first]?.isBroken = false }
        restartByHand(first)
        expectFinished(try await Fixture.resume(plan, fleet, journal), restarts: ["c1", "c2", "c3"])
    }

    @Test("one that somebody else restarted and that is away counts among those that are away at once")
    func awayByHand() async throws {
        try await die()
        let third = try #require(HostName("c3"))
        fleet.change { $0.applications.all[third]?.isBroken = true }
        restartByHand(third)
        let reason = try #require(try await Fixture.resume(plan, fleet, journal).reason)
        #expect(reason.contains("client three (c3): has no connection to the destination"), "\(reason)")
        #expect(restarts == ["c1"])
        fleet.change { $0.applications.all[third]?.isBroken = false }
        restartByHand(third)
        expectFinished(try await Fixture.resume(plan, fleet, journal), restarts: ["c1", "c2"])
    }

    @Test("who owns nodes must be known before anybody is restarted")
    func unread() async throws {
        let reason = try #require(try await run { $0.unreadable = "no reader" }.reason)
        #expect(reason.contains("the clients' registrations cannot be read: no reader"), "\(reason)")
        #expect(try restarts.isEmpty && noted == nil)
        fleet.change { $0.unreadable = nil }
        expectFinished(try await Fixture.resume(plan, fleet, journal), restarts: ["c1", "c2", "c3"])
    }

    @Test("where an earlier version restarted them nothing was noted, and the run goes on by what it sees")
    func earlierVersion() async throws {
        let outcome = try await run {
            $0.applications.all[second]?.registersNextAt = "/app/elsewhere"
        }
        #expect(!outcome.isFinished)
        let record = try #require(journal.record)
        var facts = record.facts
        let text = String(decoding: try JSONEncoder().encode(facts), as: UTF8.self)
        #expect(text.contains("restartedBatch"))
        #expect(try WireJSON.decode(RunFacts.self, from: Data(text.utf8)) == facts)
        facts.restartedBatch = nil
        let earlier = String(decoding: try JSONEncoder().encode(facts), as: UTF8.self)
        #expect(!earlier.contains("restartedBatch"))
        #expect(try WireJSON.decode(RunFacts.self, from: Data(earlier.utf8)) == facts)
        try journal.remember(facts, of: record.id)
        expectFinished(try await Fixture.resume(plan, fleet, journal), restarts: ["c1", "c2", "c3"])
    }
}
