package import ControlProtocol
package import Fleet
import Foundation
import GRDB
import Printable
package import Procedure

/// The run journal in SQLite: one file, every write durable before the call returns.
///
/// `flock` on a file beside it keeps a second coordinator out; the kernel drops that lock when the process ends,
/// however it ends.
package final class SQLiteJournal: RunJournal {
    private let path: String
    private let database: DatabaseQueue
    private let lock: JournalLock?

    /// - Parameter exclusively: false to read the history while a run goes on.
    package init(path: String, exclusively: Bool) throws(JournalError) {
        self.path = path
        lock = exclusively ? try JournalLock(path: path + ".lock") : nil
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(5)
            configuration.prepareDatabase { database in
                database.add(function: JournalIntegrity.function)
                try database.execute(sql: "PRAGMA synchronous = FULL")
            }
            try JournalFile.create(path)
            database = try DatabaseQueue(path: path, configuration: configuration)
            if let damage = try database.read(JournalIntegrity.checkPages) {
                throw JournalError.damaged(path: path, reason: damage)
            }
            let migrator = JournalSchema.migrator
            guard try !database.read(migrator.hasBeenSuperseded) else { throw JournalError.newer(path: path) }
            try migrator.migrate(database)
            if let damage = try database.read(JournalIntegrity.checkRows) {
                throw JournalError.damaged(path: path, reason: damage)
            }
            try JournalFile.makePrivate(path)
        } catch let error as JournalError {
            throw error
        } catch {
            throw JournalIntegrity.failure(error, path)
        }
    }

    package func unfinishedRun(plan name: String) throws(JournalError) -> RunRecord? {
        try reading { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT * FROM run WHERE plan = ? AND (ending IS NULL OR ending <> ?)
                    ORDER BY EXISTS (SELECT 1 FROM step WHERE step.run = run.id AND commands <> CAST('[]' AS BLOB))
                    DESC, rowid DESC LIMIT 1
                    """,
                arguments: [name, RunEnding.finished.rawValue]
            )
            return try row.map(Self.record)
        }
    }

    /// All runs, newest first, with how they ended (nil while under way, or after a crash).
    package func runs() throws(JournalError) -> [(record: RunRecord, ending: RunEnding?, endedAt: Int64?)] {
        try reading { database in
            try Row.fetchAll(database, sql: "SELECT * FROM run ORDER BY rowid DESC").map { row in
                let ending: String? = row["ending"]
                return (try Self.record(row), ending.flatMap(RunEnding.init(rawValue:)), row["endedAt"])
            }
        }
    }

    package func begin(_ run: RunRecord) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: """
                    INSERT INTO run (id, plan, planDigest, startedAt, epoch, survey, facts)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run.id.description, run.plan, run.planDigest, run.startedAt, Int64(run.epoch.value),
                    try Self.encode(run.survey), try Self.encode(run.facts),
                ]
            )
        }
    }

    package func setEpoch(_ epoch: FencingEpoch, of run: RunID) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: "UPDATE run SET epoch = ?, ending = NULL, endedAt = NULL WHERE id = ?",
                arguments: [Int64(epoch.value), run.description]
            )
        }
    }

    package func intent(
        _ step: StepID,
        attempt: Int,
        commands: [HostCommand],
        at: Int64,
        of run: RunID
    ) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: """
                    INSERT INTO step (run, step, attempt, commands, intendedAt) VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [
                    run.description, step.description, attempt, try Self.encode(commands), at,
                ]
            )
        }
    }

    package func verdict(
        _ step: StepID,
        attempt: Int,
        _ verdict: StepVerdict,
        at: Int64,
        of run: RunID
    ) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: """
                    UPDATE step SET verdict = ?, decidedAt = ? WHERE run = ? AND step = ? AND attempt = ?
                    """,
                arguments: [
                    try Self.encode(verdict.printable), at, run.description, step.description, attempt,
                ]
            )
        }
    }

    package func remember(_ facts: RunFacts, of run: RunID) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: "UPDATE run SET facts = ? WHERE id = ?",
                arguments: [try Self.encode(facts), run.description]
            )
        }
    }

    package func end(_ run: RunID, _ ending: RunEnding, at: Int64) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: "UPDATE run SET ending = ?, endedAt = ? WHERE id = ?",
                arguments: [ending.rawValue, at, run.description]
            )
        }
    }

    package func entries(of run: RunID) throws(JournalError) -> [JournalEntry] {
        try reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM step WHERE run = ? ORDER BY rowid",
                arguments: [run.description]
            ).map { row in
                let verdict: Data? = row["verdict"]
                return JournalEntry(
                    step: StepID(row["step"]),
                    attempt: row["attempt"],
                    commands: try Self.decode(row["commands"]),
                    intendedAt: row["intendedAt"],
                    verdict: try verdict.map { try Self.decode($0) },
                    decidedAt: row["decidedAt"]
                )
            }
        }
    }

    private static func record(_ row: Row) throws -> RunRecord {
        let id: String = row["id"]
        guard let run = RunID(id) else {
            throw JournalError.unusable(path: "run '\(id)'", reason: "it is no run id")
        }
        let epoch: Int64 = row["epoch"]
        return RunRecord(
            id: run,
            plan: row["plan"],
            planDigest: row["planDigest"],
            startedAt: row["startedAt"],
            survey: try decode(row["survey"]),
            epoch: FencingEpoch(UInt64(epoch)),
            facts: try decode(row["facts"])
        )
    }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    private static func decode<Value: Decodable>(_ data: Data) throws -> Value {
        try JSONDecoder().decode(Value.self, from: data)
    }

    private func reading<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
        do { return try database.read(body) } catch {
            throw JournalIntegrity.failure(error, path)
        }
    }

    private func writing(_ body: (Database) throws -> Void) throws(JournalError) {
        do { try database.write(body) } catch {
            throw JournalIntegrity.failure(error, path)
        }
    }
}

extension StepVerdict {
    /// Hosts' own words are part of it.
    fileprivate var printable: StepVerdict {
        switch self {
        case .done(let observed): .done(observed: PrintableText(lines: observed).description)
        case .failed(let reason): .failed(reason: PrintableText(lines: reason).description)
        }
    }
}
