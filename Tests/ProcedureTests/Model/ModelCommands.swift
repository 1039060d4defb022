import ControlProtocol
import Fleet
import FoundationEssentials
import KafkaMetadata
import Procedure
import Settings
import Topology

/// What the model's agents do and say.
extension ModelEnsemble {
    /// I10 as far as a model without trees goes: who can be asked, what is asked, and that nothing of the evidence is gone.
    mutating func prove(_ question: ProofQuestion) -> ProofAnswer {
        let servers: [PlannedServer]
        switch question {
        case .smokeTest(let tried, _): servers = tried
        case .test(let test, _): return ProofAnswer(.proven, "test '\(test.name)' passed", output: "ok")
        case .comparison(let trees):
            servers = trees.source + trees.destination
            for server in trees.destination
            where hosts[server.host]?.wall == nil && !rebooted.contains(server.host) {
                violations.append("I10: \(server.host) has no wall any more, and was not compared yet")
            }
            if let acknowledged, trees.split.map({ $0 < acknowledged }) ?? true {
                violations.append(
                    "I10: compared as if divided after \(String(describing: trees.split)), not \(acknowledged)"
                )
            }
        }
        let silent = servers.filter { !serves($0.host) }
        return silent.isEmpty
            ? ProofAnswer(.proven, "equal")
            : ProofAnswer(.open, "not all could be asked", details: silent.map { "\($0.host): no answer" })
    }

    mutating func perform(_ request: CommandRequest, on name: HostName) -> CommandOutcome {
        if let stored = outcomes[request.id] { return stored }
        let highest = lease(of: name).highestEpoch
        guard request.lease.epoch >= highest else { return .refused(refusal: .superseded(highest: highest)) }
        performed.append(HostCommand(name, request.command))
        let run = request.lease.runID
        let outcome =
            if brokers.brokers[name] != nil {
                brokers.act(request.command, on: name, for: run)
            } else if applications.all[name] != nil {
                applications.act(request.command, on: name, for: run)
            } else {
                act(request.command, on: name, for: run)
            }
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

    private mutating func act(_ command: Command, on name: HostName, for run: RunID) -> CommandOutcome {
        switch command {
        case .installWall(let wall, let holding, let lapse):
            guard order(name, for: run, holding: holding != nil, lapse) else {
                return .failed(message: "it went back by itself")
            }
            hosts[name]?.wall = wall
            elect()
            return .done(result: .rules(rules: rules(name)))
        case .removeWall:
            checkHealing()
            hosts[name]?.wall = nil
            hosts[name]?.order = nil
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
                if hosts[name]?.backups[run] == nil {
                    let original = hosts[name]?.file
                    hosts[name]?.backups[run] = original
                }
                hosts[name]?.file = write.content
            }
            return .done(result: .file(file: fileState(name)))
        case .restoreFile:
            guard let backup = hosts[name]?.backups[run] else {
                return .refused(refusal: .invalid(reason: "no backup"))
            }
            hosts[name]?.file = backup
            return .done(result: .file(file: fileState(name)))
        case .service(let request):
            guard request.action == .stop || admitsStart(name) else {
                violations.append("I9: \(name) was to be started before all had committed")
                return .failed(message: "it may not start yet")
            }
            if request.action != .stop, hosts[name]?.pid == nil { checkCommitted(starting: name) }
            return service(request, on: name)
        case .detach(let request):
            guard order(name, for: run, holding: true, request.lapse) else {
                return .failed(message: "it went back by itself")
            }
            return detach(request, on: name)
        case .keepOrder(let restoring): return keepOrder(name, for: run, restoring: restoring ?? [])
        case .sever:
            hosts[name]?.halfOpen = []
            return .done(result: .rules(rules: rules(name)))
        case .pilotWall: return .refused(refusal: .invalid(reason: "not modelled"))
        case .removeHandMadeRules: return .refused(refusal: .invalid(reason: "not modelled"))
        case .discardCopy: return .done(result: .data(report: DataReport(path: nil)))
        case .setAside:
            guard hosts[name]?.pid == nil else { return .failed(message: "it runs") }
            hosts[name]?.disk = nil
            hosts[name]?.acceptedEpoch = 0
            return .done(result: .data(report: DataReport(path: "/data/mitosis-run/set-aside-1")))
        }
    }

