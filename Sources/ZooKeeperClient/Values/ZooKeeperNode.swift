package import FoundationEssentials

/// A node's data with what ZooKeeper keeps about it, from one read.
package struct ZooKeeperNode: Hashable, Sendable {
    /// Empty as well when the node has none.
    package let data: Data
    package let stat: NodeStat
}

/// The names below a node, in ascending order, and the node's own stat, from one read.
package struct NodeChildren: Hashable, Sendable {
    package let names: [String]
    package let stat: NodeStat
}
