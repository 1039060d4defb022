import ControlProtocol
import Fleet
import Procedure
import Synchronization

/// A journal that can refuse its nth write, as a coordinator does that dies there.
final class MemoryJournal: RunJournal {
    private struct State {
        var run: RunRecord?
        var entries: [JournalEntry] = []
        var ending: RunEnding?
        var writes = 0
        var failsAt: Int?
        var lastStep: StepID?
        var outputs: [StepOutput] = []
    }

    private let state = Mutex(State())

    var writes: Int { state.withLock { $0.writes } }
    var ending: RunEnding? { state.withLock { $0.ending } }
    var record: RunRecord? { state.withLock { $0.run } }
    var outputs: [StepOutput] { state.withLock { $0.outputs } }

    func fail(at write: Int?) {
        state.withLock {
            $0.failsAt = write
            $0.writes = 0
        }
    }

    /// As if these steps had never been begun.
    func forget(_ steps: Set<StepID>) {
        state.withLock { $0.entries.removeAll { steps.contains($0.step) } }
    }

    /// Refuses every write after this step's verdict.
    func die(after step: StepID?) { state.withLock { $0.lastStep = step } }

    private func write(_ body: @Sendable (inout State) -> Void) throws(JournalError) {
        let failed = state.withLock { state in
            state.writes += 1
            let isOver = state.entries.contains { $0.step == state.lastStep && $0.verdict != nil }
            if isOver || state.writes == state.failsAt { return true }
            body(&state)
            return false
        }
        if failed { throw .unusable(path: "memory", reason: "died here") }
    }

    func unfinishedRun(plan name: String) throws(JournalError) -> RunRecord? { record }
    func begin(_ run: RunRecord) throws(JournalError) { try write { $0.run = run } }
    func setEpoch(_ epoch: FencingEpoch, of run: RunID) throws(JournalError) {
        try write { $0.run?.epoch = epoch }
    }
    func remember(_ facts: RunFacts, of run: RunID) throws(JournalError) {
        try write { $0.run?.facts = facts }
    }
    func end(_ run: RunID, _ ending: RunEnding, at: Int64) throws(JournalError) {
        try write { $0.ending = ending }
    }
    func keep(_ output: StepOutput, of run: RunID) throws(JournalError) {
        try write { $0.outputs.append(output) }
    }

    func intent(_ step: StepID, attempt: Int, commands: [HostCommand], at: Int64, of run: RunID)
        throws(JournalError)
    {
        try write {
            $0.entries.append(
                JournalEntry(
                    step: step,
                    attempt: attempt,
                    commands: commands,
                    intendedAt: at,
                    verdict: nil,
                    decidedAt: nil
                )
            )
        }
    }

    func verdict(_ step: StepID, attempt: Int, _ verdict: StepVerdict, at: Int64, of run: RunID)
        throws(JournalError)
    {
        try write { state in
            state.entries = state.entries.map { entry in
                guard entry.step == step, entry.attempt == attempt else { return entry }
                return JournalEntry(
                    step: step,
                    attempt: attempt,
                    commands: entry.commands,
                    intendedAt: entry.intendedAt,
                    verdict: verdict,
                    decidedAt: at
                )
            }
        }
    }

    func entries(of run: RunID) throws(JournalError) -> [JournalEntry] { state.withLock { $0.entries } }
}
