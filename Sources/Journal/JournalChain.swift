package import ControlProtocol
import Foundation
import GRDB
package import Procedure

/// A run's chain, as agents are to keep it: the same transaction writes what happened and the entry that says so.
extension SQLiteJournal {
    /// The run's chain from an entry on; empty when it has none.
    package func chain(of run: RunID, from number: Int = 0) throws(JournalError) -> [ChainLink] {
        try reading { database in
            try Row.fetchAll(
                database,
                sql:
                    "SELECT number, previous, content FROM chain WHERE run = ? AND number >= ? ORDER BY number",
                arguments: [run.description, number]
            ).map { row in
                ChainLink(
                    number: try row.value("number"),
                    previous: try row.optional("previous"),
                    content: try row.value("content")
                )
            }
        }
    }

    /// Begins the run's chain with all that the journal holds of it; nothing when it has one.
    package func openChain(_ beginning: ChainBeginning) throws(JournalError) {
        try writing { database in
            guard try Self.head(beginning.run, database) == nil else { return }
            let run = beginning.run.description
            guard
                let row = try Row.fetchOne(database, sql: "SELECT * FROM run WHERE id = ?", arguments: [run])
            else { return }
            let entries = try Self.entries(of: beginning.run, database)
            var head: ChainHead?
            for entry in ChainEntry.all(of: try Self.record(row), entries, beginning: beginning) {
                head = try Self.insert(entry, after: head, of: beginning.run, database)
            }
        }
    }

    /// A run that was taken over: its record, its steps and its chain, or nothing.
    package func restore(_ run: ChainedRun, _ links: [ChainLink]) throws(JournalError) {
        try writing { database in
            try Self.insert(run.record, database)
            for entry in run.entries {
                try Self.insert(entry, of: run.record.id, database)
            }
            for link in links { try Self.insert(link, of: run.record.id, database) }
            guard let ending = run.ending else { return }
            try database.execute(
                sql: "UPDATE run SET ending = ?, endedAt = ? WHERE id = ?",
                arguments: [ending.rawValue, run.endedAt, run.record.id.description]
            )
        }
    }

    /// Adds what was just written to the run's chain, if it has one.
    static func append(_ entry: ChainEntry, of run: RunID, _ database: Database) throws {
        guard let head = try head(run, database) else { return }
        _ = try insert(entry, after: head, of: run, database)
    }

    private static func head(_ run: RunID, _ database: Database) throws -> ChainHead? {
        let row = try Row.fetchOne(
            database,
            sql: "SELECT number, previous, content FROM chain WHERE run = ? ORDER BY number DESC LIMIT 1",
            arguments: [run.description]
        )
        return try row.map { row in
            ChainLink(
                number: try row.value("number"),
                previous: try row.optional("previous"),
                content: try row.value("content")
            ).head
        }
    }

    private static func insert(
        _ entry: ChainEntry,
        after head: ChainHead?,
        of run: RunID,
        _ database: Database
    ) throws -> ChainHead {
        let link = ChainLink(after: head, content: try entry.content)
        try insert(link, of: run, database)
        return link.head
    }

    private static func insert(_ link: ChainLink, of run: RunID, _ database: Database) throws {
        try database.execute(
            sql: "INSERT INTO chain (run, number, previous, content) VALUES (?, ?, ?, ?)",
            arguments: [run.description, link.number, link.previous, link.content]
        )
    }
}
