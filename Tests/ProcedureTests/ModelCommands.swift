import ControlProtocol
import FoundationEssentials
import Planning
import Procedure
import Topology

/// What the model's agents do and say.
extension ModelEnsemble {
    mutating func perform(_ request: CommandRequest, on name: HostName) -> CommandOutcome {
        if let stored = outcomes[request.id] { return stored }
        let highest = lease(of: name).highestEpoch
        guard request.lease.epoch >= highest else { return .refused(refusal: .superseded(highest: highest)) }
        performed.append(HostCommand(name, request.command))
        let isBroker = brokers.brokers[name] != nil
        let outcome = isBroker ? brokers.act(request.command, on: name) : act(request.command, on: name)
        outcomes[request.id] = outcome
        return outcome
    }

    func lease(of name: HostName) -> LeaseState {
        let none = LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil)
        return hosts[name]?.lease ?? brokerLeases[name] ?? none
    }

    mutating func grant(_ lease: LeaseState, on name: HostName) {
        if hosts[name] == nil { brokerLeases[name] = lease } else { hosts[name]?.lease = lease }
    }

    private mutating func act(_ command: Command, on name: HostName) -> CommandOutcome {
        switch command {
        case .installWall(let wall):
            hosts[name]?.wall = wall
            elect()
            return .done(result: .rules(rules: rules(name)))
        case .removeWall:
            checkHealing()
            hosts[name]?.wall = nil
            elect()
            return .done(result: .rules(rules: rules(name)))
        case .writeFile(let write):
            let found = ContentDigest.sha256(hosts[name]?.file ?? Data())
            if hosts[name]?.file != write.content {
                guard found == write.expected else {
                    let refusal = Refusal.fileChanged(
                        path: write.path,
                        expected: write.expected,
                        found: found
                    )
                    return .refused(refusal: refusal)
                }
                if hosts[name]?.backup == nil {
                    let original = hosts[name]?.file
                    hosts[name]?.backup = original
                }
                hosts[name]?.file = write.content
            }
            return .done(result: .file(file: fileState(name)))
        case .restoreFile:
            guard let backup = hosts[name]?.backup else {
                return .refused(refusal: .invalid(reason: "no backup"))
            }
            hosts[name]?.file = backup
            return .done(result: .file(file: fileState(name)))
        case .service(let request): return service(request, on: name)
        }
    }

    private mutating func service(_ request: ServiceRequest, on name: HostName) -> CommandOutcome {
        let old = hosts[name]?.pid
        switch request.action {
        case .start: start(name)
        case .stop: stop(name)
        case .restart where request.replacing == nil || request.replacing == old:
            stop(name)
            checkSourceMajority(without: name)
            start(name)
        case .restart: break
        }
        return .done(
            result: .service(
                report: ServiceReport(
                    service: request.service,
                    oldPID: old,
                    newPID: hosts[name]?.pid,
                    stopMilliseconds: 1,
                    startMilliseconds: 1
                )
            )
        )
    }

    /// I3: never two source nodes down at once.
    private mutating func checkSourceMajority(without name: HostName) {
        guard isSource(name) else { return }
        let down = plan.source.filter { hosts[$0.host]?.pid == nil }
        if down.count > 1 { violations.append("I3: \(down.map(\.host)) are down together") }
    }

    /// I1: rules go only when every node runs its own side's view.
    private mutating func checkHealing() {
        for server in plan.source + plan.destination {
            let own = isSource(server.host) ? plan.sourceMembers : plan.destinationMembers
            if let view = hosts[server.host]?.view, Set(view) != Set(own) {
                violations.append("I1: rules removed while \(server.host) runs a mixed view")
            }
        }
    }

    func fileState(_ name: HostName) -> FileState {
        let file = hosts[name]?.file ?? Data()
        return FileState(
            path: hosts[name]?.server.configPath ?? "",
            digest: ContentDigest.sha256(file),
            size: file.count,
            mode: 0o644,
            owner: 0,
            group: 0,
            symlinkTarget: nil,
            changedAt: nil
        )
    }

    private func rules(_ name: HostName) -> InstalledRules {
        let wall = hosts[name]?.wall
        return InstalledRules(
            backend: .nftables,
            wall: wall,
            count: wall == nil ? 0 : 4,
            counters: [],
            listing: ""
        )
    }

    func probe(_ targets: [ProbeTarget], from name: HostName) -> [ProbeResult] {
        targets.map { target in
            let other = hosts.values.first { $0.server.allAddresses.contains(target.address) }
            let isOpen = other.map { $0.pid != nil && !isCut(name, $0.server.host) } ?? false
            return ProbeResult(target: target, answer: isOpen ? .connected : .refused)
        }
    }

    func status(_ name: HostName) -> HostStatus? {
        guard let host = hosts[name] else { return brokers.status(name, lease: lease(of: name)) }
        let stats = ServerStats(
            version: "3.8.0",
            role: leader(for: name) == name ? .leader : .follower,
            zxid: host.zxid ?? Zxid(0),
            connections: 1,
            outstanding: 0,
            nodeCount: 5,
            syncedFollowers: nil
        )
        let serving: Serving =
            host.pid == nil
            ? .unreachable(reason: "refused") : serves(name) ? .yes(stats: stats) : .looking
        let peers = reached(by: name).filter { other in
            let isPeer = host.view?.contains { $0.id == other.server.id } ?? false
            return isPeer && other.server.host != name
        }
        let sockets = peers.flatMap {
            other in
            other.server.allAddresses.prefix(1).map {
                PeerSocket(
                    localPort: host.server.electionPort,
                    remoteAddress: $0,
                    remotePort: other.server.electionPort
                )
            }
        }
        let zookeeper = ZooKeeperStatus(
            service: host.server.service,
            state: host.pid.map { .running(pid: $0) } ?? .stopped,
            processStartedAt: nil,
            configPath: host.server.configPath,
            file: fileState(name),
            fileView: Self.members(of: host.file),
            runningView: host.view,
            serving: serving,
            data: DataDirectory(
                path: "/data",
                logPath: "/data",
                isEmpty: host.zxid == nil,
                myid: host.server.id.value,
                currentEpoch: nil,
                acceptedEpoch: nil,
                lastZxid: host.zxid,
                problems: []
            ),
            peerSockets: sockets,
            diskFree: nil
        )
        return HostStatus(
            host: name,
            agentVersion: "test",
            protocolVersion: ControlProtocolVersion.current,
            clock: 0,
            agentStartedAt: 0,
            lease: host.lease,
            rules: rules(name),
            zookeeper: zookeeper
        )
    }
}
