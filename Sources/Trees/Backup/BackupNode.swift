import FoundationEssentials
import Topology
import ZooKeeperClient

/// A node as a backup keeps it.
struct BackupNode: Hashable {
    let path: String
    let data: Data
    /// What it is to have when it is restored: before a seal, where it was sealed.
    let access: String
    let accessVersion: Int32
    /// What it had when it was read, where that is another.
    let sealedAccess: String?
    let version: Int32
    let childrenVersion: Int32
    let children: Int
    let czxid: UInt64
    let mzxid: UInt64
    let ctime: Int64
    let mtime: Int64
    /// Containers and times to live are marked in it.
    let owner: Int64

    var depth: Int { path.utf8.count { $0 == UInt8(ascii: "/") } }
    /// How many children were ever created: what numbers sequential nodes.
    var created: Int64 { (Int64(childrenVersion) + Int64(children)) / 2 }
    var isContainer: Bool { owner == Int64.min }
    var livesForATime: Bool { owner != 0 && !isContainer }
}

extension BackupNode {
    /// - Parameters:
    ///   - original: its ACL before a seal.
    ///   - isNoted: whether our note is one of its children.
    /// - Throws: when it could not be put back as it is.
    init(
        _ path: String,
        _ node: WholeNode,
        original: (access: AccessList, version: Int32)?,
        isNoted: Bool
    ) throws(TreesError) {
        guard let data = node.data, let list = node.access else {
            throw .unreadable(paths: [path], count: 1)
        }
        guard let seen = AccessText.text(list), !path.contains("\u{FFFD}") else {
            throw .changed(
                path: path,
                what: "its path or its ACL is not valid UTF-8, and could not be restored"
            )
        }
        let stat = node.stat
        self.path = path
        self.data = data
        access = original.flatMap { AccessText.text($0.access) } ?? seen
        accessVersion = original?.version ?? stat.aclVersion
        sealedAccess = original == nil ? nil : seen
        version = stat.version
        // Without the note's creation.
        childrenVersion = isNoted ? stat.childrenVersion - 1 : stat.childrenVersion
        children = isNoted ? stat.childCount - 1 : stat.childCount
        czxid = stat.czxid.value
        mzxid = stat.mzxid.value
        ctime = stat.ctime
        mtime = stat.mtime
        owner = stat.ownerField
    }

    /// Whether it is the same node with the same data, whatever became of its children.
    func isStill(_ stat: NodeStat) -> Bool {
        stat.czxid.value == czxid && stat.mzxid.value == mzxid && stat.version == version
    }
}