    private mutating func detach(_ request: DetachRequest, on name: HostName) -> CommandOutcome {
        let pid = hosts[name]?.pid
        guard pid == request.pid || pid == nil else { return .failed(message: "another process runs") }
        let proof = detach(name, behind: request.wall)
        return .done(
            result: .detached(
                report: DetachReport(
                    service: request.service,
                    pid: pid,
                    proof: proof,
                    data: data(name),
                    rules: rules(name),
                    copy: "/data/mitosis-run",
                    phases: []
                )
            )
        )
    }

    func data(_ name: HostName) -> DataDirectory {
        let host = hosts[name]
        let odd = odd(name)
        return DataDirectory(
            path: "/data",
            logPath: "/data",
            isEmpty: host?.disk == nil,
            myid: odd.myid ?? host?.server.id.value,
            currentEpoch: odd.currentEpoch ?? (host?.disk == nil ? nil : host?.epoch),
            acceptedEpoch: odd.acceptedEpoch ?? (host?.disk == nil ? nil : host?.acceptedEpoch),
            snapshot: host?.disk == nil || odd.isYoung ? nil : Zxid(0),
            lastZxid: host?.disk.map { name == liar ? Zxid(epoch: 1, counter: 1) : $0 },
            missing: odd.missing,
            problems: odd.problems
        )
    }

