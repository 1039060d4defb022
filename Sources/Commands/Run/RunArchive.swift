import ControlProtocol
import Journal
import Procedure

/// The journal with all that it keeps: what commands look up beside the run that goes on.
protocol RunArchive: RunJournal {
    /// Newest first, with how they ended (nil while under way, or after a crash).
    func runs() throws(JournalError) -> [(record: RunRecord, ending: RunEnding?, endedAt: Int64?)]
    /// The run as it began, with the texts of its plan; nil when the journal does not have them, as those of earlier versions.
    func beginning(of run: RunID) throws(JournalError) -> ChainBeginning?
    /// Keeps what a run told; false when the run has as many events as are kept.
    func keep(_ events: [RunEvent], of run: RunID) throws(JournalError) -> Bool
    /// What was kept of it, in its order.
    func events(of run: RunID) throws(JournalError) -> [RunEvent]
}

extension SQLiteJournal: RunArchive {
    func beginning(of run: RunID) throws(JournalError) -> ChainBeginning? {
        guard let first = try chain(of: run).first else { return nil }
        // What cannot be read was written by a later version, and is missed by nobody but a reader.
        do throws(WireProblem) {
            guard case .began(let beginning) = try ChainEntry.opened(first.content) else { return nil }
            return beginning
        } catch {
            return nil
        }
    }
}
