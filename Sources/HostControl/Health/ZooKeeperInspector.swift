package import ControlProtocol
import Glibc
import Topology

/// Observes one ZooKeeper server of this host: what it says, what its files say, what the kernel says.
package actor ZooKeeperInspector {
    private let service: String
    private let configPath: String
    private let allowed: Set<String>
    private let supervisor: any ServiceSupervisor
    private let looks: ServerLooks
    /// The service's process and when its supervisor last named it.
    private var known: (process: ProcessIdentity, at: ContinuousClock.Instant)?
    /// For how long a process that still lives counts as the service's without asking again.
    private static let patience = Duration.seconds(2)

    /// `configPath` counts while no process runs that names another, which must be among `allowed` to be read;
    /// `stateDirectory` keeps the running view over a restart of the agent.
    package init(
        service: String,
        configPath: String,
        allowed: [String] = [],
        stateDirectory: String,
        supervisor: any ServiceSupervisor
    ) {
        self.service = service
        self.configPath = configPath
        self.allowed = Set(allowed + [configPath])
        self.supervisor = supervisor
        looks = ServerLooks(stateDirectory: stateDirectory)
    }

    /// All of it read now, but for the service manager's word on a process that it named in the last two
    /// seconds and that the kernel says is still there.
    ///
    /// Takes at most about two seconds when the server does not answer; a disk that does not answer within five
    /// is told as a problem.
    package func status() async -> ZooKeeperStatus {
        let (state, process) = await service()
        let path = process.flatMap { ServerConfigFile.path(ofProcess: $0.pid) } ?? configPath
        let question = ConfigLook.Question(
            path: path,
            allowed: allowed,
            process: process,
            isStopped: state == .stopped
        )
        let seen = await looks.config(question)
        let disk = await looks.data(seen)
        let serving = await serving(
            seen.file.configuration?.clientEndpoint(of: disk.data.myid),
            state
        )
        return ZooKeeperStatus(
            service: service,
            state: state,
            processStartedAt: process.map { $0.startedAt / 1_000_000 },
            configPath: path,
            file: seen.file.state,
            fileView: seen.file.configuration?.members,
            runningView: await runningView(seen, question, serving),
            serving: serving,
            data: disk.data,
            peerSockets: seen.sockets,
            diskFree: disk.free
        )
    }

    /// A server that answers has read its file: from then on it can be known what it read.
    private func runningView(_ seen: ConfigLook.Seen, _ question: ConfigLook.Question, _ serving: Serving)
        async
        -> [Member]?
    {
        guard seen.runningView == nil, question.process != nil else { return seen.runningView }
        switch serving {
        case .unreachable: return nil
        case .yes, .looking: return await looks.config(question.answered).runningView
        }
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
