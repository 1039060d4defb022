import ControlProtocol
import Foundation
import GRDB
import Procedure
import SystemCalls

/// Sees that a journal still holds what was written to it.
///
/// SQLite tells of pages that do not fit together. What is wrong within a value shows by each row's checksum, which triggers
/// keep (`JournalSchema`), so that whoever writes a row cannot forget it; what is missing, by their number.
enum JournalIntegrity {
    /// The checksum of values, also of their kinds: `1` and `'1'` have different ones.
    static let function = DatabaseFunction("mitosis_crc32c", pure: true) { (values: [DatabaseValue]) in
        var bytes: [UInt8] = []
        func append(_ kind: UInt8, _ content: [UInt8]) {
            bytes.append(kind)
            bytes += withUnsafeBytes(of: UInt64(content.count).littleEndian, Array.init)
            bytes += content
        }
        for value in values {
            switch value.storage {
            case .null: bytes.append(0)
            case .int64(let number): append(1, withUnsafeBytes(of: number.littleEndian, Array.init))
            case .double(let number):
                append(2, withUnsafeBytes(of: number.bitPattern.littleEndian, Array.init))
            case .string(let text): append(3, Array(text.utf8))
            case .blob(let data): append(4, Array(data))
            }
        }
        return Int64(CRC32C.sum(bytes))
    }

    static func checkPages(_ database: Database) throws -> String? {
        let found = try String.fetchAll(database, sql: "PRAGMA integrity_check(3)")
        return found == ["ok"] ? nil : found.joined(separator: "; ")
    }

    static func checkRows(_ database: Database) throws -> String? {
        let runs = try String.fetchAll(
            database,
            sql: "SELECT 'run ' || id FROM run WHERE sum IS NOT \(JournalSchema.runSum) LIMIT 3"
        )
        let steps = try String.fetchAll(
            database,
            sql: """
                SELECT 'step ' || step || ' of run ' || run || ', attempt ' || attempt FROM step
                WHERE sum IS NOT \(JournalSchema.stepSum) LIMIT 3
                """
        )
        let outputs = try String.fetchAll(
            database,
            sql: """
                SELECT 'what ' || step || ' of run ' || run || ' printed' FROM output
                WHERE sum IS NOT \(JournalSchema.outputSum) LIMIT 3
                """
        )
        let isComplete = try Bool.fetchOne(
            database,
            sql: """
                SELECT COUNT(*) = 1 AND SUM(runs) = (SELECT COUNT(*) FROM run)
                    AND SUM(steps) = (SELECT COUNT(*) FROM step NOT INDEXED) FROM tally
                """
        )
        guard isComplete == true else { return "there are fewer or more rows than were written" }
        let found = try runs + steps + outputs + checkChains(database)
        return found.isEmpty ? nil : "the checksum does not match: \(found.joined(separator: "; "))"
    }

    /// Chains whose entries do not continue one another.
    private static func checkChains(_ database: Database) throws -> [String] {
        var (heads, found): ([String: ChainHead], Set<String>) = ([:], [])
        let rows = try Row.fetchCursor(
            database,
            sql: "SELECT run, number, previous, content FROM chain ORDER BY run, number"
        )
        while let row = try rows.next() {
            let run: String = try row.value("run")
            let link = ChainLink(
                number: try row.value("number"),
                previous: try row.optional("previous"),
                content: try row.value("content")
            )
            if !link.follows(heads[run]) { found.insert("the chain of run \(run)") }
            heads[run] = link.head
        }
        return found.sorted()
    }

    /// What an error of SQLite means for the journal.
    static func failure(_ error: any Error, _ path: String) -> JournalError {
        switch error {
        case let error as JournalError: return error
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                return .damaged(path: path, reason: error.message ?? "\(error)")
            case _: return .unusable(path: path, reason: "\(error)")
            }
        case let error as DecodingError: return .damaged(path: path, reason: "\(error)")
        case _: return .unusable(path: path, reason: "\(error)")
        }
    }
}
