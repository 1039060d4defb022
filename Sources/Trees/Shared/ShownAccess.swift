import ZooKeeperClient

/// Servers from 3.4.14 and 3.5.5 on show digests as `user:x` to a session that may read an ACL and not administer the node.
extension AccessList {
    /// Whether an entry stands for another that is not shown: set so, nobody would have its rights any more.
    var isMasked: Bool { entries.contains(where: \.isMasked) }

    /// Whether a server may show this list as the other one.
    func isShown(as shown: AccessList) -> Bool {
        entries.count == shown.entries.count
            && zip(entries, shown.entries).allSatisfy { $0 == $1 || $0.masked == $1 }
    }
}

extension AccessList.Entry {
    fileprivate var isMasked: Bool { scheme == "digest" && identity.hasSuffix(":x") }

    fileprivate var masked: AccessList.Entry {
        guard scheme == "digest" else { return self }
        return AccessList.Entry(
            scheme: scheme,
            identity: identity.prefix { $0 != ":" } + ":x",
            permissions: permissions
        )
    }
}
