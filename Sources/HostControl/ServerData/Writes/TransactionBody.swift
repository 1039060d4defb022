import ControlProtocol
import Topology

/// What a logged transaction does to nodes, in the forms of ZooKeeper 3.4 to 3.9.
///
/// The content of a record is a header (session 8 bytes, cxid 4, zxid 8, time 8, type 4), a body that depends on the
/// type, and, since 3.6, a digest. Every body that names a node begins with its path: a length of 4 bytes, and as many.
struct TransactionBody {
    enum Change: Hashable {
        case write(WritesReport.Kind)
        /// The ensemble's own: an ephemeral of a session that ended, a container or a node whose time was over.
        case expiry
    }

    private static let headerSize = 32

    let session: Int64
    /// Unix milliseconds.
    let time: Int64
    private let type: Int32
    private let body: ArraySlice<UInt8>

    /// Nil for what is too short for a header.
    init?(_ content: ArraySlice<UInt8>) {
        guard content.count >= Self.headerSize else { return nil }
        var header = JuteBytes(content)
        guard let session = header.long(), header.skip(12), let time = header.long(), let type = header.int()
        else { return nil }
        self.session = session
        self.time = time
        self.type = type
        body = header.rest
    }

    /// Tells every node that is changed; false when the form is not known, and what was told may not be all.
    func changes(_ found: (Change, ArraySlice<UInt8>) -> Void) -> Bool {
        Self.changes(type, body, canHoldOthers: true, found)
    }

    private static func changes(
        _ type: Int32,
        _ body: ArraySlice<UInt8>,
        canHoldOthers: Bool,
        _ found: (Change, ArraySlice<UInt8>) -> Void
    ) -> Bool {
        var bytes = JuteBytes(body)
        let change: Change
        switch type {
        // create, create2, createContainer, createTTL
        case 1, 15, 19, 21: change = .write(.create)
        case 2: change = .write(.delete)
        case 5: change = .write(.setData)
        case 7: change = .write(.setACL)
        // deleteContainer, which stands for nodes whose time is over as well
        case 20: change = .expiry
        // error, createSession, check, and reconfig, which is about ZooKeeper's own node
        case -1, -10, 13, 16: return true
        case -11:
            endSession(&bytes, found)
            return true
        // multi
        case 14:
            return canHoldOthers && several(bytes, found)
        case _: return false
        }
        guard let path = bytes.buffer(), !path.isEmpty else { return false }
        found(change, path)
        return true
    }

    /// One that failed keeps what came before the part that could not be done, which is an error in its place: a server
    /// then applies none of it.
    private static func several(
        _ bytes: JuteBytes,
        _ found: (Change, ArraySlice<UInt8>) -> Void
    ) -> Bool {
        var hasFailed = false
        let isKnown = parts(of: bytes) { type, _ in
            hasFailed = hasFailed || type == -1
            return true
        }
        guard isKnown else { return false }
        return hasFailed || parts(of: bytes) { changes($0, $1, canHoldOthers: false, found) }
    }

    /// Hands over each part until one is not taken; false then, and when there are fewer than are announced.
    private static func parts(of bytes: JuteBytes, _ take: (Int32, ArraySlice<UInt8>) -> Bool) -> Bool {
        var bytes = bytes
        guard let count = bytes.int(), count >= 0 else { return false }
        for _ in 0..<count {
            guard let type = bytes.int(), let part = bytes.buffer(), take(type, part) else { return false }
        }
        return true
    }

    /// Since 3.6 the nodes that ended with the session are named, unless that is switched off: what does not look
    /// like a list of paths is none.
    private static func endSession(
        _ bytes: inout JuteBytes,
        _ found: (Change, ArraySlice<UInt8>) -> Void
    ) {
        guard let count = bytes.int(), count > 0 else { return }
        for _ in 0..<count {
            guard let path = bytes.buffer(), path.first == UInt8(ascii: "/") else { return }
            found(.expiry, path)
        }
    }
}

/// Reads what ZooKeeper's serialisation has written, and never beyond its end.
private struct JuteBytes {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func skip(_ count: Int) -> Bool {
        guard rest.count >= count else { return false }
        rest = rest.dropFirst(count)
        return true
    }

    mutating func long() -> Int64? { integer(8).map { Int64(bitPattern: $0) } }

    mutating func int() -> Int32? { integer(4).map { Int32(truncatingIfNeeded: $0) } }

    /// A length and as many bytes; none for a length below zero, which stands for null.
    mutating func buffer() -> ArraySlice<UInt8>? {
        guard let length = int() else { return nil }
        guard length >= 0 else { return [] }
        let found = rest.prefix(Int(length))
        return skip(Int(length)) ? found : nil
    }

    private mutating func integer(_ count: Int) -> UInt64? {
        let bytes = rest.prefix(count)
        return skip(count) ? bytes.reduce(0) { $0 << 8 | UInt64($1) } : nil
    }
}
