internal import CZooKeeper
internal import Glibc

/// Who may do what with a node.
package struct AccessList: Hashable, Sendable {
    package struct Permissions: OptionSet, Hashable, Sendable {
        package let rawValue: Int32

        package init(rawValue: Int32) { self.rawValue = rawValue }

        package static let read = Permissions(rawValue: 1)
        package static let write = Permissions(rawValue: 2)
        package static let create = Permissions(rawValue: 4)
        package static let delete = Permissions(rawValue: 8)
        package static let administer = Permissions(rawValue: 16)
        package static let all: Permissions = [.read, .write, .create, .delete, .administer]
    }

    package struct Entry: Hashable, Sendable {
        package let scheme: String
        package let identity: String
        package let permissions: Permissions

        package init(scheme: String, identity: String, permissions: Permissions) {
            self.scheme = scheme
            self.identity = identity
            self.permissions = permissions
        }
    }

    package let entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    package static let open = AccessList([.init(scheme: "world", identity: "anyone", permissions: .all)])
    package static let readable = AccessList([.init(scheme: "world", identity: "anyone", permissions: .read)])
    /// Everything for the identities that the session has authenticated as, nothing for others.
    package static let creatorAll = AccessList([.init(scheme: "auth", identity: "", permissions: .all)])

    /// A copy of the C form; empty for none.
    init(_ vector: ACL_vector?) {
        let listed = UnsafeBufferPointer(start: vector?.data, count: Int(max(0, vector?.count ?? 0)))
        entries = listed.map {
            Entry(
                scheme: $0.id.scheme.map { String(cString: $0) } ?? "",
                identity: $0.id.id.map { String(cString: $0) } ?? "",
                permissions: Permissions(rawValue: $0.perms)
            )
        }
    }

    /// The C form, valid during `body` only.
    func withVector<Result>(_ body: (UnsafePointer<ACL_vector>) -> Result) -> Result {
        var entries = entries.map {
            ACL(
                perms: $0.permissions.rawValue,
                id: CZooKeeper.Id(scheme: strdup($0.scheme), id: strdup($0.identity))
            )
        }
        defer {
            for entry in entries {
                free(entry.id.scheme)
                free(entry.id.id)
            }
        }
        return entries.withUnsafeMutableBufferPointer { buffer in
            var vector = ACL_vector(count: Int32(buffer.count), data: buffer.baseAddress)
            return withUnsafePointer(to: &vector, body)
        }
    }
}
