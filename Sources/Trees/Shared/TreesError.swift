import Printable
package import ZooKeeperClient

/// Why an old copy was not sealed, unsealed, backed up, removed or restored.
package enum TreesError: Error, Hashable, Sendable {
    case zooKeeper(ZooKeeperError)
    case unusable(path: String, reason: String)
    case damaged(path: String, reason: String)
    case locked(path: String)
    /// It belongs to something else than what is asked for.
    case otherFile(path: String, reason: String)
    /// The server lets everybody do everything, whatever an ACL says.
    case skipsAccessLists(server: String)
    case superUser(server: String)
    case notProbed(server: String, ZooKeeperError)
    /// Somebody's session lives in what nobody should use.
    case inhabited(owners: [Inhabitant], nodes: Int)
    case unreadable(paths: [String], count: Int)
    /// Their ACLs are shown without their digests: what would be kept of them is not what they are.
    case masked(paths: [String], count: Int)
    /// Nobody keeps their owners from using them.
    case unsealed(paths: [String], count: Int, file: String)
    /// Somebody else's node is where the note is to be.
    case noteTaken(path: String)
    /// The node bears the seal, and the file does not know what it had before.
    case unknownSeal(path: String, file: String)
    case appeared(path: String)
    case changed(path: String, what: String)
    case tooMany(most: Int)
    case occupied(path: String)
}

extension TreesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .zooKeeper(let error): "\(error)"
        case .unusable(let path, let reason): "\(path) cannot be used: \(reason); nothing goes on without it"
        case .damaged(let path, let reason):
            "\(path) was damaged on the disk (\(reason)); nothing goes on with it: put back a copy of it"
        case .locked(let path): "\(path): another mitosis uses it; wait for it to end"
        case .otherFile(let path, let reason): "\(path): \(reason); name another file, or move this one away"
        case .skipsAccessLists(let server):
            "\(server) lets everybody do everything, whatever an ACL says (zookeeper.skipACL=yes): a seal would hold nobody "
                + "off. Nothing was changed; take that setting away on every server first"
        case .superUser(let server):
            "the credentials are a super user's on \(server): ACLs are not changed by force. Nothing was changed; give those "
                + "of the trees' own administrators with 'auth' in the plan, or --auth-file"
        case .notProbed(let server, let error):
            "whether \(server) goes by its ACLs cannot be seen (\(error)): a node of our own at / is needed for that. Nothing "
                + "was changed; give credentials that may create one with 'auth' in the plan, or --auth-file"
        case .inhabited(let owners, let nodes):
            "\(nodes) ephemeral nodes are there, so somebody lives there: "
                + owners.prefix(5).map { Self.shown($0.sentence) }.joined(separator: "; ")
                + (owners.count > 5 ? "; and \(owners.count - 5) sessions more" : "")
                + ". Nothing further was changed; move these clients first"
        case .unreadable(let paths, let count):
            "\(count) nodes may not be read: \(paths.map(Self.shown).joined(separator: ", ")). Nothing was changed; give "
                + "credentials that may, with 'auth' in the plan, or --auth-file"
        case .masked(let paths, let count):
            "the ACLs of \(count) nodes are shown without their digests, as these credentials may read and not administer "
                + "them: \(paths.map(Self.shown).joined(separator: ", ")). Put back so, nobody could administer them. Nothing was "
                + "removed; give credentials that have the admin right there, with 'auth' in the plan, or --auth-file"
        case .unsealed(let paths, let count, let file):
            "\(count) nodes could not be sealed, so their owners may still use them: "
                + "\(paths.map(Self.shown).joined(separator: ", ")) (\(file)). Nothing was removed; let `mitosis seal` seal them, with "
                + "credentials that have the admin right there ('auth' in the plan, or --auth-file), or let their owners remove them and seal again"
        case .noteTaken(let path):
            "\(Self.shown(path)) is somebody else's: the note on the move belongs there; see what it is, and remove it"
        case .unknownSeal(let path, let file):
            "\(Self.shown(path)) bears the seal, and \(file) does not know what it had before: put back the file that this "
                + "seal was begun with"
        case .appeared(let path):
            "\(Self.shown(path)) was not there before: somebody still writes there. Nothing further was done; see who it is"
        case .changed(let path, let what):
            "\(Self.shown(path)) has changed (\(what)): somebody still writes there. Nothing further was done; see who it is"
        case .tooMany(let most):
            "there are more than \(most) nodes, which is more than can be dealt with here"
        case .occupied(let path):
            "\(Self.shown(path)) is there already: a tree is restored only where nothing is; choose another place with --at"
        }
    }

    private static func shown(_ text: String) -> String { PrintableText(text, limit: 300).description }
}
