import Journal
import Procedure

/// The journal with all that it keeps: what commands look up beside the run that goes on.
protocol RunArchive: RunJournal {
    /// Newest first, with how they ended (nil while under way, or after a crash).
    func runs() throws(JournalError) -> [(record: RunRecord, ending: RunEnding?, endedAt: Int64?)]
}

extension SQLiteJournal: RunArchive {}
