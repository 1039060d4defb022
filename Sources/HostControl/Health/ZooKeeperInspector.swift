package import ControlProtocol
import Glibc
import Synchronization
import Topology

/// Observes one ZooKeeper server of this host: what it says, what its files say, what the kernel says.
package actor ZooKeeperInspector {
    private let service: String
    private let configPath: String
    private let supervisor: any ServiceSupervisor
    private let disk: Observations
    /// The service's process and when its supervisor last named it.
    private var known: (process: ProcessIdentity, at: ContinuousClock.Instant)?
    /// For how long a process that still lives counts as the service's without asking again.
    private static let patience = Duration.seconds(2)

    /// `configPath` counts while no process runs that names another; `stateDirectory` keeps the running view
    /// over a restart of the agent.
    package init(
        service: String,
        configPath: String,
        stateDirectory: String,
        supervisor: any ServiceSupervisor
    ) {
        self.service = service
        self.configPath = configPath
        self.supervisor = supervisor
        disk = Observations(Disk(views: RunningViews(stateDirectory: stateDirectory)))
    }

    /// All of it read now, but for the service manager's word on a process that it named in the last two
    /// seconds and that the kernel says is still there.
    ///
    /// Takes at most about two seconds when the server does not answer.
    package func status() async -> ZooKeeperStatus {
        let (state, process) = await service()
        let path = process.flatMap { ServerConfigFile.path(ofProcess: $0.pid) } ?? configPath
        let seen = await BlockingThread.run { [disk] in
            disk.look(at: path, process, isStopped: state == .stopped)
        }
        return ZooKeeperStatus(
            service: service,
            state: state,
            processStartedAt: process.map { $0.startedAt / 1_000_000 },
            configPath: path,
            file: seen.file,
            fileView: seen.fileView,
            runningView: seen.runningView,
            serving: await serving(seen.endpoint, state),
            data: seen.data,
            peerSockets: seen.sockets,
            diskFree: seen.diskFree
        )
    }

    /// Asking a service manager takes a program of its own, looking at a process does not.
    private func service() async -> (ServiceState, ProcessIdentity?) {
        if let known, ContinuousClock.now - known.at < Self.patience,
            ProcessIdentity(pid: known.process.pid) == known.process
        {
            return (.running(pid: known.process.pid), known.process)
        }
        known = nil
        let now = ContinuousClock.now
        let state: ServiceState
        do throws(ServiceError) {
            state = try await supervisor.state(of: service)
        } catch {
            state = .failed(reason: error.description)
        }
        let process = state.pid.flatMap { ProcessIdentity(pid: $0) }
        known = process.map { ($0, now) }
        return (state, process)
    }

    /// Without a running process of the service's, whoever answers on its port is somebody else.
    private func serving(_ endpoint: (address: String?, port: Port)?, _ state: ServiceState) async -> Serving
    {
        guard state.pid != nil else {
            return .unreachable(reason: "\(service) does not run, so its client port was not asked")
        }
        guard let (name, port) = endpoint else {
            return .unreachable(reason: "the configuration file names no client port")
        }
        return await BlockingThread.run {
            guard let address = LocalAddress.resolve(name) else {
                return .unreachable(reason: "the client port's address '\(name ?? "")' is not known here")
            }
            return ServingReader.ask(address, port)
        }
    }
}

/// One look at a time: what an earlier one learned must not be lost to a later one's.
private final class Observations: Sendable {
    private let disk: Mutex<Disk>

    init(_ disk: Disk) { self.disk = Mutex(disk) }

    func look(at path: String, _ process: ProcessIdentity?, isStopped: Bool) -> Disk.Seen {
        disk.withLock { $0.look(at: path, process, isStopped: isStopped) }
    }
}

/// What is read from files and the kernel, and what is remembered from one look to the next.
private struct Disk {
    struct Seen {
        let file: FileState
        let fileView: [Member]?
        let runningView: [Member]?
        let endpoint: (address: String?, port: Port)?
        let data: DataDirectory
        let sockets: [PeerSocket]?
        let diskFree: UInt64?
    }

    var views: RunningViews
    var reader = DataDirectoryReader()
    /// The last readable file's directories, for when the file is in the middle of being mended.
    var directories: (data: String, log: String)?

    init(views: RunningViews) { self.views = views }

    mutating func look(at path: String, _ process: ProcessIdentity?, isStopped: Bool) -> Seen {
        let config = ServerConfigFile.read(path)
        let runningView = process.flatMap { views.view(of: $0, config) }
        if let data = config.configuration?.dataDir {
            directories = (data, config.configuration?.dataLogDir ?? data)
        }
        let data = data(config)
        // Which ports a process uses is unknown when neither its file nor its view is: no socket proves nothing.
        let arePortsKnown = config.configuration != nil || runningView != nil || isStopped
        let ports = (config.configuration?.peerPorts ?? [])
            .union((runningView ?? []).flatMap { [$0.quorumPort, $0.electionPort] })
        return Seen(
            file: config.state,
            fileView: config.configuration?.members,
            runningView: runningView,
            endpoint: config.configuration?.clientEndpoint(of: data.myid),
            data: data,
            sockets: arePortsKnown ? PeerSocketTable.read(ports: ports) : nil,
            diskFree: Self.free(data.path)
        )
    }

    private mutating func data(_ config: ServerConfigFile) -> DataDirectory {
        let found = directories.map { reader.read(dataDir: $0.data, logDir: $0.log) }
        var problems = [config.problem, views.problem].compactMap { $0 }
        if found == nil { problems.append("\(config.path) names no dataDir") }
        return DataDirectory(
            path: found?.path ?? "",
            logPath: found?.logPath ?? "",
            isEmpty: found?.isEmpty ?? false,
            myid: found?.myid,
            currentEpoch: found?.currentEpoch,
            acceptedEpoch: found?.acceptedEpoch,
            lastZxid: found?.lastZxid,
            problems: problems + (found?.problems ?? [])
        )
    }

    /// Bytes free for the server, on the file system of the directory or of its nearest parent that exists.
    private static func free(_ path: String) -> UInt64? {
        var current = path
        var found = statvfs()
        while !current.isEmpty {
            if statvfs(current, &found) == 0 { return UInt64(found.f_bavail) * UInt64(found.f_frsize) }
            guard current != "/", current != "." else { return nil }
            current = AtomicFile.directory(of: current)
        }
        return nil
    }
}

/// Where this host reaches its own server.
private enum LocalAddress {
    /// Any address is reached over the loopback one; a name is looked up.
    static func resolve(_ text: String?) -> IPAddress? {
        switch text {
        case nil, "", "0.0.0.0": return IPAddress("127.0.0.1")
        case "::": return IPAddress("::1")
        case let text?: return IPAddress(text) ?? lookUp(text)
        }
    }

    private static func lookUp(_ name: String) -> IPAddress? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let entry = list.pointee
        guard
            getnameinfo(
                entry.ai_addr,
                entry.ai_addrlen,
                &text,
                socklen_t(text.count),
                nil,
                0,
                NI_NUMERICHOST
            ) == 0
        else { return nil }
        return IPAddress(
            String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        )
    }
}
