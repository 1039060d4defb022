import ControlProtocol
import Glibc
import Synchronization
import SystemCalls
import Topology

/// What is read from files, for callers that wait only so long for a disk.
final class ServerLooks: Sendable {
    private static let patience = Duration.seconds(5)

    private let configEye: Mutex<ConfigLook>
    private let dataEye: Mutex<DataDirectoryReader>
    private let configLook = SharedLook<ConfigLook.Seen>()
    private let dataLook = SharedLook<DataLook>()
    private let historyLook = SharedLook<DataDirectory>()

    init(stateDirectory: String, files: Set<String>) {
        dataEye = Mutex(DataDirectoryReader(files: files))
        configEye = Mutex(ConfigLook(views: RunningViews(stateDirectory: stateDirectory)))
    }

    func config(_ question: ConfigLook.Question) async -> ConfigLook.Seen {
        let seen = await configLook.value(within: Self.patience) {
            self.configEye.withLock { $0.look(question) }
        }
        guard let seen else {
            return ConfigLook.Seen(
                file: .unusable(question.path, "\(question.path) could not be read within 5 s"),
                runningView: nil,
                sockets: nil,
                directories: nil,
                problems: []
            )
        }
        return seen
    }

    /// The data alone, without its size and the room around it: for whoever looks again and again.
    func history(_ seen: ConfigLook.Seen) async -> DataDirectory {
        let problems = Self.problems(seen)
        guard let directories = seen.directories else { return Self.nowhere(seen, problems).data }
        let found = await historyLook.value(within: Self.patience) {
            self.dataEye.withLock { $0.read(dataDir: directories.data, logDir: directories.log) }
        }
        guard let found else { return Self.silent(directories, problems).data }
        return DataLook(found, free: nil, problems: problems).data
    }

    private static func problems(_ seen: ConfigLook.Seen) -> [FaultText] {
        [seen.file.problem].compactMap { $0 } + seen.problems.map { FaultText($0) }
    }

    private static func nowhere(_ seen: ConfigLook.Seen, _ problems: [FaultText]) -> DataLook {
        DataLook(nil, free: nil, problems: problems + [FaultText("\(seen.file.path) names no dataDir")])
    }

    private static func silent(_ directories: ConfigLook.Directories, _ problems: [FaultText]) -> DataLook {
        DataLook(
            nil,
            free: nil,
            problems: problems + [FaultText("the disk of \(directories.data) did not answer within 5 s")]
        )
    }

    func data(_ seen: ConfigLook.Seen) async -> DataLook {
        let problems = Self.problems(seen)
        guard let directories = seen.directories else { return Self.nowhere(seen, problems) }
        let look = await dataLook.value(within: Self.patience) {
            let found = self.dataEye.withLock { $0.read(dataDir: directories.data, logDir: directories.log) }
            return DataLook(
                found,
                free: [found.path, found.logPath].compactMap { DataLook.free($0) }.min(),
                size: DataSize.read(dataDir: found.path, logDir: found.logPath),
                problems: problems
            )
        }
        return look ?? Self.silent(directories, problems)
    }
}

/// A server's configuration file, and what is remembered of it from one look to the next.
struct ConfigLook {
    struct Question: Sendable {
        let path: String
        let allowed: Set<String>
        let process: ProcessIdentity?
        let isStopped: Bool
        /// The process answered on its port, so it has read the file.
        var hasAnswered = false
        /// The process has not served yet: its connections may be those of half a second ago.
        var isStarting = false

        var answered: Question {
            var copy = self
            copy.hasAnswered = true
            return copy
        }
    }

    struct Directories: Sendable {
        let data: String
        let log: String
    }

    struct Seen: Sendable {
        let file: ServerConfigFile
        let runningView: [Member]?
        let sockets: [PeerSocket]?
        let directories: Directories?
        let problems: [String]
    }

    var views: RunningViews
    /// Of a server that starts; the kernel walks its table of all connections for each reading (*measured*: half of what a
    /// look cost).
    private var sockets: (found: [PeerSocket]?, ports: Set<Port>, at: ContinuousClock.Instant)?
    private static let socketPatience = Duration.milliseconds(500)
    /// The last readable file's directories, for when the file is in the middle of being mended.
    private var directories: Directories?

    init(views: RunningViews) { self.views = views }

    mutating func look(_ question: Question) -> Seen {
        let file = ServerConfigFile.read(question.path, allowed: question.allowed)
        let runningView = question.process.flatMap {
            views.view(of: $0, file, hasAnswered: question.hasAnswered)
        }
        if let configuration = file.configuration {
            // One that names no directory any more has none.
            directories = configuration.dataDir.map {
                Directories(data: $0, log: configuration.dataLogDir ?? $0)
            }
        }
        // Which ports a process uses is unknown when neither its file nor its view is: no socket proves nothing.
        let arePortsKnown = file.configuration != nil || runningView != nil || question.isStopped
        let ports = (file.configuration?.peerPorts ?? [])
            .union((runningView ?? []).flatMap { [$0.quorumPort, $0.electionPort] })
        return Seen(
            file: file,
            runningView: runningView,
            sockets: arePortsKnown ? sockets(on: ports, question) : nil,
            directories: directories,
            problems: [views.problem].compactMap { $0 }
        )
    }

    private mutating func sockets(on ports: Set<Port>, _ question: Question) -> [PeerSocket]? {
        let now = ContinuousClock.now
        if question.isStarting, let sockets, sockets.ports == ports, now - sockets.at < Self.socketPatience {
            return sockets.found
        }
        let found = PeerSocketTable.read(ports: ports)
        sockets = (found, ports, now)
        return found
    }
}

/// A data directory and the room around it.
struct DataLook: Sendable {
    let data: DataDirectory
    let free: UInt64?
    let size: UInt64?

    init(_ found: DataDirectory?, free: UInt64?, size: UInt64? = nil, problems: [FaultText]) {
        let shown = found.map(\.shownProblems) ?? []
        data = DataDirectory(
            path: found?.path ?? "",
            logPath: found?.logPath ?? "",
            isEmpty: found?.isEmpty ?? false,
            myid: found?.myid,
            currentEpoch: found?.currentEpoch,
            acceptedEpoch: found?.acceptedEpoch,
            snapshot: found?.snapshot,
            lastZxid: found?.lastZxid,
            epochEnds: found?.epochEnds ?? [],
            missing: found?.missing ?? [],
            problems: problems.map(\.whole) + (found?.problems ?? []),
            shownProblems: shown.map { problems.map(\.shown) + $0 }
        )
        self.free = free
        self.size = size
    }

    /// Bytes free for the server, on the file system of the directory or of its nearest parent that exists.
    static func free(_ path: String) -> UInt64? {
        var current = path
        var found = statvfs()
        while !current.isEmpty {
            if statvfs(current, &found) == 0 {
                // What file system is mounted there, and what it says, is not the agent's choice.
                let free = UInt64(found.f_bavail).times(saturating: UInt64(found.f_frsize))
                return min(free, Bound.bytes.upperBound)
            }
            guard current != "/", current != "." else { return nil }
            current = AtomicFile.directory(of: current)
        }
        return nil
    }
}
