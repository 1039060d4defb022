import ControlProtocol
import Fleet
import FoundationEssentials
import Journal
import Procedure
import Reporting
import Settings

/// What a plan's journal says of its division.
enum DividedRun {
    /// What is known of it; nil while no destination node was seen to lead.
    static func record(of plan: MigrationPlan) throws -> RunRecord? {
        guard FileManager.default.fileExists(atPath: plan.journalPath) else { return nil }
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: false)
        for run in try journal.runs() where run.record.plan == plan.name && run.ending != .withdrawn {
            guard RunHistory(try journal.entries(of: run.record.id)).passed.contains(.destinationLed) else {
                continue
            }
            guard run.record.facts.split != nil else {
                throw Complaint(
                    "\(plan.journalPath): run \(run.record.id) has divided the ensemble, and its journal, of an earlier version, "
                        + "lacks the last transaction before that: look with `mitosis compare` who writes on the source"
                )
            }
            return run.record
        }
        return nil
    }
}

/// After the division.
extension ClientsCommand {
    private static var pause: Duration { .seconds(1) }

    /// Whether nobody has written on the source; with `--watch` only an interruption ends it.
    func lookForWrites(
        _ plan: MigrationPlan,
        _ fleet: any Fleet,
        since run: RunRecord,
        _ names: ReverseNames?
    ) async throws -> Bool {
        guard !plan.census.trees.isEmpty, var side = WrongSide(plan, run.facts) else {
            throw Complaint(
                "\(plan.file): no tree is declared: nothing can be said of writes on the wrong side"
            )
        }
        let traces = SealTraces(plan, run.id)
        // The first look may have a long log to read.
        try await look(&side, through: fleet, within: .seconds(10), leavingOut: traces, names)
        try show(side)
        // What has no address counts as told when it was asked for a second time.
        for _ in 0..<2 { _ = side.untold() }
        var problems = side.problems
        while watch {
            try await Task.sleep(for: Self.pause)
            let count = side.count
            try await look(&side, through: fleet, within: .seconds(3), leavingOut: traces, names)
            let came = side.untold()
            if json {
                if !came.isEmpty || side.count != count || side.problems != problems { try show(side) }
            } else {
                Output.write(WrongSideText(side).text(of: came))
                for problem in side.problems where !problems.contains(problem) { Output.warn(problem) }
            }
            problems = side.problems
        }
        return side.isClear
    }

    /// A seal notes its sessions before it writes: what a look shows is judged by what is noted after it.
    private func look(
        _ side: inout WrongSide,
        through fleet: any Fleet,
        within limit: Duration,
        leavingOut traces: SealTraces,
        _ names: ReverseNames?
    ) async throws {
        var limit = limit
        _ = side.leaveOut(try traces.sessions())
        repeat {
            await side.look(through: fleet, within: limit)
            limit = .seconds(10)
        } while try side.leaveOut(traces.sessions())
        if let names { side.learn(await names.names(of: side.unnamed)) }
    }

    private func show(_ side: WrongSide) throws {
        let text = WrongSideText(side)
        Output.write(json ? try text.json() : text.text)
    }
}
