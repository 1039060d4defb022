import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Topology

/// A server's configuration file as it is now.
struct ServerConfigFile {
    let path: String
    let state: FileState
    /// Nil when the file is absent or not what ZooKeeper would accept.
    let configuration: ZooConfiguration?
    /// Why the file could not be used, other than being absent.
    let problem: FaultText?
    /// Unix nanoseconds of the last change of the file or of any link on the way to it.
    let changedAt: Int64?

    /// Reads `path` when it is, or leads to the same file as, one of `allowed`: the path comes from a process of
    /// another account.
    static func read(_ path: String, allowed: Set<String>) -> ServerConfigFile {
        if allowed.contains(path) { return read(path, listed: allowed) { _ in true } }
        return read(path, listed: allowed) { identity in
            // What was read decides, not what the path leads to in another moment.
            identity.map { identity in allowed.contains { Self.identity(of: $0, allowed) == identity } }
                ?? false
        }
    }

    private static func identity(of path: String, _ listed: Set<String>) -> FileIdentity? {
        do throws(FileError) { return try PathWalk.end(of: path, listed: listed).found?.identity } catch {
            return nil
        }
    }

    private static func notAllowed(_ path: String) -> ServerConfigFile {
        unusable(path, "the server reads \(path), which is not among the agent's files; allow it there")
    }

    static func unusable(_ path: String, _ problem: String) -> ServerConfigFile {
        ServerConfigFile(
            path: path,
            state: FileInspection.absent(path, link: nil),
            configuration: nil,
            problem: FaultText(problem),
            changedAt: nil
        )
    }

    private static func read(
        _ path: String,
        listed: Set<String>,
        isAllowed: (FileIdentity?) -> Bool
    ) -> ServerConfigFile {
        do throws(FileError) {
            // The time first: a change after this look then counts as a change.
            let changedAt = lastChange(on: path)
            let found = try FileInspection.read(path, listed: listed)
            guard isAllowed(found.identity) else { return notAllowed(path) }
            guard let content = found.content else {
                return ServerConfigFile(
                    path: path,
                    state: found.state,
                    configuration: nil,
                    problem: nil,
                    changedAt: nil
                )
            }
            let unchanged = changedAt == lastChange(on: path)
            do throws(ZooConfigurationError) {
                return ServerConfigFile(
                    path: path,
                    state: found.state,
                    configuration: try ZooConfiguration(content),
                    problem: nil,
                    changedAt: unchanged ? changedAt : nil
                )
            } catch {
                return ServerConfigFile(
                    path: path,
                    state: found.state,
                    configuration: nil,
                    problem: FaultText(
                        whole: "\(path), \(error)",
                        shown: "\(path), \(error.withoutContent)"
                    ),
                    changedAt: changedAt
                )
            }
        } catch {
            return isAllowed(nil) ? unusable(path, error.description) : notAllowed(path)
        }
    }

    /// Of the file itself, and of every symbolic link among the components of its path.
    private static func lastChange(on path: String) -> Int64? {
        var found = stat()
        guard stat(path, &found) == 0 else { return nil }
        var latest = nanoseconds(found.st_ctim)
        var current = path
        while current != "/", current != "." {
            guard lstat(current, &found) == 0 else { return nil }
            if found.st_mode & S_IFMT == S_IFLNK { latest = max(latest, nanoseconds(found.st_ctim)) }
            current = AtomicFile.directory(of: current)
        }
        return latest
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec).times(saturating: 1_000_000_000).plus(saturating: Int64(time.tv_nsec))
    }
}

extension ZooConfiguration {
    /// Where to ask the server: the port that its own server line names, or the file's.
    ///
    /// A name is looked up by the caller; nil when the file opens no plain client port.
    func clientEndpoint(of myid: Int?) -> (address: String?, port: Port)? {
        clientEndpoint(of: myid.flatMap { ServerID($0) }).map { ($0.address, $0.port) }
    }

    var peerPorts: Set<Port> {
        Set(members.flatMap { [$0.quorumPort, $0.electionPort] } + [observerMasterPort].compactMap { $0 })
    }
}
