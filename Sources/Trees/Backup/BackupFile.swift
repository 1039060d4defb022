import FoundationEssentials
import GRDB

/// Nodes with everything that ZooKeeper keeps of them, and how far they are removed.
///
/// docs/old-copies.md has the format.
package final class BackupFile: Sendable {
    private static let format = "mitosis backup 1"

    package enum Stage: String, Sendable {
        /// Not everything is in it yet: nothing was removed.
        case writing
        /// Everything was read a second time and is equal.
        case complete
        case removing
        case removed
    }

    /// How far a node is.
    package enum State: String, Sendable {
        case kept
        case removed
        /// It may not be removed, or something below it may not.
        case left
    }

    private let database: TreeDatabase

    package static func exists(_ path: String) -> Bool { TreeDatabase.exists(path) }

    /// One that is there, or an empty one.
    package init(_ path: String) throws(TreesError) {
        database = try TreeDatabase(
            path,
            schema: """
                CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
                CREATE TABLE IF NOT EXISTS node (
                    path TEXT PRIMARY KEY NOT NULL,
                    depth INTEGER NOT NULL,
                    data BLOB NOT NULL,
                    acl TEXT NOT NULL,
                    aversion INTEGER NOT NULL,
                    sealedAcl TEXT,
                    version INTEGER NOT NULL,
                    cversion INTEGER NOT NULL,
                    children INTEGER NOT NULL,
                    czxid INTEGER NOT NULL,
                    mzxid INTEGER NOT NULL,
                    ctime INTEGER NOT NULL,
                    mtime INTEGER NOT NULL,
                    owner INTEGER NOT NULL,
                    state TEXT NOT NULL
                );
                CREATE INDEX IF NOT EXISTS nodeByState ON node (state, depth, path);
                """
        )
        guard let format = try database.meta("format") else { return }
        guard format == Self.format else {
            throw .otherFile(path: path, reason: "it is no backup of this program's")
        }
    }

    package var path: String { database.path }

    /// Nil of an empty one.
    package var stage: Stage? {
        get throws(TreesError) { try database.meta("stage").flatMap(Stage.init(rawValue:)) }
    }

    package func enter(_ stage: Stage) throws(TreesError) {
        try database.setMeta(["stage": stage.rawValue])
    }

    /// What it is a backup of: run and side.
    package var subject: String? {
        get throws(TreesError) { try database.meta("subject") }
    }

    /// Begins anew: what an earlier attempt has written is dropped.
    package func begin(_ subject: String) throws(TreesError) {
        try database.writing { database in try database.execute(sql: "DELETE FROM node") }
        try database.setMeta(["format": Self.format, "subject": subject, "stage": Stage.writing.rawValue])
    }

    package func note(_ key: String) throws(TreesError) -> String? { try database.meta("note " + key) }

    package func setNote(_ key: String, _ value: String) throws(TreesError) {
        try database.setMeta(["note " + key: value])
    }

    package func count(_ state: State? = nil) throws(TreesError) -> Int {
        try database.reading { database in
            let (condition, arguments): (String, StatementArguments) =
                state.map { (" WHERE state = ?", [$0.rawValue]) } ?? ("", [])
            return try Int.fetchOne(
                database,
                sql: "SELECT COUNT(*) FROM node" + condition,
                arguments: arguments
            ) ?? 0
        }
    }

    package func listed(_ state: State, limit: Int = 20) throws(TreesError) -> [String] {
        try database.reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT path FROM node WHERE state = ? ORDER BY path LIMIT ?",
                arguments: [state.rawValue, limit]
            ).map { try $0.text("path") }
        }
    }

    /// Refuses what could not be put back: nodes that are still to be removed, and whose digests were not shown.
    func checkMasks() throws(TreesError) {
        let found = try database.reading { database in
            try Row.fetchAll(
                database,
                // A mask ends its line.
                sql: """
                    SELECT path, acl FROM node WHERE state = ? AND acl || char(10) LIKE '%:x' || char(10) || '%' ORDER BY path
                    """,
                arguments: [State.kept.rawValue]
            ).filter { AccessText.list(try $0.text("acl"))?.isMasked ?? true }.map { try $0.text("path") }
        }
        guard found.isEmpty else { throw .masked(paths: Array(found.prefix(5)), count: found.count) }
    }

    func add(_ nodes: [BackupNode]) throws(TreesError) {
        try database.writing { database in
            for node in nodes {
                try database.execute(
                    sql: """
                        INSERT INTO node (path, depth, data, acl, aversion, sealedAcl, version, cversion, children, czxid,
                            mzxid, ctime, mtime, owner, state)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        node.path, node.depth, node.data, node.access, node.accessVersion, node.sealedAccess,
                        node.version, node.childrenVersion, node.children, Int64(bitPattern: node.czxid),
                        Int64(bitPattern: node.mzxid), node.ctime, node.mtime, node.owner,
                        State.kept.rawValue,
                    ]
                )
            }
        }
    }

    /// In the order of their paths, from one on.
    func nodes(after path: String, limit: Int) throws(TreesError) -> [BackupNode] {
        try nodes("path > ? ORDER BY path", [path], limit)
    }

    /// Parents before their children.
    func nodes(depth: Int, after path: String, limit: Int) throws(TreesError) -> [BackupNode] {
        try nodes("depth = ? AND path > ? ORDER BY path", [depth, path], limit)
    }

    /// The deepest of those that are not removed: none of them is below another.
    func deepest(limit: Int) throws(TreesError) -> [BackupNode] {
        try nodes(
            "state = ? AND depth = (SELECT MAX(depth) FROM node WHERE state = ?) ORDER BY path",
            [State.kept.rawValue, State.kept.rawValue],
            limit
        )
    }

    func depths() throws(TreesError) -> [Int] {
        try database.reading { database in
            try Int.fetchAll(database, sql: "SELECT DISTINCT depth FROM node ORDER BY depth")
        }
    }

    /// Nodes whose parents are not in the file.
    package func roots() throws(TreesError) -> [String] {
        var roots: [String] = []
        for depth in try depths() {
            var last = ""
            while true {
                let nodes = try nodes(depth: depth, after: last, limit: 500)
                guard let end = nodes.last else { break }
                last = end.path
                roots += nodes.map(\.path).filter { path in !roots.contains { path.hasPrefix($0 + "/") } }
            }
            // Deeper ones that are roots as well are few, and found in the same way.
            guard roots.count <= 10_000 else { throw .tooMany(most: 10_000) }
        }
        return roots
    }

    func hasLeft(below path: String) throws(TreesError) -> Bool {
        try database.reading { database in
            try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM node WHERE state = ? AND path > ? AND path < ?)",
                // The character after the slash.
                arguments: [State.left.rawValue, path + "/", path + "0"]
            ) ?? false
        }
    }

    func mark(_ nodes: [(path: String, state: State)]) throws(TreesError) {
        guard !nodes.isEmpty else { return }
        try database.writing { database in
            for node in nodes {
                try database.execute(
                    sql: "UPDATE node SET state = ? WHERE path = ?",
                    arguments: [node.state.rawValue, node.path]
                )
            }
        }
    }

    private func nodes(
        _ condition: String,
        _ arguments: StatementArguments,
        _ limit: Int
    ) throws(TreesError) -> [BackupNode] {
        try database.reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM node WHERE \(condition) LIMIT \(limit)",
                arguments: arguments
            ).map { row in
                let sealed: DatabaseValue = row["sealedAcl"]
                return BackupNode(
                    path: try row.text("path"),
                    data: try row.value("data"),
                    access: try row.text("acl"),
                    accessVersion: try row.value("aversion"),
                    sealedAccess: String.fromDatabaseValue(sealed),
                    version: try row.value("version"),
                    childrenVersion: try row.value("cversion"),
                    children: try row.value("children"),
                    czxid: UInt64(bitPattern: try row.value("czxid") as Int64),
                    mzxid: UInt64(bitPattern: try row.value("mzxid") as Int64),
                    ctime: try row.value("ctime"),
                    mtime: try row.value("mtime"),
                    owner: try row.value("owner")
                )
            }
        }
    }
}
