import ZooKeeperClient

/// What a seal makes of a node's ACL, and how an ACL stands in a file.
struct SealedAccess {
    /// The identity of the seal, as servers show it: `user:digest`.
    let identity: String

    private var owner: AccessList.Entry {
        AccessList.Entry(scheme: "digest", identity: identity, permissions: .all)
    }

    /// Whoever could read may go on reading; nobody but the seal's own identity may do anything else.
    ///
    /// Of the usual open list, world-read is left. A node that not everybody could read is not opened to them.
    func sealing(_ list: AccessList) -> AccessList {
        var entries: [AccessList.Entry] = []
        for entry in list.entries where entry.permissions.contains(.read) {
            let reading = AccessList.Entry(
                scheme: entry.scheme,
                identity: entry.identity,
                permissions: .read
            )
            if !entries.contains(reading) { entries.append(reading) }
        }
        return AccessList(entries + [owner])
    }

    func isOn(_ list: AccessList) -> Bool {
        list.entries.contains { $0.scheme == owner.scheme && $0.identity == identity }
    }
}

/// An ACL as lines of `permissions scheme identity`; percent signs and line feeds of an identity are escaped.
enum AccessText {
    /// Nil where the text that came from a server was not valid UTF-8: it could not be put back as it was.
    static func text(_ list: AccessList) -> String? {
        guard
            list.entries.allSatisfy({ !$0.identity.contains("\u{FFFD}") && !$0.scheme.contains("\u{FFFD}") })
        else { return nil }
        return list.entries.map { entry in
            let identity = entry.identity.replacing("%", with: "%25").replacing("\n", with: "%0A")
            return "\(entry.permissions.rawValue) \(entry.scheme) \(identity)"
        }
        .joined(separator: "\n")
    }

    static func list(_ text: String) -> AccessList? {
        var entries: [AccessList.Entry] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let permissions = Int32(parts[0]), (0...31).contains(permissions) else {
                return nil
            }
            let identity = parts[2].replacing("%0A", with: "\n").replacing("%25", with: "%")
            entries.append(
                .init(
                    scheme: String(parts[1]),
                    identity: String(identity),
                    permissions: .init(rawValue: permissions)
                )
            )
        }
        return AccessList(entries)
    }
}
