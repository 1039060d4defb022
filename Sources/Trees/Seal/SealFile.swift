import GRDB
package import Topology
package import ZooKeeperClient

/// What a seal has to remember: every node's ACL as it was, durable before it is changed.
package final class SealFile: Sendable {
    private static let format = "mitosis seal 1"
    private static let sessionKey = "session "
    private static let actedKey = "acted"

    /// How far a seal as a whole is.
    package enum Stage: String, Sendable {
        case begun
        case sealed
        case unsealing
    }

    /// How far a node is.
    package enum State: String, Sendable, CaseIterable {
        /// Known, and not touched yet.
        case found
        /// Its ACL is in the file; the seal may be on it or not.
        case saved
        case sealed
        /// The seal could not be put on it; it is as it was.
        case refused
        /// It was there and is no longer.
        case gone
        /// Its ACL is again what it was.
        case restored
        /// Somebody has changed its ACL since; it was left so.
        case changed
    }

    /// A node's ACL as it was before the seal.
    struct Saved {
        let path: String
        let access: AccessList
        let version: Int32
        let state: State
    }

    private let database: TreeDatabase
    package let run: String
    package let trees: [String]

    package static func exists(_ path: String) -> Bool { TreeDatabase.exists(path) }

    /// The file of this run's seal; one is begun where there is none.
    package init(_ path: String, run: String, trees: [String]) throws(TreesError) {
        database = try TreeDatabase(
            path,
            schema: """
                CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
                CREATE TABLE IF NOT EXISTS node (
                    path TEXT PRIMARY KEY NOT NULL,
                    rank INTEGER NOT NULL,
                    state TEXT NOT NULL,
                    acl TEXT,
                    aversion INTEGER,
                    note TEXT
                );
                CREATE INDEX IF NOT EXISTS nodeByState ON node (state, rank, path);
                """
        )
        self.run = run
        guard let format = try database.meta("format") else {
            self.trees = trees
            try database.setMeta([
                "format": Self.format, "run": run, "trees": trees.joined(separator: "\n"),
                "stage": Stage.begun.rawValue,
            ])
            return
        }
        guard format == Self.format, try database.meta("run") == run else {
            throw .otherFile(path: path, reason: "it is not the seal of run \(run)")
        }
        self.trees = try database.meta("trees")?.split(separator: "\n").map(String.init) ?? []
    }

    package var path: String { database.path }

    package var stage: Stage {
        get throws(TreesError) {
            guard let stage = try database.meta("stage").flatMap(Stage.init(rawValue:)) else {
                throw .damaged(path: path, reason: "it does not say how far the seal is")
            }
            return stage
        }
    }

    package func enter(_ stage: Stage) throws(TreesError) {
        try database.setMeta(["stage": stage.rawValue])
    }

    /// The identity that is on sealed nodes, once it is known.
    package var identity: String? {
        get throws(TreesError) { try database.meta("identity") }
    }

    package func setIdentity(_ identity: String) throws(TreesError) {
        try database.setMeta(["identity": identity])
    }

    /// The command that writes in a session, durable when it returns: who asks later what was written can tell it apart.
    package func note(_ session: SessionID, of command: String) throws(TreesError) {
        try database.setMeta([Self.sessionKey + session.description: command])
    }

    /// Such sessions by their commands, of a file that others may be using; none where there is no file.
    package static func sessions(in path: String) throws(TreesError) -> [SessionNumber: String] {
        var sessions: [SessionNumber: String] = [:]
        for (key, command) in try TreeDatabase.meta(of: path, prefix: sessionKey) {
            guard let session = SessionNumber(hexadecimal: key.dropFirst(sessionKey.count)) else { continue }
            sessions[session] = command
        }
        return sessions
    }

    package func counts() throws(TreesError) -> [State: Int] {
        try database.reading { database in
            var counts: [State: Int] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT state, COUNT(*) AS n FROM node GROUP BY state"
            )
            while let row = try rows.next() {
                guard let state = State(rawValue: try row.text("state")) else { continue }
                counts[state] = try row.value("n")
            }
            return counts
        }
    }

    /// From here on the ensemble may be changed.
    func noteActing() throws(TreesError) { try database.setMeta([Self.actedKey: "yes"]) }

    /// Whether any node may bear the seal, or a note may be there.
    package var hasActed: Bool {
        get throws(TreesError) {
            if try database.meta(Self.actedKey) != nil { return true }
            let counts = try counts()
            return [State.saved, .sealed].contains { counts[$0] != nil }
        }
    }

    /// Refuses while there are nodes that could not be sealed.
    package func checkNoneRefused() throws(TreesError) {
        guard let count = try counts()[.refused] else { return }
        throw .unsealed(paths: try listed(.refused, limit: 5), count: count, file: path)
    }

    /// Nodes that could not be sealed are tried again; until they are decided, the seal is not whole.
    func retryRefused() throws(TreesError) {
        guard try counts()[.refused] != nil else { return }
        try enter(.begun)
        try database.writing { database in
            try database.execute(
                sql: "UPDATE node SET state = ?, note = NULL WHERE state = ?",
                arguments: [State.found.rawValue, State.refused.rawValue]
            )
        }
    }

    /// The first nodes in a state, with why they are in it.
    package func listed(_ state: State, limit: Int = 20) throws(TreesError) -> [String] {
        try database.reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT path, note FROM node WHERE state = ? ORDER BY rank, path LIMIT ?",
                arguments: [state.rawValue, limit]
            ).map { row in
                let stored: DatabaseValue = row["note"]
                let note = String.fromDatabaseValue(stored)
                return try row.text("path") + (note.map { ": \($0)" } ?? "")
            }
        }
    }

    /// Adds nodes that are not known; those that are known stay as they are.
    func find(_ nodes: [(path: String, rank: Int)]) throws(TreesError) {
        try database.writing { database in
            for node in nodes {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO node (path, rank, state) VALUES (?, ?, ?)",
                    arguments: [node.path, node.rank, State.found.rawValue]
                )
            }
        }
    }

    func state(of path: String) throws(TreesError) -> State? {
        try database.reading { database in
            try Row.fetchOne(database, sql: "SELECT state FROM node WHERE path = ?", arguments: [path])
                .flatMap { State(rawValue: try $0.text("state")) }
        }
    }

    /// Whether the node's ACL is known: it bears the seal only where it is.
    func knows(_ path: String) throws(TreesError) -> Bool {
        try database.reading { database in
            try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM node WHERE path = ? AND acl IS NOT NULL)",
                arguments: [path]
            ) ?? false
        }
    }

    /// Nodes that were not sealed the last time that anybody looked, and whose ACL is known all the same.
    func undecided(after path: String, limit: Int) throws(TreesError) -> [String] {
        try database.reading { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT path FROM node WHERE state = ? AND acl IS NOT NULL AND path > ? ORDER BY path LIMIT ?
                    """,
                arguments: [State.found.rawValue, path, limit]
            ).map { try $0.text("path") }
        }
    }

    /// The next nodes to be sealed.
    func next(_ count: Int) throws(TreesError) -> [String] {
        try database.reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT path FROM node WHERE state = ? ORDER BY rank, path LIMIT ?",
                arguments: [State.found.rawValue, count]
            ).map { try $0.text("path") }
        }
    }

    /// Nodes that may bear the seal; the last to be sealed first.
    func saved(_ states: [State], except: [String] = [], only: [String]? = nil, limit: Int = 1000)
        throws(TreesError) -> [Saved]
    {
        let marks = states.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        let names = only ?? except
        let places = names.map { _ in "?" }.joined(separator: ", ")
        let sql = """
            SELECT path, acl, aversion, state FROM node
            WHERE state IN (\(marks)) AND path \(only == nil ? "NOT IN" : "IN") (\(places))
            ORDER BY rank DESC, path DESC LIMIT \(limit)
            """
        return try database.reading { database in
            try Row.fetchAll(database, sql: sql, arguments: StatementArguments(names)).map { row in
                let path = try row.text("path")
                guard let list = AccessText.list(try row.text("acl")),
                    let state = State(rawValue: try row.text("state"))
                else { throw TreesError.damaged(path: self.path, reason: "the ACL of \(path)") }
                return Saved(path: path, access: list, version: try row.value("aversion"), state: state)
            }
        }
    }

    /// The ACLs of nodes before the seal, by path.
    package func original(_ paths: [String]) throws(TreesError) -> [String: (
        access: AccessList, version: Int32
    )] {
        var found: [String: (access: AccessList, version: Int32)] = [:]
        for node in try saved([.saved, .sealed], only: paths, limit: paths.count) {
            found[node.path] = (node.access, node.version)
        }
        return found
    }

    /// Durable when it returns.
    func save(_ nodes: [(path: String, acl: String, version: Int32)]) throws(TreesError) {
        guard !nodes.isEmpty else { return }
        try database.writing { database in
            for node in nodes {
                try database.execute(
                    sql: "UPDATE node SET state = ?, acl = ?, aversion = ?, note = NULL WHERE path = ?",
                    arguments: [State.saved.rawValue, node.acl, node.version, node.path]
                )
            }
        }
    }

    func mark(_ nodes: [(path: String, state: State, note: String?)]) throws(TreesError) {
        guard !nodes.isEmpty else { return }
        try database.writing { database in
            for node in nodes {
                try database.execute(
                    sql: "UPDATE node SET state = ?, note = ? WHERE path = ?",
                    arguments: [node.state.rawValue, node.note, node.path]
                )
            }
        }
    }

    /// The seal is over: the file stays beside, for whoever asks what was.
    package func putAside(at milliseconds: Int64) throws(TreesError) -> String {
        let other = "\(path).unsealed-\(milliseconds)"
        try database.rename(to: other)
        return other
    }
}
