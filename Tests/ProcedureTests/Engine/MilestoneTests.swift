import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing

/// What journals amount to, against what the ids of their steps said before there were milestones.
@Suite("milestones")
struct MilestoneTests {
    /// How one run of the program went: which way, and after which step's verdict it died.
    private typealias Going = (course: Runner.Course, diesAfter: StepID?)

    private static let ways: [[Going]] = [
        [(.forward, nil)],
        [(.forward, "join.start-seeds"), (.forward, nil)],
        [(.forward, "division.canary"), (.forward, nil)],
        [(.forward, "division.detach"), (.forward, "renewal.raise-walls"), (.forward, nil)],
        [(.forward, "division.detach"), (.back(to: .joint), nil), (.forward, nil)],
        [(.forward, "division.split"), (.back(to: .joint), "rollback.stop"), (.forward, nil)],
        [
            (.forward, "division.split"), (.back(to: .joint), "rollback.files"), (.back(to: .joint), nil),
            (.forward, "division.split"), (.back(to: .joint), "rollback.remove-rules"),
            (.back(to: .joint), nil), (.forward, nil),
        ],
        [
            (.forward, "division.start"), (.back(to: .joint), nil), (.forward, "division.apart"),
            (.forward, nil),
        ],
        [(.forward, "clean-up.remove-rules"), (.forward, nil)],
        [(.forward, "join.smoke"), (.back(to: .untouched), nil), (.forward, nil)],
        [
            (.forward, "division.split"), (.back(to: .untouched), "withdraw.remove-rules"),
            (.back(to: .untouched), nil), (.forward, nil),
        ],
    ]

    /// The journal of a run that went this way.
    private static func entries(_ plan: MigrationPlan, _ way: [Going]) async throws -> [JournalEntry] {
        let fleet = ModelFleet(plan: plan)
        let journal = MemoryJournal()
        try journal.begin(try await Fixture.record(plan, fleet))
        for going in way {
            let isThere = try journal.entries(of: try #require(journal.record).id)
                .contains { $0.step == going.diesAfter && $0.verdict != nil }
            // The same step may be done a second time; only its first end is one to die at.
            journal.die(after: isThere ? nil : going.diesAfter)
            do {
                _ = try await Fixture.resume(plan, fleet, journal, course: going.course)
            } catch is JournalError {}
        }
        return try journal.entries(of: try #require(journal.record).id)
    }

    /// As the journal was after each write; every step could have failed, too.
    private static func prefixes(_ entries: [JournalEntry]) -> [[JournalEntry]] {
        [[]]
            + entries.indices.flatMap { index in
                let verdicts: [StepVerdict?] = [nil, .failed(reason: ""), .done(observed: "")]
                return verdicts.map { verdict in
                    let last = entries[index]
                    let changed = JournalEntry(
                        step: last.step,
                        attempt: last.attempt,
                        commands: last.commands,
                        intendedAt: last.intendedAt,
                        verdict: verdict,
                        decidedAt: nil
                    )
                    return Array(entries[..<index]) + [changed]
                }
            }
    }

    @Test(
        "every prefix of every journal means what the ids of its steps meant",
        arguments: DivisionTests.strategies,
        ["", Fixture.kafka]
    )
    func sameMeaning(_ strategy: MigrationPlan.Strategy, _ kafka: String) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: kafka)
        let procedure = MigrationProcedure(plan: plan, survey: Survey(files: []))
        var standings: Set<Standing> = []
        for way in Self.ways {
            for prefix in Self.prefixes(try await Self.entries(plan, way)) {
                let (old, new) = (HistoryByID(prefix), RunHistory(prefix))
                standings.insert(new.standing)
                let last = prefix.last?.step.description ?? "nothing"
                #expect(new.standing == old.standing, "\(last)")
                #expect(new.isOnTheWayBack == old.isOnTheWayBack, "\(last)")
                #expect(new.passed.contains(.divisionBegan) == old.begun.contains("division.detach"))
                let renewal = procedure.renewal(after: new.passed)
                #expect(Set(renewal?.steps.map(\.id) ?? []) == old.renewed, "\(last)")
                let stages = [renewal].compactMap(\.self) + procedure.stages
                #expect(new.settled(before: stages) == old.settledForward, "\(last)")
                #expect(new.settled(before: [procedure.wayBack]) == old.settledBack, "\(last)")
            }
        }
        #expect(standings == Set(Standing.allCases))
    }

