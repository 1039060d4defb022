package import ControlProtocol
import FoundationEssentials
import GRDB
package import Procedure

/// What a run told while it went on; only this machine keeps it, and nothing is decided by it, so that no row has a checksum.
extension SQLiteJournal {
    /// Of one run.
    package static let mostEvents = 200_000
    /// Read at once: whoever reads holds the run up for so long.
    private static let page = 500

    /// A run's event and its place among all of them.
    package struct KeptEvent: Hashable, Sendable {
        package let number: Int
        package let event: RunEvent
    }

    /// Keeps them in one transaction, but for what is of interest only while it lasts.
    ///
    /// - Returns: false when the run has as many as are kept, and some were left out.
    package func keep(_ events: [RunEvent], of run: RunID) throws(JournalError) -> Bool {
        let lasting = events.filter { !$0.isTransient }
        guard !lasting.isEmpty else { return true }
        var isRoom = true
        try writing { database in
            let last = try Int.fetchOne(
                database,
                sql: "SELECT MAX(number) FROM event WHERE run = ?",
                arguments: [run.description]
            )
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            for (number, event) in zip(((last ?? -1) + 1)..., lasting) {
                // Half of the room is for what the run itself tells.
                if event.probe != nil, number >= Self.mostEvents / 2 { continue }
                guard number < Self.mostEvents else {
                    isRoom = false
                    return
                }
                try database.execute(
                    sql: "INSERT INTO event (run, number, content) VALUES (?, ?, ?)",
                    arguments: [run.description, number, try encoder.encode(event)]
                )
            }
        }
        return isRoom
    }

    /// In their order; empty for a run of an earlier version, which kept none.
    package func events(of run: RunID) throws(JournalError) -> [RunEvent] {
        try events(of: run, from: 0).map(\.event)
    }

    /// Those from this number on.
    package func events(of run: RunID, from number: Int) throws(JournalError) -> [KeptEvent] {
        try Self.paged(in: path, from: number) { number throws(JournalError) in
            try reading { database in try Self.rows(of: run, from: number, database) }
        }
    }

    /// All that one reading after another gives, none of which takes long.
    static func paged(
        in path: String,
        from number: Int,
        _ read: (Int) throws(JournalError) -> [EventRow]
    ) throws(JournalError) -> [KeptEvent] {
        var (all, next): ([KeptEvent], Int) = ([], number)
        while true {
            let rows = try read(next)
            for row in rows {
                do {
                    all.append(KeptEvent(number: row.number, event: try WireJSON.decode(from: row.content)))
                } catch {
                    throw JournalIntegrity.failure(error, path)
                }
            }
            guard rows.count == page, let last = rows.last else { return all }
            next = last.number + 1
        }
    }

    /// Decoded when the journal is free for the run again.
    struct EventRow {
        let number: Int
        let content: Data
    }

    static func rows(of run: RunID, from number: Int, _ database: Database) throws -> [EventRow] {
        try Row.fetchAll(
            database,
            sql: "SELECT number, content FROM event WHERE run = ? AND number >= ? ORDER BY number LIMIT ?",
            arguments: [run.description, number, page]
        ).map { row in EventRow(number: try row.value("number"), content: try row.value("content")) }
    }
}
