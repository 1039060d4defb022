package import ControlProtocol
import Glibc
import SystemCalls

/// Whether the agent can do at a path what it may be asked to: its own sandbox (systemd's, a container's) may hide
/// directories, or let it read alone.
///
/// A hidden directory looks like an absent or an empty one, which must never be believed: what the agent sees is compared
/// with what the host's first process sees under the same name, and the server's own process.
package final class ReachLook: Sendable {
    private static let patience = Duration.seconds(5)
    private let look = SharedLook<[PathReach]>()
    private let files: [String]

    /// `files`: the listed ones.
    package init(files: [String]) { self.files = files }

    /// - Parameters:
    ///   - directories: of the server's data; one that exists nowhere is no problem here.
    ///   - process: the server's, when it runs.
    package func reach(directories: [String], process: Int32?) async -> [PathReach] {
        let files = files
        let found = await look.value(within: Self.patience) {
            let listed = Set(files)
            return files.map { PathReach(path: $0, fault: Self.problem(ofFile: $0, listed, process)) }
                + directories.map { PathReach(path: $0, fault: Self.problem(ofDirectory: $0, process)) }
        }
        return found
            ?? (files + directories).map {
                PathReach(path: $0, fault: FaultText("the disk did not answer within 5 s"))
            }
    }

    static func problem(ofFile path: String, _ listed: Set<String>, _ process: Int32?) -> FaultText? {
        do throws(FileError) {
            let end = try PathWalk.end(of: path, listed: listed)
            guard let place = end.place else { return nil }
            let directory = AtomicFile.directory(of: end.canonical)
            if let problem = problem(of: place.directory, directory, process) {
                return told(problem, directory, of: path, at: AtomicFile.directory(of: path))
            }
            return problem(seeing: end.found?.identity, end.canonical, process)
                .map { told($0, end.canonical, of: path, at: path) }
        } catch .unavailable(_, _, code: ENOENT) {
            return FaultText(problem(seeing: nil, path, process) ?? "its directory does not exist")
        } catch {
            return FaultText(error.description)
        }
    }

    static func problem(ofDirectory path: String, _ process: Int32?) -> FaultText? {
        do throws(FileError) {
            let (descriptor, canonical) = try PathWalk.directory(path)
            return problem(of: try OpenDirectory(descriptor: descriptor, path), canonical, process)
                .map { told($0, canonical, of: path, at: path) }
        } catch .unavailable(_, _, code: ENOENT) {
            return problem(seeing: nil, path, process).map { FaultText($0) }
        } catch {
            return FaultText(error.description)
        }
    }

    /// Where a link leads is what its owner wrote; a viewer is told the path that the agent was given.
    private static func told(
        _ problem: String,
        _ canonical: String,
        of path: String,
        at place: String
    ) -> FaultText {
        guard canonical != place else { return FaultText(problem) }
        let shown = problem.replacing(canonical, with: "the place that \(path) leads to")
        return FaultText(whole: problem, shown: shown)
    }

    private static func problem(of directory: OpenDirectory, _ canonical: String, _ process: Int32?)
        -> String?
    {
        if let problem = problem(seeing: directory.identity, canonical, process) { return problem }
        // Asked of the kernel as the agent is, mounts included, and without leaving a trace.
        guard faccessat(directory.descriptor, ".", W_OK | X_OK, 0) == 0 else {
            return errno == EROFS
                ? "\(canonical) is read-only for the agent"
                : "\(canonical) cannot be written: \(systemReason())"
        }
        return nil
    }

    /// - Parameter identity: what the agent sees there; nil when it sees nothing.
    private static func problem(seeing identity: FileIdentity?, _ canonical: String, _ process: Int32?)
        -> String?
    {
        for (pid, name) in [(1, "the host's first process"), (process, "the server's process")] {
            guard let pid else { continue }
            var found = stat()
            if stat("/proc/\(pid)/root\(canonical)", &found) == 0 {
                guard FileIdentity(found) != identity else { continue }
                return identity == nil
                    ? "\(canonical) is hidden from the agent: \(name) sees it"
                    : "the agent sees something else at \(canonical) than \(name)"
            }
            // Anything else says that the other's view cannot be looked into.
            if errno == ENOENT, identity != nil {
                return "the agent sees \(canonical), and \(name) does not"
            }
        }
        return nil
    }
}
