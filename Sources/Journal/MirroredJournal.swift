package import ControlProtocol
package import Fleet
package import Procedure
import Synchronization

/// The journal on disk, with its run's chain sent on to other machines.
///
/// What is written is on disk first, as ever, and sent in the background. Two moments wait until a majority of the plan's
/// ZooKeeper hosts keeps all of it, since whoever takes over must not miss them: before the commands of a step that passes a
/// milestone when it is begun, and after every verdict of a step that passes one when it is done. They wait so long at most; the run then goes
/// on, and waits no more until a majority has caught up.
package final class MirroredJournal: RunJournal {
    private let journal: SQLiteJournal
    private let mirror: ChainMirror
    private let run: RunID
    private let patience: Duration
    private let warn: @Sendable (String) -> Void
    private let quorum = Mutex(Quorum())

    private struct Quorum {
        /// No majority kept all when it was looked last.
        var isAlone = false
        var hasWarned = false
    }

    /// - Parameter warn: told once when a majority does not keep up.
    package init(
        _ journal: SQLiteJournal,
        _ mirror: ChainMirror,
        of run: RunID,
        patience: Duration = .seconds(2),
        warn: @escaping @Sendable (String) -> Void
    ) throws(JournalError) {
        self.journal = journal
        self.mirror = mirror
        self.run = run
        self.patience = patience
        self.warn = warn
        try pass()
    }

    /// Gives the hosts a last moment to get all of it.
    package func close(within moment: Duration = .seconds(2)) async { await mirror.close(within: moment) }

    /// Whether a majority keeps all that was written until now.
    package func isHeld(within moment: Duration = .seconds(2)) async -> Bool {
        await mirror.isHeld(within: moment)
    }

    package func unfinishedRun(plan name: String) throws(JournalError) -> RunRecord? {
        try journal.unfinishedRun(plan: name)
    }

    package func begin(_ run: RunRecord) throws(JournalError) { try journal.begin(run) }

    package func setEpoch(_ epoch: FencingEpoch, of run: RunID) throws(JournalError) {
        try journal.setEpoch(epoch, of: run)
        try pass()
    }

    package func intent(
        _ step: StepID,
        attempt: Int,
        commands: [HostCommand],
        at: Int64,
        of run: RunID
    ) async throws(JournalError) {
        try journal.intent(step, attempt: attempt, commands: commands, at: at, of: run)
        try pass()
        if Milestone.passages[step]?.begun != nil, !commands.isEmpty { await settle() }
    }

    package func verdict(
        _ step: StepID,
        attempt: Int,
        _ verdict: StepVerdict,
        at: Int64,
        of run: RunID
    ) async throws(JournalError) {
        try journal.verdict(step, attempt: attempt, verdict, at: at, of: run)
        try pass()
        if Milestone.passages[step]?.done != nil { await settle() }
    }

    package func remember(_ facts: RunFacts, of run: RunID) throws(JournalError) {
        try journal.remember(facts, of: run)
        try pass()
    }

    package func end(_ run: RunID, _ ending: RunEnding, at: Int64) throws(JournalError) {
        try journal.end(run, ending, at: at)
        try pass()
    }

    package func entries(of run: RunID) throws(JournalError) -> [JournalEntry] {
        try journal.entries(of: run)
    }

    package func keep(_ output: StepOutput, of run: RunID) throws(JournalError) {
        try journal.keep(output, of: run)
    }

    private func pass() throws(JournalError) { mirror.add(try journal.chain(of: run, from: mirror.count)) }

    private func settle() async {
        let wasAlone = quorum.withLock { $0.isAlone }
        let isHeld = await mirror.isHeld(within: wasAlone ? .zero : patience)
        let isNews = quorum.withLock { quorum in
            defer { quorum.hasWarned = quorum.hasWarned || !isHeld }
            quorum.isAlone = !isHeld
            return !isHeld && !quorum.hasWarned
        }
        guard isNews else { return }
        warn(
            "a majority of the ZooKeeper hosts' agents does not keep what this run does: a takeover from another machine may not "
                + "be possible, or may know less; the run goes on"
        )
    }
}
