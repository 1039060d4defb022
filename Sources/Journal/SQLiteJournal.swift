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
    let path: String
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
                    SELECT * FROM run WHERE plan = ? AND (ending IS NULL OR ending NOT IN (?, ?))
                    ORDER BY EXISTS (SELECT 1 FROM step WHERE step.run = run.id AND commands <> CAST('[]' AS BLOB))
                    DESC, rowid DESC LIMIT 1
                    """,
                arguments: [name, RunEnding.finished.rawValue, RunEnding.withdrawn.rawValue]
            )
            return try row.map(Self.record)
        }
    }

    /// All runs, newest first, with how they ended (nil while under way, or after a crash).
    package func runs() throws(JournalError) -> [(record: RunRecord, ending: RunEnding?, endedAt: Int64?)] {
        try reading { database in
            try Row.fetchAll(database, sql: "SELECT * FROM run ORDER BY rowid DESC").map { row in
                let ending: String? = try row.optional("ending")
                return (
                    try Self.record(row), ending.flatMap(RunEnding.init(rawValue:)),
                    try row.optional("endedAt")
                )
            }
        }
    }

    package func begin(_ run: RunRecord) throws(JournalError) {
        try writing { database in try Self.insert(run, database) }
    }

    static func insert(_ run: RunRecord, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO run (id, plan, planDigest, startedAt, epoch, survey, facts)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                run.id.description, run.plan, run.planDigest, run.startedAt, try number(run.epoch),
                try encode(run.survey), try encode(run.facts),
            ]
        )
    }

    package func setEpoch(_ epoch: FencingEpoch, of run: RunID) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: "UPDATE run SET epoch = ?, ending = NULL, endedAt = NULL WHERE id = ?",
                arguments: [try Self.number(epoch), run.description]
            )
            try Self.append(.epoch(number: epoch), of: run, database)
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
            let commands = commands.map(\.withoutContent)
            try Self.append(
                .intent(step: step, attempt: attempt, commands: commands, at: at),
                of: run,
                database
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
        let verdict = verdict.printable
        try writing { database in
            try database.execute(
                sql: """
                    UPDATE step SET verdict = ?, decidedAt = ? WHERE run = ? AND step = ? AND attempt = ?
                    """,
                arguments: [
                    try Self.encode(verdict), at, run.description, step.description, attempt,
                ]
            )
            try Self.append(
                .verdict(step: step, attempt: attempt, verdict: verdict, at: at),
                of: run,
                database
            )
        }
    }

    package func remember(_ facts: RunFacts, of run: RunID) throws(JournalError) {
        try writing { database in
            let encoded = try Self.encode(facts)
            let before = try Data.fetchOne(
                database,
                sql: "SELECT facts FROM run WHERE id = ?",
                arguments: [run.description]
            )
            guard before != encoded else { return }
            try database.execute(
                sql: "UPDATE run SET facts = ? WHERE id = ?",
                arguments: [encoded, run.description]
            )
            try Self.append(.facts(facts: facts), of: run, database)
        }
    }

    package func end(_ run: RunID, _ ending: RunEnding, at: Int64) throws(JournalError) {
        try writing { database in
            try database.execute(
                sql: "UPDATE run SET ending = ?, endedAt = ? WHERE id = ?",
                arguments: [ending.rawValue, at, run.description]
            )
            try Self.append(.ended(ending: ending, at: at), of: run, database)
        }
    }

    package func entries(of run: RunID) throws(JournalError) -> [JournalEntry] {
        try reading { database in try Self.entries(of: run, database) }
    }

    static func entries(of run: RunID, _ database: Database) throws -> [JournalEntry] {
        try Row.fetchAll(
            database,
            sql: "SELECT * FROM step WHERE run = ? ORDER BY rowid",
            arguments: [run.description]
        ).map { row in
            let verdict: Data? = try row.optional("verdict")
            return JournalEntry(
                step: StepID(try row.value("step")),
                attempt: try row.value("attempt"),
                commands: try decode(row.value("commands")),
                intendedAt: try row.value("intendedAt"),
                verdict: try verdict.map { try decode($0) },
                decidedAt: try row.optional("decidedAt")
            )
        }
    }

    static func insert(_ entry: JournalEntry, of run: RunID, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO step (run, step, attempt, commands, intendedAt, verdict, decidedAt)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                run.description, entry.step.description, entry.attempt, try encode(entry.commands),
                entry.intendedAt, try entry.verdict.map { try encode($0) }, entry.decidedAt,
            ]
        )
    }

    static func record(_ row: Row) throws -> RunRecord {
        let id: String = try row.value("id")
        guard let run = RunID(id) else {
            throw JournalError.unusable(path: "run '\(id)'", reason: "it is no run id")
        }
        let number: Int64 = try row.value("epoch")
        guard let epoch = UInt64(exactly: number).map({ FencingEpoch($0) }), epoch <= .highest else {
            throw JournalError.unusable(path: "run '\(id)'", reason: "\(number) is no fencing epoch")
        }
        return RunRecord(
            id: run,
            plan: try row.value("plan"),
            planDigest: try row.value("planDigest"),
            startedAt: try row.value("startedAt"),
            survey: try decode(row.value("survey")),
            epoch: epoch,
            facts: try decode(row.value("facts"))
        )
    }

    private static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    private static func decode<Value: Decodable & Bounded>(_ data: Data) throws -> Value {
        try WireJSON.decode(from: data)
    }

    private static func number(_ epoch: FencingEpoch) throws -> Int64 {
        guard let number = Int64(exactly: epoch.value) else {
            throw JournalError.unusable(path: "epoch \(epoch)", reason: "it is no fencing epoch")
        }
        return number
    }

    func reading<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
        do { return try database.read(body) } catch {
            throw JournalIntegrity.failure(error, path)
        }
    }

    func writing(_ body: (Database) throws -> Void) throws(JournalError) {
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

extension Row {
    /// A journal that somebody else has written to may hold anything in a column; asking a row for what it does not hold
    /// ends the program.
    func value<Value: DatabaseValueConvertible>(_ column: String) throws -> Value {
        let stored: DatabaseValue = self[column]
        guard let value = Value.fromDatabaseValue(stored) else {
            throw JournalError.unusable(path: "column '\(column)'", reason: "it holds \(stored.storageKind)")
        }
        return value
    }

    func optional<Value: DatabaseValueConvertible>(_ column: String) throws -> Value? {
        let stored: DatabaseValue = self[column]
        guard !stored.isNull else { return nil }
        let value: Value = try value(column)
        return value
    }
}

extension DatabaseValue {
    fileprivate var storageKind: String {
        switch storage {
        case .null: "nothing"
        case .int64: "a number"
        case .double: "a fraction"
        case .string: "a text"
        case .blob: "bytes"
        }
    }
}
