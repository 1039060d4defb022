import Foundation
import GRDB
import Glibc
import SystemCalls

/// A file of ours in SQLite, its owner's alone; what is written to it is on the disk when the call returns.
///
/// One process at a time: a file beside it is locked as long as the value lives.
final class TreeDatabase: Sendable {
    let path: String
    private let queue: DatabaseQueue
    private let lock: FileLock

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Tables of every file of ours; a file with others is somebody else's, and is not written to.
    private static let tables: Set = ["meta", "node"]

    /// - Parameter schema: what makes its tables, where there are none.
    init(_ path: String, schema: String) throws(TreesError) {
        self.path = path
        // Before anything is put beside it.
        guard try Self.mayBeOurs(path) else {
            throw .otherFile(path: path, reason: "it is no file of SQLite's, as this program writes them")
        }
        lock = try Self.lock(path)
        let isNew = try Self.create(path)
        do {
            var configuration = Configuration()
            // Somebody may look into it meanwhile.
            configuration.busyMode = .timeout(30)
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let found = try queue.read { try String.fetchAll($0, sql: "PRAGMA quick_check(3)") }
            guard found == ["ok"] else {
                throw TreesError.damaged(path: path, reason: found.joined(separator: "; "))
            }
            let tables = try queue.read {
                try String.fetchSet($0, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            guard tables.subtracting(Self.tables).isEmpty else {
                throw TreesError.otherFile(path: path, reason: "it holds something else")
            }
            if tables.isEmpty { try queue.write { try $0.execute(sql: schema) } }
            if isNew { try DurableFile.flushDirectory(of: path) }
        } catch {
            throw Self.failure(error, path)
        }
    }

    /// By its first bytes; one that is not there, or is empty, can become ours.
    private static func mayBeOurs(_ path: String) throws(TreesError) -> Bool {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .unusable(path: path, reason: systemReason()) }
            return true
        }
        defer { close(descriptor) }
        let mark = Array("SQLite format 3\0".utf8)
        var found = [UInt8](repeating: 0, count: mark.count)
        let count = Glibc.read(descriptor, &found, found.count)
        guard count >= 0 else { throw .unusable(path: path, reason: systemReason()) }
        return count == 0 || found == mark
    }

    private static func lock(_ path: String) throws(TreesError) -> FileLock {
        do throws(FileLock.Failure) { return try FileLock(path + ".lock", whenHeld: .refuse) } catch {
            switch error {
            case .unopened(let code), .unlockable(let code):
                throw .unusable(path: path + ".lock", reason: systemReason(code))
            case .held: throw .locked(path: path)
            }
        }
    }

    private static func create(_ path: String) throws(TreesError) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return true
        }
        guard errno == EEXIST else { throw .unusable(path: path, reason: systemReason()) }
        return false
    }

    func reading<Value>(_ body: (Database) throws -> Value) throws(TreesError) -> Value {
        do { return try queue.read(body) } catch { throw Self.failure(error, path) }
    }

    func writing<Value>(_ body: (Database) throws -> Value) throws(TreesError) -> Value {
        do { return try queue.write(body) } catch { throw Self.failure(error, path) }
    }

    /// Gives the file another name; nothing is to be done with it afterwards.
    func rename(to other: String) throws(TreesError) {
        do {
            try queue.close()
        } catch {
            throw Self.failure(error, path)
        }
        guard Glibc.rename(path, other) == 0 else { throw .unusable(path: path, reason: systemReason()) }
        do throws(SystemCallError) { try DurableFile.flushDirectory(of: path) } catch {
            throw .unusable(path: path, reason: error.reason)
        }
    }

    func meta(_ key: String) throws(TreesError) -> String? {
        try reading { database in
            try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
                .map { try $0.text("value") }
        }
    }

    /// What a file of ours has under keys of one kind, while another process may be using it; nothing where there is none.
    static func meta(of path: String, prefix: String) throws(TreesError) -> [String: String] {
        guard exists(path) else { return [:] }
        guard try mayBeOurs(path) else {
            throw .otherFile(path: path, reason: "it is no file of SQLite's, as this program writes them")
        }
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(30)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let rows = try queue.read { database in
                guard try database.tableExists("meta") else { return [Row]() }
                return try Row.fetchAll(database, sql: "SELECT key, value FROM meta")
            }
            var found: [String: String] = [:]
            for row in rows where try row.text("key").hasPrefix(prefix) {
                found[try row.text("key")] = try row.text("value")
            }
            return found
        } catch {
            throw failure(error, path)
        }
    }

    func setMeta(_ values: [String: String]) throws(TreesError) {
        try writing { database in
            for (key, value) in values {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
                    arguments: [key, value]
                )
            }
        }
    }

    private static func failure(_ error: any Error, _ path: String) -> TreesError {
        switch error {
        case let error as TreesError: return error
        case let error as SystemCallError: return .unusable(path: path, reason: error.reason)
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                return .damaged(path: path, reason: error.message ?? "\(error)")
            case _: return .unusable(path: path, reason: "\(error)")
            }
        case _: return .unusable(path: path, reason: "\(error)")
        }
    }
}

extension Row {
    /// A file that somebody else has written to may hold anything in a column.
    func value<Value: DatabaseValueConvertible>(_ column: String) throws -> Value {
        let stored: DatabaseValue = self[column]
        guard let value = Value.fromDatabaseValue(stored) else {
            throw TreesError.damaged(path: "the file", reason: "column '\(column)' holds something else")
        }
        return value
    }

    func text(_ column: String) throws -> String { try value(column) }
}
