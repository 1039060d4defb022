package import ControlProtocol
import GRDB
package import Procedure

/// A journal as somebody sees it who only watches: nothing in it is changed, nothing is checked that takes long, and no call
/// keeps the run waiting for longer than a short read.
package final class JournalWatch: Sendable {
    /// A run as it stands.
    package struct Seen: Sendable {
        package let run: RunID
        /// Of the coordinator that performed it last.
        package let epoch: FencingEpoch
        package let ending: RunEnding?
        package let facts: RunFacts
    }

    private let path: String
    private let database: DatabaseQueue

    package init(path: String) throws(JournalError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(1)
            database = try DatabaseQueue(path: path, configuration: configuration)
            guard try !database.read(JournalSchema.migrator.hasBeenSuperseded) else {
                throw JournalError.newer(path: path)
            }
        } catch {
            throw JournalIntegrity.failure(error, path)
        }
    }

    /// The newest run of a plan; nil before there is one.
    package func newestRun(plan name: String) throws(JournalError) -> Seen? {
        try reading { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT * FROM run WHERE plan = ? ORDER BY rowid DESC LIMIT 1",
                arguments: [name]
            )
            guard let row else { return nil }
            let (record, ending) = (try SQLiteJournal.record(row), try row.optional("ending") as String?)
            return Seen(
                run: record.id,
                epoch: record.epoch,
                ending: ending.flatMap(RunEnding.init(rawValue:)),
                facts: record.facts
            )
        }
    }

    /// What a run told, from this number on; nothing where an earlier version keeps the journal.
    package func events(of run: RunID, from number: Int) throws(JournalError) -> [SQLiteJournal.KeptEvent] {
        try SQLiteJournal.paged(in: path, from: number) { number throws(JournalError) in
            try reading { database in
                guard try database.tableExists("event") else { return [] }
                return try SQLiteJournal.rows(of: run, from: number, database)
            }
        }
    }

    private func reading<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
        do { return try database.read(body) } catch { throw JournalIntegrity.failure(error, path) }
    }
}
