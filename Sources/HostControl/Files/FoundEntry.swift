import Glibc
import SystemCalls

/// What a look at a file, a directory or a link itself finds.
struct FoundEntry: Sendable {
    let identity: FileIdentity
    let owner: UInt32
    let group: UInt32
    let mode: mode_t
    let links: Int

    init(_ found: stat) {
        identity = FileIdentity(found)
        owner = found.st_uid
        group = found.st_gid
        mode = found.st_mode
        links = Int(found.st_nlink)
    }

    var kind: mode_t { mode & S_IFMT }

    /// The same file, of the same owner, as it was judged.
    func isSame(as other: FoundEntry) -> Bool { identity == other.identity && owner == other.owner }

    /// The agent's own account counts as root: as released, it is.
    var isRoots: Bool { owner == 0 || owner == geteuid() }

    /// A directory in which nobody else can rename what is root's.
    var isRootsAlone: Bool { isRoots && (!isWritableByOthers || mode & S_ISVTX != 0) }

    /// Anybody but the owner, root's group aside.
    var isWritableByOthers: Bool { mode & 0o002 != 0 || mode & 0o020 != 0 && group != 0 }

    /// Whether accounts in this group, like all others, may read the file or enter the directory.
    func isOpen(to group: UInt32) -> Bool {
        let wanted: mode_t = kind == S_IFDIR ? 0o001 : 0o004
        return mode & wanted != 0 || mode & (wanted << 3) != 0 && self.group == group
    }
}

extension FoundEntry {
    /// Why a file in this directory must not be read or replaced though no link leads to it; nil when it may.
    ///
    /// Whoever can write to a directory can make hard links to files that he may not read, where the kernel lets him
    /// (`fs.protected_hardlinks=0`), and can rename what root has put there.
    func objection(toHolding file: FoundEntry, at path: String, isShared: Bool) -> String? {
        let isTheirs = file.owner == owner && !isRoots
        if file.links > 1, !isTheirs, !isRoots || isWritableByOthers {
            return
                "\(path) has other names (hard links) and belongs to user \(file.owner), while others than that user "
                + "can write to its directory: replace it by a copy of its own"
        }
        if isShared, file.isRoots, file.mode & 0o004 == 0, file.mode & 0o040 == 0 || file.group == 0 {
            return
                "\(path) may be read by root alone, while others than root can put files in its place: give it the "
                + "owner of its directory, or let its group read it"
        }
        return nil
    }
}