    private mutating func service(_ request: ServiceRequest, on name: HostName) -> CommandOutcome {
        let old = hosts[name]?.pid
        switch request.action {
        case .start: start(name)
        case .stop:
            checkLeaving(name)
            stop(name)
            checkSourceServes(without: name)
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

    /// I8: nobody is left at a seed that leaves the joint ensemble.
    private mutating func checkLeaving(_ name: HostName) {
        guard let server = plan.seeds.first(where: { $0.host == name }), hosts[name]?.pid != nil,
            !isOwnView(name)
        else { return }
        for broker in brokers.brokers.values where broker.session?.origin == server.id {
            violations.append("I8: \(broker.planned.name) is at \(name), which is stopped")
        }
        for client in applications.all.values where client.session?.origin == server.id {
            violations.append("I8: \(client.planned.name) is at \(name), which is stopped")
        }
    }

    /// I3: the source goes on without the nodes that are stopped.
    private mutating func checkSourceServes(without name: HostName) {
        guard !isSource(name), !plan.source.contains(where: { serves($0.host) }) else { return }
        violations.append("I3: no source node serves without \(name)")
    }

    /// I1: rules go only while no node of a mixed view runs beside a destination node that has its own.
    private mutating func checkHealing() {
        let isDivided = plan.destination.contains { hosts[$0.host]?.pid != nil && isOwnView($0.host) }
        guard isDivided else { return }
        for server in plan.servers where hosts[server.host]?.pid != nil && !isOwnView(server.host) {
            violations.append("I1: rules removed while \(server.host) runs a mixed view")
        }
    }

    func fileState(_ name: HostName) -> FileState {
        FileState(
            path: hosts[name]?.server.configPath ?? "",
            digest: hosts[name]?.text.digest,
            size: hosts[name]?.file.count,
            mode: 0o644,
            owner: 0,
            group: 0,
            symlinkTarget: nil,
            changedAt: nil
        )
    }

    private func rules(_ name: HostName) -> InstalledRules {
        let wall = hosts[name]?.wall
        let odd = odd(name)
        return InstalledRules(
            backend: .nftables,
            wall: wall,
            count: wall == nil ? odd.unreadableRules == nil ? odd.leftRules : 1 : 4,
            counters: wall == nil
                ? []
                : ["input", "output"].map { chain in
                    InstalledRules.Counter(
                        chain: chain,
                        family: .ipv4,
                        packets: counted[name]?[chain] ?? 0,
                        bytes: 0
                    )
                },
            listing: "",
            unreadable: odd.unreadableRules
        )
    }

    mutating func probe(_ targets: [ProbeTarget], from name: HostName) -> [ProbeResult] {
        targets.map { target in
            count(target, from: name)
            let other = hosts.values.first { $0.server.allAddresses.contains(target.address) }
            let isOpen = other.map { $0.pid != nil && !isCut(name, $0.server.host) }
            let isAnswered = isOpen ?? applications.answers(target, on: name)
            let answer: ProbeResult.Answer = isAnswered ? .connected : .refused
            return ProbeResult(target: target, answer: odd(name).answers[target] ?? answer)
        }
    }

    /// What the walls of both ends would count of an attempt.
    private mutating func count(_ target: ProbeTarget, from name: HostName) {
        guard let other = hosts.values.first(where: { $0.server.allAddresses.contains(target.address) }),
            isCut(name, other.server.host)
        else { return }
        if hosts[name]?.wall != nil {
            counted[name, default: [:]]["output", default: 0] += 1
        } else {
            counted[other.server.host, default: [:]]["input", default: 0] += 1
        }
    }

    func status(_ name: HostName) -> HostStatus? {
        let odd = odd(name)
        guard let host = hosts[name] else {
            let lease = lease(of: name)
            var status =
                odd.isSilent
                ? nil
                : brokers.status(name, lease: lease, clock: clock)
                    ?? applications.status(name, lease: lease, clock: clock)
            status?.configurationManagers = odd.configurationManagers
            return status
        }
        guard !odd.isSilent else { return nil }
        let stats = ServerStats(
            version: odd.version,
            role: odd.role ?? role(name),
            zxid: host.memory ?? Zxid(0),
            connections: 1,
            outstanding: 0,
            nodeCount: 5,
            syncedFollowers: odd.syncedFollowers
        )
        let serving: Serving =
            host.pid == nil
            ? .unreachable(reason: "refused")
            : odd.isSilenced
                ? .unreachable(reason: "srvr is not executed because it is not in the whitelist.")
                : serves(name) ? .yes(stats: stats) : .looking
        let peers =
            reached(by: name).filter { other in
                let isPeer = host.view?.contains { $0.id == other.server.id } ?? false
                return isPeer && other.server.host != name
            } + host.halfOpen.compactMap { hosts[$0] }
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
            service: odd.service ?? host.server.service,
            state: odd.state ?? host.pid.map { .running(pid: $0) } ?? .stopped,
            processStartedAt: host.pid == nil ? nil : host.startedAt - odd.slowness,
            configPath: odd.configPath ?? host.server.configPath,
            file: fileState(name),
            fileView: host.text.view,
            runningView: odd.runningView ?? host.view,
            serving: serving,
            data: data(name),
            peerSockets: odd.hidesSockets ? nil : sockets + strangers(name),
            diskFree: odd.diskFree,
            javaProperties: odd.hidesProcess ? nil : host.pid.map { _ in host.javaProperties },
            dataSize: host.disk == nil ? 0 : odd.dataSize,
            lookingFor: serving == .looking ? Int(clock - host.startedAt) : nil,
            leadingFor: serving == .looking && odd.leadsInVain ? Int(clock - host.startedAt) : nil,
            hasOwnNetwork: host.pid.map { _ in odd.hasOwnNetwork },
            boot: odd.boot
        )
        var status = HostStatus(
            host: name,
            agentVersion: "test",
            protocolVersion: odd.protocolVersion,
            clock: clock + odd.skew,
            agentStartedAt: 0,
            lease: host.lease,
            rules: rules(name),
            zookeeper: odd.hasNoZooKeeper ? nil : zookeeper,
            credentials: odd.credentials,
            ruleManagers: odd.managers,
            reach: odd.reach,
            order: odd.order ?? host.order?.state
        )
        status.configurationManagers = odd.configurationManagers
        return status
    }

    private func strangers(_ name: HostName) -> [PeerSocket] {
        guard let port = hosts[name]?.server.electionPort else { return [] }
        return odd(name).strangers.map {
            PeerSocket(localPort: port, remoteAddress: $0, remotePort: port)
        }
    }

    private func role(_ name: HostName) -> ServerStats.Role {
        if leader(for: name) == name { return .leader }
        let own = hosts[name]?.view?.first { $0.id == hosts[name]?.server.id }
        return own?.role == .observer ? .observer : .follower
    }

    /// Where each of the canaries is seen: on every serving node of its side, and elsewhere when the model is mixed.
    func findCanaries(_ question: CanaryQuestion) -> CanaryAnswer {
        if isReadOnly { return .silent(reason: "a canary cannot be written: no authentication") }
        for side in question.sides where !side.contains(where: { serves($0.host) }) {
            return .silent(reason: "no server of \(side.map(\.host)) answers")
        }
        return .seen(
            question.sides.enumerated().map { index, side in
                let others = question.sides.enumerated().filter { $0.offset != index }.flatMap(\.element)
                return CanarySighting(
                    path: "/mitosis-canary-\(index + 1)",
                    missing: side.filter { !serves($0.host) }.map(\.host.description),
                    strays: isMixed ? others.map(\.host.description) : []
                )
            }
        )
    }

    /// A node's history holds everything up to its last transaction.
    func history(of zxids: [Zxid], on name: HostName) -> [Zxid: Presence] {
        let end = hosts[name]?.disk ?? Zxid(0)
        return Dictionary(uniqueKeysWithValues: zxids.map { ($0, $0 <= end ? .logged : .absent) })
    }
}