    private static func steps(_ strategy: MigrationPlan.Strategy) throws -> [Step] {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: Fixture.kafka)
        let procedure = MigrationProcedure(plan: plan, survey: Survey(files: []))
        let renewals: [Set<Milestone>] = [[.divisionBegan], [.originalFilesBack]]
        let stages =
            procedure.stages + [procedure.wayBack, procedure.withdrawal]
            + renewals.compactMap { procedure.renewal(after: $0) }
        for stage in stages {
            for step in stage.steps {
                #expect(step.id.stage == stage.name, "\(step.id)")
            }
        }
        return stages.flatMap(\.steps)
    }

    /// A step that earlier versions had: their journals are gone on with.
    private static let earlier: Set<StepID> = ["division.restore-files"]

    @Test("each strategy passes every milestone, by steps that it has or had")
    func passages() throws {
        var declared: Set<StepID> = []
        for strategy in DivisionTests.strategies {
            let ids = Set(try Self.steps(strategy).map(\.id)).union(Self.earlier)
            #expect(Milestone.passed(begun: ids, done: ids) == Set(Milestone.allCases))
            declared.formUnion(ids)
        }
        #expect(Set(Milestone.passages.keys).subtracting(declared) == [])
    }
}

/// A history as the program read it by the ids of steps, up to and including prefixes of them.
private struct HistoryByID {
    private(set) var done: Set<StepID> = []
    private(set) var begun: Set<StepID> = []
    private var hasActed = false

    init(_ entries: [JournalEntry]) {
        for entry in entries {
            hasActed = hasActed || !entry.commands.isEmpty
            begun.insert(entry.step)
            guard case .done = entry.verdict else { continue }
            done.insert(entry.step)
            if entry.step == "rollback.rejoin" {
                for prefix in ["division.", "rollback.", "renewal."] {
                    done = done.filter { !$0.description.hasPrefix(prefix) }
                    begun = begun.filter { !$0.description.hasPrefix(prefix) }
                }
            }
            if entry.step == "withdraw.proof" { (done, begun, hasActed) = ([], [], false) }
        }
    }

    private static let mayEndAfter: Set<StepID> = ["rollback.possible", "rollback.stop"]

    var isOnTheWayBack: Bool {
        begun.contains { $0.description.hasPrefix("rollback.") && !Self.mayEndAfter.contains($0) }
    }

    private var isJoined: Bool {
        done.contains("join.start-seeds-again") || done.contains("join.start-observers")
    }

    var standing: Standing {
        guard hasActed else { return .untouched }
        if done.contains("withdraw.possible") { return .withdrawing }
        if isOnTheWayBack { return .rollingBack }
        if done.contains("clean-up.remove-rules") { return .apart }
        if done.contains("division.start") { return .divided }
        if begun.contains("division.detach") { return .dividing }
        return isJoined ? .joint : .joining
    }

    var renewed: Set<StepID> {
        var steps: Set<StepID> = []
        if begun.contains("division.detach"), !begun.contains("clean-up.remove-rules") {
            steps.insert("renewal.raise-walls")
            if !begun.contains("division.start") { steps.insert("renewal.orders") }
        }
        if done.contains("division.restore-files"), !begun.contains("division.detach") {
            steps.insert("renewal.joint-files")
        }
        return steps
    }

    var settledForward: Set<StepID> {
        var settled = done.subtracting(renewed)
        if renewed.contains("renewal.joint-files") { settled.remove("division.restore-files") }
        if !isJoined { settled.remove("join.hold-later-seeds") }
        if !begun.contains("division.detach") {
            settled.subtract(["division.kafka", "division.canary", "division.clients", "join.window"])
        }
        return settled
    }

    var settledBack: Set<StepID> { isOnTheWayBack ? done : done.subtracting(Self.mayEndAfter) }
}
