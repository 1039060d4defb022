import ControlProtocol
import Synchronization
import SystemCalls
import Topology

/// The host's own ZooKeeper, as detaching sees it.
///
/// Where its data and its port are is looked up once, when it is attached: the process has read its file when it started.
final class LocalServer: DetachableServer {
    private let inspector: ZooKeeperInspector
    private let services: ServiceController
    private let service: String
    private let facts = Mutex<ServerFacts?>(nil)

    init(inspector: ZooKeeperInspector, services: ServiceController, service: String) {
        self.inspector = inspector
        self.services = services
        self.service = service
    }

    func attached() async throws(DetachError) -> AttachedServer? {
        let facts = await inspector.facts()
        self.facts.withLock { $0 = facts }
        guard facts.service == service else {
            throw .refused(
                .notAllowed(
                    reason: "'\(service)' is not the service of this host's ZooKeeper, \(facts.service)"
                )
            )
        }
        switch facts.state {
        case .stopped: return nil
        case .failed(let reason):
            try await requireNobody(at: facts.endpoint, because: reason)
            return nil
        case .changing: throw .silent(service: service, reason: "it is being started or stopped")
        case .running(let pid):
            guard let endpoint = facts.endpoint else {
                let problem = facts.problems.first ?? "its configuration file names no client port"
                throw .silent(service: service, reason: problem)
            }
            let found = await BlockingThread.run {
                (ListeningPorts.of(pid: pid), PreparedQuestion.open(at: endpoint.address, endpoint.port))
            }
            guard let open = found.0?.subtracting(facts.peerPorts), !open.isEmpty else {
                throw .silent(service: service, reason: "on which ports pid \(pid) listens cannot be seen")
            }
            switch found.1 {
            case .failure(let error): throw .silent(service: service, reason: error.reason)
            case .success(let question):
                return AttachedServer(
                    pid: pid,
                    identity: ProcessIdentity(pid: pid),
                    clientPorts: open,
                    question: ServingQuestion(question: question)
                )
            }
        }
    }

    /// A service manager that cannot be asked, or has lost its process, says the same of a server that runs as of one
    /// that has crashed.
    private func requireNobody(
        at endpoint: ServerFacts.Endpoint?,
        because reason: String
    ) async throws(DetachError) {
        let said = "its service manager says that it has failed (\(reason))"
        guard let endpoint else {
            throw .silent(
                service: service,
                reason: "\(said), and that it does not run cannot be seen: its client port is not known"
            )
        }
        let target = ProbeTarget(address: endpoint.address, port: endpoint.port)
        guard await Prober.probe([target]).allSatisfy({ $0.answer == .refused }) else {
            throw .silent(
                service: service,
                reason: "\(said), and yet \(endpoint.address):\(endpoint.port) does not refuse connections"
            )
        }
    }

    func serving() async -> Serving {
        var known = facts.withLock { $0?.endpoint }
        if known == nil { known = await inspector.facts().endpoint }
        guard let endpoint = known else {
            return .unreachable(reason: "its configuration file names no client port")
        }
        return await BlockingThread.run { ServingReader.ask(endpoint.address, endpoint.port) }
    }

    func data() async -> DataDirectory {
        guard let seen = facts.withLock({ $0?.seen }) else { return await inspector.data() }
        return await inspector.data(as: seen)
    }

    func logWriter(of pid: Int32) async -> LogWriter.Sample? { LogWriter.sample(of: pid) }

    func end(_ pid: Int32) async throws(DetachError) -> ConfirmedEnd {
        do throws(ServiceError) {
            let ending = try await services.end(service, pid: pid)
            return { () async throws(DetachError) in
                do throws(ServiceError) { try await ending.confirmed() } catch { throw .notStopped(error) }
            }
        } catch {
            throw .notStopped(error)
        }
    }

    func copy(for run: RunID) async throws(DetachError) -> String? {
        let data = await data()
        guard !data.isEmpty else { return nil }
        let result = await BlockingThread.run { () -> Result<DataCopy.Kept, FileError> in
            Result { () throws(FileError) in
                try DataCopy(dataDir: data.path, logDir: data.logPath).keep(run: run)
            }
        }
        do throws(FileError) { _ = try result.get() } catch {
            throw .notCopied(path: data.path, reason: error.description)
        }
        return "\(data.path)/mitosis-\(run)"
    }
}

/// `srvr` over a connection that was made before.
private struct ServingQuestion: MemoryQuestion {
    let question: PreparedQuestion
    var localPort: Port { question.localPort }

    func ask() async -> Serving {
        await BlockingThread.run {
            switch question.ask("srvr") {
            case .text(let text): ServingReader.parse(srvr: text)
            case .unreachable(let reason): .unreachable(reason: reason)
            }
        }
    }
}
