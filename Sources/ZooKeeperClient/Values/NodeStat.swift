internal import CZooKeeper
package import Topology

/// What ZooKeeper keeps about a node besides its data.
package struct NodeStat: Hashable, Sendable {
    /// The transaction that created the node: a new one means that the node was deleted and made again.
    package let czxid: Zxid
    package let mzxid: Zxid
    /// The last change of the list of children.
    package let pzxid: Zxid
    /// Milliseconds since 1970 by the server's clock.
    package let ctime: Int64
    package let mtime: Int64
    package let version: Int32
    package let childrenVersion: Int32
    package let aclVersion: Int32
    /// Nil when the node is not ephemeral.
    package let ephemeralOwner: SessionID?
    /// The same as the server keeps it: containers and times to live are marked in it.
    package let ownerField: Int64
    package let dataLength: Int
    package let childCount: Int
}

extension NodeStat {
    init(_ stat: Stat) {
        czxid = Zxid(UInt64(bitPattern: stat.czxid))
        mzxid = Zxid(UInt64(bitPattern: stat.mzxid))
        pzxid = Zxid(UInt64(bitPattern: stat.pzxid))
        ctime = stat.ctime
        mtime = stat.mtime
        version = stat.version
        childrenVersion = stat.cversion
        aclVersion = stat.aversion
        ownerField = stat.ephemeralOwner
        ephemeralOwner = Self.owner(stat.ephemeralOwner)
        dataLength = Int(stat.dataLength)
        childCount = Int(stat.numChildren)
    }

    /// Containers and nodes with a time to live are marked in the same field; they have no owner.
    private static func owner(_ field: Int64) -> SessionID? {
        let container = Int64.min
        let timeToLive = UInt64(bitPattern: field) >> 56 == 0xff
        return field == 0 || field == container || timeToLive ? nil : SessionID(field)
    }
}
