import ControlProtocol
import Fleet
import Settings
import Topology

/// Checks of the source: one healthy ensemble, just as the plan describes it, of a version that can grow.
extension MigrationProcedure {
    /// Trap 1.
    var versionCanGrow: Check {
        Check(
            .zookeeperVersion,
            "members can be added to the source's version by restarts",
            remedy: "Use `strategy: observers`, which adds no members, or upgrade to 3.5.9, 3.6.2 or later",
            looking: Look(hosts: source.map(\.host))
        ) { [source, plan] fleet, _ in
            var remarks = Remarks()
            var versions: Set<String> = []
            for (server, zookeeper) in Self.seen(source, fleet) {
                guard let version = zookeeper.stats?.version else { continue }
                versions.insert(version)
                guard plan.strategy == .participants, ZooKeeperVersion(version)?.isAffectedBy3829 ?? false
                else { continue }
                remarks.refuse(
                    "\(server.host) runs ZooKeeper \(version), which can elect a leader that cannot commit while members "
                        + "are added (ZOOKEEPER-3829)"
                )
            }
            return remarks.verdict("ZooKeeper " + versions.sorted().joined(separator: ", "))
        }
    }

    /// Trap 2.
    var sourceIsWhole: Check {
        Check(
            .sourceEnsemble,
            "exactly one source server leads, all others follow, and all run the plan's view",
            remedy:
                "Bring the source to one leader with every other server following; a server that runs another view, or one "
                + "that its agent did not see start, is to be restarted with its file",
            looking: Look(hosts: source.map(\.host))
        ) { [source, sourceView] fleet, _ in
            var remarks = Remarks()
            var leaders: [HostName] = []
            var unasked = source.count
            for (server, zookeeper) in Self.onPlan(source, fleet) {
                // One that answers and refuses the question is for `four-letter-words`.
                if !zookeeper.serving.isSilenced { unasked -= 1 }
                Self.remark(server, zookeeper, sourceView, &remarks, &leaders)
            }
            if leaders.count > 1 { remarks.wait("\(Self.list(leaders)) all lead") }
            if leaders.isEmpty, unasked == 0 { remarks.wait("no source server leads") }
            if let leader = leaders.first, leaders.count == 1, unasked == 0,
                let synced = fleet.stats(leader)?.syncedFollowers, synced < source.count - 1
            {
                remarks.wait("\(leader) leads, \(synced) of \(source.count - 1) followers are in sync")
            }
            let leader = leaders.isEmpty ? "one that was not asked" : Self.list(leaders)
            return remarks.verdict("\(leader) leads, \(source.count - unasked) of \(source.count) serve")
        }
    }

    private static func remark(
        _ server: PlannedServer,
        _ zookeeper: ZooKeeperStatus,
        _ view: [Member],
        _ remarks: inout Remarks,
        _ leaders: inout [HostName]
    ) {
        let host = server.host
        switch zookeeper.state {
        case .stopped: return remarks.refuse("\(host): \(zookeeper.service) is stopped")
        case .failed(let reason): return remarks.refuse("\(host): \(zookeeper.service) has failed: \(reason)")
        case .changing: return remarks.wait("\(host): \(zookeeper.service) is being started or stopped")
        case .running: break
        }
        switch zookeeper.serving {
        case .yes(let stats):
            switch stats.role {
            case .leader: leaders.append(host)
            case .follower: break
            case .observer, .standalone:
                remarks.refuse("\(host) serves as \(stats.role.rawValue), not as a voter")
            }
        case .looking: remarks.wait("\(host) is looking for a leader")
        case .unreachable(let reason):
            if !zookeeper.serving.isSilenced { remarks.wait("\(host) does not answer: \(reason)") }
            return
        }
        guard let running = zookeeper.runningView else {
            return remarks.wait("\(host): which view its process runs is not known")
        }
        if Set(running) != Set(view) {
            let ids = running.map(\.id).sorted().map(\.description).joined(separator: " ")
            remarks.refuse("\(host): its process runs another view than the plan's (ids \(ids))")
        }
    }

    /// Trap 7.
    ///
    /// Judged by the answers: ZooKeeper allows `srvr` whatever its whitelist says, as its own scripts need it.
    var wordsAreAllowed: Check {
        Check(
            .fourLetterWords,
            "every source server answers `srvr`",
            remedy:
                "Allow srvr and mntr (4lw.commands.whitelist=srvr,mntr) and restart the servers that refuse it; without mntr "
                + "it is not seen whether the leader counts its followers as synced",
            looking: Look(hosts: source.map(\.host))
        ) { [source, configurations] fleet, _ in
            var remarks = Remarks()
            let running = Self.running(source, fleet)
            for (server, zookeeper) in running where zookeeper.serving.isSilenced {
                remarks.refuse("\(server.host) refuses `srvr`")
            }
            for (server, file) in configurations {
                guard let words = file.allowedFourLetterWords, words.isDisjoint(with: ["mntr", "*"]) else {
                    continue
                }
                remarks.warn("\(server.host): \(server.configPath): 4lw.commands.whitelist leaves mntr out")
            }
            return remarks.verdict("\(running.count) servers answer srvr")
        }
    }

    /// Trap 8.
    ///
    /// The canary's own transaction, seen through every server, is the movement of the zxid.
    var sourceCommits: Check {
        let question = CanaryQuestion(name: plan.name, sides: [source])
        return Check(
            .writeCanary,
            "a node that is written through the source is seen on every server of it",
            remedy:
                "See that every source server takes clients' sessions and that the root's ACL lets anybody create a node "
                + "(an ephemeral one, /mitosis-canary-..., gone at once)",
            looking: Look(hosts: source.map(\.host), canary: question)
        ) { [source] fleet, _ in
            let serving = source.filter { fleet.stats($0.host) != nil }
            guard serving.count == source.count else {
                return .holds(
                    observed: "not judged: \(serving.count) of \(source.count) servers were seen to serve"
                )
            }
            switch fleet.canaries[question] {
            case nil: return .waiting(reason: "no canary was written")
            case .silent(let reason): return .waiting(reason: reason)
            case .seen(let sightings):
                let missing = sightings.flatMap(\.missing)
                guard missing.isEmpty else {
                    return .waiting(reason: "a canary is not seen on \(missing.joined(separator: ", "))")
                }
                return .holds(observed: "written through one server, seen on all \(source.count)")
            }
        }
    }

    /// Trap 23: rules and proofs are made of the plan's addresses.
    var peersArePlanned: Check {
        Check(
            .peerAddresses,
            "every quorum and election connection of the source goes to an address of the plan",
            remedy: "Add the address to `addresses` of the server that has it: a wall would not cover it",
            looking: Look(hosts: source.map(\.host))
        ) { [source, plan] fleet, _ in
            var remarks = Remarks()
            let known = Set(plan.servers.flatMap(\.allAddresses))
            var count = 0
            for (server, zookeeper) in Self.running(source, fleet) {
                guard let sockets = zookeeper.peerSockets else {
                    remarks.wait("\(server.host) cannot tell which connections it has")
                    continue
                }
                count += sockets.count
                for socket in sockets where !known.contains(socket.remoteAddress) {
                    remarks.refuse(
                        "\(server.host) is connected to \(socket.remoteAddress), an address that the plan does not name"
                    )
                }
            }
            return remarks.verdict("\(count) connections, all to addresses of the plan")
        }
    }
}
