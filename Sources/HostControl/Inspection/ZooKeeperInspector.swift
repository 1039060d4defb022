package import ControlProtocol
import Glibc
import SystemCalls
package import Topology

/// Observes one ZooKeeper server of this host: what it says, what its files say, what the kernel says.
package actor ZooKeeperInspector {
    nonisolated let service: String
    private let configPath: String
    private let allowed: Set<String>
    private let supervisor: any ServiceSupervisor
    private let looks: ServerLooks
    private let names: NameResolver
    /// A process that was seen to look for a leader, and since when.
    private var looking: Sighting?
    /// A process that was seen to listen for followers before it served, and since when.
    private var leading: Sighting?
    /// The process that was seen to serve last.
    private var served: ProcessIdentity?
    /// The service's process and when its supervisor last named it.
    private var known: (process: ProcessIdentity, at: ContinuousClock.Instant)?
    /// For how long a process that still lives counts as the service's without asking again.
    private static let patience = Duration.seconds(10)
    /// When the supervisor last said that the service is stopped.
    private var stoppedAt: ContinuousClock.Instant?
    /// How often the service was started or stopped, or was about to be.
    private var changes = 0
    /// For how long that counts without asking again: a program for every look would take from servers that just start.
    private static let stillness = Duration.milliseconds(300)

    /// `configPath` counts while no process runs that names another, which must be among `allowed` to be read;
    /// `stateDirectory` keeps the running view over a restart of the agent.
    package init(
        service: String,
        configPath: String,
        allowed: [String] = [],
        stateDirectory: String,
        supervisor: any ServiceSupervisor
    ) {
        self.init(
            service: service,
            configPath: configPath,
            allowed: allowed,
            stateDirectory: stateDirectory,
            supervisor: supervisor,
            names: .system
        )
    }

    init(
        service: String,
        configPath: String,
        allowed: [String] = [],
        stateDirectory: String,
        supervisor: any ServiceSupervisor,
        names: NameResolver
    ) {
        self.names = names
        self.service = service
        self.configPath = configPath
        self.allowed = Set(allowed + [configPath])
        self.supervisor = supervisor
        looks = ServerLooks(stateDirectory: stateDirectory, files: self.allowed)
    }

    /// All of it read now, but for the service manager's word on a process that it named in the last ten
    /// seconds and that the kernel says is still there, and on a service that it called stopped 0.3 s ago; and for the
    /// connections of a server that has not served yet, which may be half a second old.
    ///
    /// Takes at most about two seconds when the server does not answer; a disk that does not answer within five
    /// is told as a problem.
    package func status() async -> ZooKeeperStatus {
        let (state, process) = await service()
        let commandLine = process.flatMap { ServerCommandLine(ofProcess: $0.pid) }
        let question = question(state, process, commandLine)
        let seen = await looks.config(question)
        let disk = await looks.data(seen)
        let serving = await serving(
            seen.file.configuration?.clientEndpoint(of: disk.data.myid),
            state
        )
        let electing = electing(process, serving, quorumPort(in: seen, of: disk.data.myid))
        return ZooKeeperStatus(
            service: service,
            state: state,
            processStartedAt: process.map { $0.startedAt / 1_000_000 },
            configPath: question.path,
            file: seen.file.state,
            fileView: seen.file.configuration?.members,
            runningView: await runningView(seen, question, serving),
            serving: serving,
            data: disk.data,
            peerSockets: seen.sockets,
            diskFree: disk.free,
            javaProperties: commandLine?.properties(),
            dataSize: disk.size,
            lookingFor: electing.lookingFor,
            leadingFor: electing.leadingFor,
            hasOwnNetwork: process.flatMap { NetworkNamespace.isForeign(toProcess: $0.pid) },
            boot: supervisor.boot(of: service)
        )
    }

    /// Until the server serves, does not run, or the time is up.
    ///
    /// For callers that would look again and again while a server starts: a whole look costs milliseconds of processor time
    /// that the server needs, a refused connection next to none.
    package func untilServing(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        let (state, process) = await service()
        guard let process, process != served else { return }
        var endpoint: ServerFacts.Endpoint?
        while ContinuousClock.now < end, ProcessIdentity(pid: process.pid) == process {
            // A process that has only just become its program names no file yet.
            endpoint = if let endpoint { endpoint } else { await clientEndpoint(state, process) }
            if let endpoint, case .yes = await BlockingThread.run({ endpoint.ask() }) { return }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    private func clientEndpoint(_ state: ServiceState, _ process: ProcessIdentity) async
        -> ServerFacts.Endpoint?
    {
        let seen = await looks.config(question(state, process))
        return await endpoint(in: seen)
    }

    /// Nil for a file that names no plain client port, or a name that is not known here.
    private func endpoint(in seen: ConfigLook.Seen) async -> ServerFacts.Endpoint? {
        let myid = await looks.history(seen).myid
        guard let (name, port) = seen.file.configuration?.clientEndpoint(of: myid),
            let address = await names.address(of: name)
        else { return nil }
        return ServerFacts.Endpoint(address: address, port: port)
    }

    /// Who is connected to the server's ports for clients, and which sessions it tells of; blocks for two seconds at most when the
    /// server does not answer.
    package func clients(_ request: ClientsRequest) async -> ClientsReport {
        let (state, process) = await service()
        guard let process else {
            switch state {
            case .stopped: return .stopped
            case .running, .changing: return ClientLook.unknown("\(service) is being started or stopped")
            case .failed(let reason): return ClientLook.unknown("\(service): \(reason)")
            }
        }
        let look = await clientLook(await looks.config(question(state, process)), process)
        return await BlockingThread.run { look.report(request) }
    }

    private func clientLook(_ seen: ConfigLook.Seen, _ process: ProcessIdentity) async -> ClientLook {
        ClientLook(
            process: process,
            configuration: seen.file.configuration,
            problem: seen.file.problem?.whole,
            endpoint: await endpoint(in: seen)
        )
    }

    /// What the server has logged of writes into some trees, and where their sessions are as far as it tells; blocks for four
    /// seconds at most.
    package func writes(_ request: WritesRequest) async -> WritesReport {
        let (state, process) = await service()
        let question = question(state, process)
        let seen = await looks.config(question)
        guard let directories = seen.directories else {
            let reason = seen.file.problem?.whole ?? "\(question.path) names no dataDir"
            return WritesReport(obstacle: "the server's directories are not known: \(reason)")
        }
        let look: ClientLook? = if let process { await clientLook(seen, process) } else { nil }
        return await BlockingThread.run {
            let found = WritesReader.read(request, logDir: directories.log)
            guard let look, !found.writes.isEmpty, case .sessions(let told, _) = look.listing() else {
                return found
            }
            return found.locating(Dictionary(told.map { ($0.id, $0.address) }) { first, _ in first })
        }
    }

    /// Somebody is about to start or stop the service, or has done so.
    package func forgetState() {
        (known, stoppedAt) = (nil, nil)
        changes += 1
    }

    /// What has to be known of a server before it is detached; read now, all but its data.
    func facts() async -> ServerFacts {
        forgetState()
        let (state, process) = await service()
        let seen = await looks.config(question(state, process))
        return ServerFacts(
            service: service,
            state: state,
            process: process,
            endpoint: await endpoint(in: seen),
            peerPorts: (seen.file.configuration?.peerPorts ?? [])
                .union((seen.runningView ?? []).flatMap { [$0.quorumPort, $0.electionPort] }),
            seen: seen
        )
    }

    /// The data directory as it is now; what was read of its log before is not read again.
    func data() async -> DataDirectory {
        let process = known?.process
        return await data(
            as: await looks.config(question(process == nil ? .stopped : .changing, process))
        )
    }

    /// The same where a look at the configuration file has found it, without another.
    func data(as seen: ConfigLook.Seen) async -> DataDirectory { await looks.history(seen) }

    private struct Sighting {
        let process: ProcessIdentity
        var since = ContinuousClock.now

        var milliseconds: Int { since.duration(to: .now).milliseconds }
    }

    private func electing(
        _ process: ProcessIdentity?,
        _ serving: Serving,
        _ quorumPort: Port?
    ) -> (lookingFor: Int?, leadingFor: Int?) {
        guard let process else {
            (looking, leading) = (nil, nil)
            return (nil, nil)
        }
        let known = looking?.process == process ? looking : nil
        switch serving {
        case .yes:
            (looking, leading) = (nil, nil)
            served = process
        case .looking:
            looking = known ?? Sighting(process: process)
            // It takes reading every descriptor of the process, and only a leader listens there.
            let isLeading = quorumPort.map { ListeningPorts.of(pid: process.pid)?.contains($0) == true }
            let before = leading?.process == process ? leading : nil
            leading = isLeading == true ? before ?? Sighting(process: process) : nil
        // A server that does not answer for a moment has not found a leader meanwhile.
        case .unreachable:
            looking = known
            if leading?.process != process { leading = nil }
        }
        return (looking?.milliseconds, leading?.milliseconds)
    }

    private func quorumPort(in seen: ConfigLook.Seen, of id: Int?) -> Port? {
        let view = seen.runningView ?? seen.file.configuration?.members ?? []
        return view.first { $0.id.value == id }?.quorumPort
    }

    /// Whether transactions are in the server's history, by its files; blocks as long as `HistoryReader` does.
    package func presence(of zxids: [Zxid]) async throws(FileError) -> [Zxid: Presence] {
        let (state, process) = await service()
        let question = question(state, process)
        let seen = await looks.config(question)
        guard let directories = seen.directories else {
            let reason = seen.file.problem?.whole ?? "\(question.path) names no dataDir"
            throw .refused(.invalid(reason: "the server's directories are not known: \(reason)"))
        }
        let result = await BlockingThread.run { () -> Result<[Zxid: Presence], FileError> in
            Result { () throws(FileError) in
                try HistoryReader.presence(of: zxids, dataDir: directories.data, logDir: directories.log)
            }
        }
        return try result.get()
    }

    private func question(_ state: ServiceState, _ process: ProcessIdentity?) -> ConfigLook.Question {
        question(state, process, process.flatMap { ServerCommandLine(ofProcess: $0.pid) })
    }

    private func question(
        _ state: ServiceState,
        _ process: ProcessIdentity?,
        _ commandLine: ServerCommandLine?
    ) -> ConfigLook.Question {
        ConfigLook.Question(
            path: commandLine?.configPath ?? configPath,
            allowed: allowed,
            process: process,
            isStopped: state == .stopped,
            isStarting: process != nil && process != served
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
            // A wrapper may have started its JVM meanwhile.
            let pid = JavaProcess.within(known.process.pid)
            let process =
                pid == known.process.pid ? known.process : ProcessIdentity(pid: pid) ?? known.process
            self.known = (process, known.at)
            return (.running(pid: process.pid), process)
        }
        known = nil
        let now = ContinuousClock.now
        if let stoppedAt, now - stoppedAt < Self.stillness { return (.stopped, nil) }
        let asked = changes
        let state: ServiceState
        do throws(ServiceError) {
            state = try await supervisor.state(of: service)
        } catch {
            state = .failed(reason: error.description)
        }
        let process = state.pid.flatMap { ProcessIdentity(pid: $0) }
        // An answer from before a change is told to whoever asked, and not remembered.
        if asked == changes {
            stoppedAt = state == .stopped ? now : nil
            known = process.map { ($0, now) }
        }
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
        guard let address = await names.address(of: name) else {
            return .unreachable(reason: "the client port's address '\(name ?? "")' is not known here")
        }
        return await BlockingThread.run { ServingReader.ask(address, port) }
    }
}
