import ZooKeeperClient

/// What is compared of a node, in the order in which it is told.
package enum NodeField: String, Hashable, Sendable, Codable, CaseIterable {
    case data
    case version
    case accessList = "ACL"
    case accessVersion = "ACL version"
    case ephemeralOwner = "ephemeral owner"
    case children = "number of children"
    case childrenVersion = "cversion"
    /// How many children were ever created: what numbers sequential nodes.
    case sequence = "sequence counter"
    case creation = "creation"
    case modification = "modification"
    case childrenModification = "pzxid"

    /// What a field shows; data itself, which may be a secret, is not shown.
    func text(_ node: WholeNode) -> String {
        let stat = node.stat
        return switch self {
        case .data: "\(stat.dataLength) bytes"
        case .version: "\(stat.version)"
        case .accessList: node.access?.text ?? "not readable"
        case .accessVersion: "\(stat.aclVersion)"
        case .ephemeralOwner: stat.ownerField == 0 ? "none" : "\(SessionID(stat.ownerField))"
        case .children: "\(stat.childCount)"
        case .childrenVersion: "\(stat.childrenVersion)"
        case .sequence: "\(node.created)"
        case .creation: "\(stat.czxid) at \(stat.ctime)"
        case .modification: "\(stat.mzxid) at \(stat.mtime)"
        case .childrenModification: "\(stat.pzxid)"
        }
    }

    /// Alike as far as both could be read.
    func isAlike(_ left: WholeNode, _ right: WholeNode) -> Bool {
        let (a, b) = (left.stat, right.stat)
        return switch self {
        case .data:
            left.data == nil || right.data == nil ? a.dataLength == b.dataLength : left.data == right.data
        case .version: a.version == b.version
        case .accessList: left.access == nil || right.access == nil || left.access == right.access
        case .accessVersion: a.aclVersion == b.aclVersion
        case .ephemeralOwner: a.ownerField == b.ownerField
        case .children: a.childCount == b.childCount
        case .childrenVersion: a.childrenVersion == b.childrenVersion
        case .sequence: left.created == right.created
        case .creation: a.czxid == b.czxid && a.ctime == b.ctime
        case .modification: a.mzxid == b.mzxid && a.mtime == b.mtime
        case .childrenModification: a.pzxid == b.pzxid
        }
    }

    /// What nobody can give to a node that is made anew.
    package static let unrestorable: Set<NodeField> = [
        .creation, .modification, .childrenModification, .accessVersion,
    ]

    /// Which transaction id dates a change of the field; an ACL's change leaves none.
    enum Dating {
        case byCreation
        case byModification
        case byChildren
        case undated
    }

    var dating: Dating {
        switch self {
        case .data, .version, .modification: .byModification
        case .children, .childrenVersion, .sequence, .childrenModification: .byChildren
        case .creation, .ephemeralOwner: .byCreation
        case .accessList, .accessVersion: .undated
        }
    }
}

/// One field in which a node differs, with what is seen on either.
package struct FieldDifference: Hashable, Sendable, Codable {
    package let field: NodeField
    package let seen: String
    package let against: String

    static func fields(
        _ seen: WholeNode,
        _ against: WholeNode,
        ignoring ignored: Set<NodeField>
    ) -> [NodeField] {
        NodeField.allCases.filter { !ignored.contains($0) && !$0.isAlike(seen, against) }
    }

    static func between(
        _ seen: WholeNode,
        _ against: WholeNode,
        ignoring ignored: Set<NodeField>
    ) -> [FieldDifference] {
        fields(seen, against, ignoring: ignored)
            .map { field in
                var text = field.text(seen)
                if field == .data, let left = seen.data, let right = against.data {
                    let common = zip(left, right).prefix { $0 == $1 }
                    text += ", first difference at byte \(common.reduce(into: 0) { count, _ in count += 1 })"
                }
                return FieldDifference(field: field, seen: text, against: field.text(against))
            }
    }
}

extension WholeNode {
    /// How many children were ever created: servers tell creations and deletions together as `cversion`.
    var created: Int64 { (Int64(stat.childrenVersion) + Int64(stat.childCount)) / 2 }
}

extension AccessList {
    fileprivate var text: String {
        entries.map { "\($0.scheme):\($0.identity):\($0.permissions.letters)" }.joined(separator: ", ")
    }
}

extension AccessList.Permissions {
    /// As ZooKeeper's own shell shows them.
    fileprivate var letters: String {
        let known: [(AccessList.Permissions, String)] = [
            (.create, "c"), (.delete, "d"), (.read, "r"), (.write, "w"), (.administer, "a"),
        ]
        return known.filter { contains($0.0) }.map(\.1).joined()
    }
}
