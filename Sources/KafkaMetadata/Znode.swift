package import FoundationEssentials
package import Topology

/// A node of ZooKeeper's tree as it was read.
package struct Znode: Hashable, Sendable {
    package let data: Data
    /// The transaction that created it; a newer one means that it went and came back.
    package let czxid: Zxid
    /// Nil when it is not ephemeral.
    package let ephemeralOwner: SessionNumber?

    package init(data: Data, czxid: Zxid, ephemeralOwner: SessionNumber?) {
        self.data = data
        self.czxid = czxid
        self.ephemeralOwner = ephemeralOwner
    }
}

/// A ZooKeeper session, as servers print it.
package struct SessionNumber: Hashable, Sendable, CustomStringConvertible {
    package let value: Int64

    package init(_ value: Int64) { self.value = value }

    package var description: String { "0x" + String(UInt64(bitPattern: value), radix: 16) }

    /// The server that the session was opened at: servers put their id into the highest byte.
    ///
    /// It stays when the client moves to another server, so that it tells which list of servers the client
    /// had when it opened the session.
    package var origin: ServerID? { ServerID(Int(UInt64(bitPattern: value) >> 56)) }
}
