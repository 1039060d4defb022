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
