import Glibc

/// Whose files a program believes: root's, its own user's and, under sudo, those of the user who called sudo.
///
/// What others could have written is no setting, no key and no authority.
package struct TrustedOwners: Hashable, Sendable {
    private let users: Set<UInt32>

    /// For a daemon: root and the user that it runs as.
    package static let daemon = TrustedOwners(users: [0, geteuid()])

    /// For a program that an operator starts.
    ///
    /// sudo itself sets `SUDO_UID`; whoever could set it for a root shell is root already.
    package static let `operator` = TrustedOwners(operating: geteuid(), sudo: Self.variable("SUDO_UID"))

    private init(users: Set<UInt32>) { self.users = users }

    package init(operating user: UInt32, sudo: String?) {
        let caller = user == 0 ? sudo.flatMap(UInt32.init) : nil
        self.init(users: Set([0, user] + (caller.map { [$0] } ?? [])))
    }

    /// Why a file that was read is not to be believed; nil when it is.
    package func objection(to path: String, _ file: BoundedFile) -> String? {
        objection(to: path, owner: file.status.st_uid, mode: file.status.st_mode, isShared: false)
    }

    /// Why others could put another file in the place of `path`; nil when they cannot, or the folder cannot be looked at.
    ///
    /// In a folder such as /tmp (sticky) nobody moves another's files.
    package func objection(toFolderOf path: String) -> String? {
        let end = path.lastIndex(of: "/")
        let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var found = stat()
        guard stat(folder, &found) == 0 else { return nil }
        let isSticky = found.st_mode & S_ISVTX != 0
        return objection(to: folder, owner: found.st_uid, mode: found.st_mode, isShared: isSticky)
    }

    private func objection(to path: String, owner: UInt32, mode: UInt32, isShared: Bool) -> String? {
        guard users.contains(owner) else {
            return
                "\(path) belongs to user \(owner); it must belong to root or to the user who runs this program "
                + "(chown root \(path))"
        }
        guard isShared || mode & 0o022 == 0 else {
            let shown = String(mode & 0o7777, radix: 8)
            return "\(path) can be written by others (mode \(shown)); take that away with chmod go-w \(path)"
        }
        return nil
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
