package import ControlProtocol
package import FoundationEssentials
package import HostControl
package import Logging
package import Topology

/// The host that the agent runs on: its packet filter, its files, its services, its ZooKeeper.
package struct LocalHost: HostActions {
    private let backend: FirewallBackend
    let firewall: any Firewall
    let orders: Orders
    private let rehearsal: WallRehearsal
    private let handMadeRules: HandMadeRules
    let managers = RuleManagers()
    private let configurationLook = ConfigurationManagers()
    let files: ConfigFiles
    private let services: ServiceController
    let inspector: ZooKeeperInspector?
    let lapsing: Lapsing
    let log: Logger
    /// Nil on a host without ZooKeeper.
    let detacher: Detacher?
    private let parser: ServerParser?
    private let supervisor: any ServiceSupervisor
    private let otherServiceNames: [String]
    private let allowedPaths: [String]
    private let reaching: ReachLook

    package init(configuration: AgentConfiguration, log: Logger) {
        self.log = log
        backend = configuration.backend
        let firewall = Firewalls.make(
            backend: configuration.backend,
            protectedPorts: configuration.allowList.protectedPorts,
            log: log
        )
        self.firewall = firewall
        handMadeRules = HandMadeRules(stateDirectory: configuration.state)
        rehearsal = WallRehearsal(backend: configuration.backend)
        let files = ConfigFiles(
            allowed: configuration.files,
            backups: configuration.state + "/backups",
            log: log
        )
        self.files = files
        var systemd: SystemdSupervisor?
        if case .systemd(let allow) = configuration.services { systemd = SystemdSupervisor(allowed: allow) }
        let supervisor: any ServiceSupervisor =
            switch configuration.services {
            case .systemd(let allow): systemd ?? SystemdSupervisor(allowed: allow)
            case .command(let services):
                CommandSupervisor(
                    services: services.mapValues {
                        ServiceCommands(start: $0.start, stop: $0.stop, status: $0.status)
                    }
                )
            }
        self.supervisor = supervisor
        let orders = Orders(
            stateDirectory: configuration.state,
            backend: configuration.backend,
            protectedPorts: configuration.allowList.protectedPorts,
            areUnits: systemd != nil,
            allowed: configuration.files,
            now: { HostClock.system.now().unixMilliseconds }
        )
        self.orders = orders
        otherServiceNames = configuration.services.names.filter { $0 != configuration.zookeeper?.service }
        allowedPaths = configuration.files
        reaching = ReachLook(files: configuration.files)
        let services = ServiceController(supervisor: supervisor, log: log)
        self.services = services
        let audit = OwnAudit(configuration, log: log)
        lapsing = Lapsing(
            stateDirectory: configuration.state,
            log: log,
            means: { _ in Lapsing.Means(firewall: firewall, files: files, services: services) },
            report: { await audit.note($0) }
        )
        let inspector = configuration.zookeeper.map { zookeeper in
            ZooKeeperInspector(
                service: zookeeper.service,
                configPath: zookeeper.config,
                allowed: configuration.files,
                stateDirectory: configuration.state,
                supervisor: supervisor
            )
        }
        self.inspector = inspector
        parser = inspector.map { [systemd] in
            ServerParser(inspector: $0, setting: configuration.zookeeper?.java, systemd: systemd)
        }
        detacher = inspector.map { inspector in
            Detacher(
                inspector: inspector,
                services: services,
                firewall: firewall,
                stateDirectory: configuration.state,
                orders: orders,
                log: log
            )
        }
    }

    package func objection(to command: Command) async -> Refusal? {
        switch command {
        case .installWall(let wall, _, _):
            do throws(FirewallError) {
                _ = try firewall.preview(wall)
                return nil
            } catch .refused(let refusal) {
                return refusal
            } catch {
                // Anything else shows, and is told, when the wall is put up.
                return nil
            }
        case .writeFile(let write): return objection(to: write)
        case .detach(let request): return await objection(to: .installWall(wall: request.wall))
        case .pilotWall(let wall): return await objection(to: .installWall(wall: wall))
        case .removeWall, .sever, .restoreFile, .service, .discardCopy, .setAside, .removeHandMadeRules,
            .keepOrder:
            return nil
        }
    }

    private func objection(to write: FileWrite) -> Refusal? {
        do throws(FileError) {
            let found = try files.state(of: write.path).digest
            guard found != write.expected, found != write.digest else { return nil }
            return .fileChanged(path: write.path, expected: write.expected, found: found)
        } catch .refused(let refusal) {
            return refusal
        } catch {
            return nil
        }
    }

    package func perform(
        _ command: Command,
        run: RunID,
        progress: @escaping @Sendable (String) -> Void
    ) async -> CommandOutcome {
        switch command {
        case .installWall(let wall, let holding, let lapse):
            await install(wall, holding: holding ?? [], lapse, for: run)
        case .keepOrder(let restoring): await keepOrder(restoring ?? [], for: run)
        case .sever(let wall):
            await rules { () throws(FirewallError) in try await firewall.sever(wall) }
        case .removeWall: await removeWall()
        case .pilotWall(let wall): await pilot(wall)
        case .writeFile(let write): file { () throws(FileError) in try files.write(write, run: run) }
        case .restoreFile(let restore): file { () throws(FileError) in try files.restore(restore, run: run) }
        case .service(let request): await service(request, progress)
        case .detach(let request):
            await withDetacher { detacher throws(DetachError) in
                .detached(report: try await detacher.perform(request, for: run, progress: progress))
            }
        case .removeHandMadeRules(let request):
            await withFirewall { () throws(FirewallError) in
                .handMade(
                    report: try await handMadeRules.remove(request.addresses, keptAs: run.description)
                )
            }
        case .discardCopy:
            await withDetacher { detacher throws(DetachError) in
                .data(report: try await detacher.discardCopy(of: run))
            }
        case .setAside(let request):
            await withDetacher { detacher throws(DetachError) in
                .data(report: try await detacher.setAside(request.service, for: run))
            }
        }
    }

    private func withDetacher(
        _ body: (Detacher) async throws(DetachError) -> CommandResult
    ) async -> CommandOutcome {
        guard let detacher else {
            return .refused(refusal: .notAllowed(reason: "this agent's configuration names no ZooKeeper"))
        }
        do throws(DetachError) {
            return .done(result: try await body(detacher))
        } catch .refused(let refusal) {
            return .refused(refusal: refusal)
        } catch {
            return .failed(message: error.description)
        }
    }

    func rules(_ change: () async throws(FirewallError) -> InstalledRules) async -> CommandOutcome {
        await withFirewall { () throws(FirewallError) in .rules(rules: try await change()) }
    }

    private func withFirewall(
        _ body: () async throws(FirewallError) -> CommandResult
    ) async -> CommandOutcome {
        do throws(FirewallError) {
            return .done(result: try await body())
        } catch .refused(let refusal) {
            return .refused(refusal: refusal)
        } catch {
            return .failed(message: error.description)
        }
    }

    private func file(_ change: () throws(FileError) -> FileState) -> CommandOutcome {
        do throws(FileError) {
            return .done(result: .file(file: try change()))
        } catch .refused(let refusal) {
            return .refused(refusal: refusal)
        } catch {
            return .failed(message: error.description)
        }
    }

    private func service(
        _ request: ServiceRequest,
        _ progress: @escaping @Sendable (String) -> Void
    ) async -> CommandOutcome {
        switch request.action {
        case .stop: break
        case .start, .restart:
            do throws(OrderError) { try orders.admit(startOf: request.service) } catch {
                return .refused(refusal: .notAllowed(reason: error.description))
            }
            do throws(DetachError) { try detacher?.forget(request.service) } catch {
                return .failed(message: error.description)
            }
            // Durably before it starts: its unit asks.
            do throws(OrderError) { try await orders.release(request.service) } catch {
                return .failed(message: error.description)
            }
        }
        await inspector?.forgetState()
        let outcome: CommandOutcome
        do throws(ServiceError) {
            outcome = .done(result: .service(report: try await services.perform(request, progress: progress)))
        } catch .refused(let refusal) {
            outcome = .refused(refusal: refusal)
        } catch {
            outcome = .failed(message: error.description)
        }
        await inspector?.forgetState()
        return outcome
    }

    package func installedRules() async throws(HostActionError) -> InstalledRules {
        do throws(FirewallError) {
            return try await firewall.installed()
        } catch {
            throw .failed(message: error.description)
        }
    }

    package func watchRules(_ report: @escaping @Sendable (RuleRestoration) -> Void) async {
        await firewall.watch(unless: { [orders] in orders.state?.phase?.isGivenUp ?? false }, report)
    }

    package func forgetRules() async { await firewall.forget() }

    package func zookeeper() async -> ZooKeeperStatus? { await inspector?.status() }

    package func untilServing() async { await inspector?.untilServing(within: .seconds(1)) }

    package func otherServices() async -> [NamedService] {
        var found: [NamedService] = []
        for name in otherServiceNames {
            do throws(ServiceError) {
                let state = try await supervisor.state(of: name)
                found.append(
                    NamedService(
                        name: name,
                        state: state,
                        version: state.pid.flatMap { BrokerClassPath.version(ofProcess: $0) },
                        overrides: state.pid.flatMap { BrokerCommandLine.overrides(ofProcess: $0) },
                        hasOwnNetwork: state.pid.flatMap { NetworkNamespace.isForeign(toProcess: $0) },
                        configPath: state.pid.flatMap {
                            BrokerCommandLine.file(ofProcess: $0, listed: allowedPaths)
                        }
                    )
                )
            } catch {
                found.append(NamedService(name: name, state: .failed(reason: error.description)))
            }
        }
        return found
    }

    package func allowedFiles() async -> [FileState] {
        allowedPaths.compactMap { path in
            do throws(FileError) {
                return try files.state(of: path)
            } catch {
                // A gate that needs the file says that it was not seen.
                return nil
            }
        }
    }

    package func ruleManagers() async -> [RuleManager] { await managers.found() }

    package func configurationManagers() async -> [RuleManager] { await configurationLook.found() }

    package func reach(of zookeeper: ZooKeeperStatus?) async -> [PathReach] {
        let named = [zookeeper?.data.path, zookeeper?.data.logPath].compactMap { $0 }.filter { !$0.isEmpty }
        return await reaching.reach(
            directories: named.count == 2 && named[0] == named[1] ? [named[0]] : named,
            process: zookeeper?.state.pid
        )
    }

    package func read(file path: String) async throws(HostActionError) -> FileContent {
        do throws(FileError) {
            return try files.read(path)
        } catch .refused(let refusal) {
            throw .refused(refusal: refusal)
        } catch {
            throw .failed(message: error.description)
        }
    }

    package func original(of path: String, run: RunID) async throws(HostActionError) -> FileContent {
        do throws(FileError) {
            return try files.original(of: path, run: run)
        } catch .refused(let refusal) {
            throw .refused(refusal: refusal)
        } catch {
            throw .failed(message: error.description)
        }
    }

    package func preview(_ wall: Wall) async throws(HostActionError) -> RulesPreview {
        do throws(FirewallError) {
            let text = try firewall.preview(wall)
            try await rehearsal.perform(text)
            return RulesPreview(backend: backend, text: text)
        } catch .refused(let refusal) {
            throw .refused(refusal: refusal)
        } catch {
            throw .failed(message: error.description)
        }
    }

    package func handMade(_ request: HandMadeRequest) async -> HandMadeReport {
        await handMadeRules.look(for: request.addresses)
    }

    package func parse(_ contents: [Data]) async -> ParserReply {
        await parser?.ask(contents) ?? ParserReply(obstacle: "this agent's configuration names no ZooKeeper")
    }

    package func clients(_ request: ClientsRequest) async -> ClientsReport {
        await inspector?.clients(request)
            ?? ClientsReport(
                ports: [],
                connections: nil,
                obstacle: "this agent's configuration names no ZooKeeper"
            )
    }

    package func writes(_ request: WritesRequest) async -> WritesReport {
        await inspector?.writes(request)
            ?? WritesReport(obstacle: "this agent's configuration names no ZooKeeper")
    }

    package func probe(_ targets: [ProbeTarget]) async -> [ProbeResult] { await Prober.probe(targets) }

    package func presence(of zxids: [Zxid]) async throws(HostActionError) -> [Zxid: Presence] {
        guard let inspector else {
            throw .refused(
                refusal: .invalid(
                    reason: "this agent's configuration names no ZooKeeper; add `zookeeper` to it"
                )
            )
        }
        do throws(FileError) {
            return try await inspector.presence(of: zxids)
        } catch .refused(let refusal) {
            throw .refused(refusal: refusal)
        } catch {
            throw .failed(message: error.description)
        }
    }
}
