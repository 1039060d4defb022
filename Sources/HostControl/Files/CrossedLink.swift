/// A symbolic link on the way to a file, and who can have put it there.
struct CrossedLink {
    let path: String
    let link: FoundEntry
    /// The directory that it is in.
    let directory: FoundEntry
    /// Whether somebody else than root could have put it there, or another in its place.
    let isShared: Bool

    /// Why it must not be followed to what it leads to; nil when it may.
    ///
    /// The owner of a directory can give root's links other names, so in a directory that is not root's alone even
    /// root's links lead to nothing that only root may read.
    func objection(toLeadingTo end: FoundEntry) -> String? {
        guard link.isRoots else {
            if end.owner == link.owner { return nil }
            return
                "the symbolic link \(path) of user \(link.owner) leads to something of user \(end.owner)'s, and the "
                + "agent follows links only to what their owner owns: give the link to root (chown -h) in a directory "
                + "that is root's alone, or list the file itself under `files` in agent.yaml"
        }
        guard isShared, end.isRoots, !end.isOpen(to: directory.group) else { return nil }
        return
            "the symbolic link \(path) is root's, but others than root can move it, and it leads to something that "
            + "only root may read: let others read it, or give the link's directory to root"
    }
}
