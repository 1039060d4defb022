import ControlProtocol
import Settings
import Topology

/// Which servers are the source, and which the destination.
extension DraftMaking {
    mutating func source(_ ensembles: [SeenEnsemble], _ brokers: [SeenBroker]) -> SeenEnsemble? {
        let serving = ensembles.filter(\.isServing)
        guard let chosen = chosenSource(serving, brokers) else { return nil }
        for other in serving
        where Set(other.members) != Set(chosen.members) && chosen.isAkin(to: other.members) {
            // What is at an address of the source's own is asked about with that server.
            let strangers = other.servers.filter { server in
                server.isRunning && !chosen.members.contains { server.known.answers(to: $0.address) }
            }
            guard !strangers.isEmpty else { continue }
            ask(
                "are \(strangers.map(\.host).listed()) servers of the source? They run with a view that has servers of it and is "
                    + "another (ids \(other.members.map(\.id).listed())): bring all into one ensemble, or stop them, and "
                    + "`mitosis init` again."
            )
        }
        return chosen
    }

    private mutating func chosenSource(_ serving: [SeenEnsemble], _ brokers: [SeenBroker]) -> SeenEnsemble? {
        if let wish = wishes.source {
            if let chosen = serving.first(where: { $0.contains(wish) }) { return chosen }
            ask(
                "which ensemble is the source? \(wish) of --source runs no server of one; \(Self.listed(serving))."
            )
            return nil
        }
        let used = serving.filter { ensemble in brokers.contains { $0.uses(ensemble) } }
        for candidates in [serving, used] where candidates.count == 1 { return candidates[0] }
        if serving.isEmpty {
            ask(
                "which ensemble is the source? No host of the inventory runs a server of one: start it, or add its hosts."
            )
        } else {
            let brokers = used.isEmpty ? "no broker uses any" : "brokers use \(used.count) of them"
            ask(
                "which ensemble is the source? \(Self.listed(serving)); \(brokers). `mitosis init` again with --source and "
                    + "one of its hosts."
            )
        }
        return nil
    }

    /// For instance `running are a1, a2, a3 and b1, b2, b3`.
    private static func listed(_ ensembles: [SeenEnsemble]) -> String {
        ensembles.isEmpty
            ? "none runs" : "running are " + ensembles.map { "(\($0.names))" }.joined(separator: " and ")
    }

    mutating func destination(_ servers: [SeenServer], beside source: SeenEnsemble?) -> SeenEnsemble? {
        let others = servers.filter { source?.contains($0.host) != true }
        let chosen = chosenDestination(servers, others, source)
        tellUnused(others, source, chosen)
        return chosen
    }

    private mutating func chosenDestination(
        _ servers: [SeenServer],
        _ others: [SeenServer],
        _ source: SeenEnsemble?
    ) -> SeenEnsemble? {
        if let wish = wishes.destination { return wanted(wish, servers, others, source) }
        let candidates = SeenEnsemble.all(of: others).filter(\.isIdle)
        if candidates.count == 1 { return candidates[0] }
        if candidates.isEmpty {
            let nameless = others.filter { $0.isIdle && $0.view == nil }
            ask(
                nameless.isEmpty
                    ? "which hosts are the destination? None of the inventory has a ZooKeeper that is stopped and empty, "
                        + "with the ensemble of the destination in its file."
                    : "which hosts are the destination? \(nameless.map(\.host).listed()) could be, but no file there names an "
                        + "ensemble\(fileFaults(nameless)): write the zoo.cfg that each will have after the migration."
            )
        } else {
            ask(
                "which hosts are the destination? Stopped and empty are "
                    + candidates.map { "(\($0.names))" }.joined(separator: " and ")
                    + ". `mitosis init` again with --destination and the hosts of one."
            )
        }
        return nil
    }

    private func fileFaults(_ servers: [SeenServer]) -> String {
        let faults = servers.compactMap { server -> String? in
            switch server.file {
            case .success: nil
            case .failure(let fault): "\(server.host): \(server.status.configPath) \(fault.reason)"
            }
        }
        return faults.isEmpty ? "" : " (\(faults.joined(separator: "; ")))"
    }

    /// Whoever is on neither side, but for those that a question is about.
    private mutating func tellUnused(
        _ servers: [SeenServer],
        _ source: SeenEnsemble?,
        _ destination: SeenEnsemble?
    ) {
        let members = (source?.members ?? []) + (destination?.members ?? [])
        for server in servers
        where destination?.contains(server.host) != true && wishes.destination?.contains(server.host) != true
        {
            if server.isRunning {
                // Without a source every one that runs was named as what it could be.
                guard let source, !source.isAkin(to: server.view ?? []),
                    !members.contains(where: { server.known.answers(to: $0.address) })
                else { continue }
                remarks.append("\(server.host): has a ZooKeeper that runs, and is on neither side; left out")
            } else if !server.status.data.isEmpty {
                remarks.append("\(server.host): has a ZooKeeper that is stopped, with data; left out")
            } else if destination != nil {
                remarks.append(
                    server.view == nil
                        ? "\(server.host): has a ZooKeeper that is stopped, and no ensemble in its file; left out"
                        : "\(server.host): has a ZooKeeper that is stopped and empty, and is on neither side; left out"
                )
            }
        }
    }

    /// What --destination names, whatever runs there: what is wrong with it becomes a question.
    private mutating func wanted(
        _ wish: Set<HostName>,
        _ servers: [SeenServer],
        _ others: [SeenServer],
        _ source: SeenEnsemble?
    ) -> SeenEnsemble? {
        let chosen = others.filter { wish.contains($0.host) }
        for host in wish.sorted() where !chosen.contains(where: { $0.host == host }) {
            let isSource = servers.contains { $0.host == host }
            // Of a silent host it was asked already.
            guard isSource || sighting.hosts.first(where: { $0.known.host == host })?.status != nil else {
                continue
            }
            ask(
                "is \(host) of --destination a server of the destination? "
                    + (isSource ? "It is one of the source." : "Its agent knows no ZooKeeper there.")
            )
        }
        let nameless = chosen.filter { $0.view == nil }
        if !nameless.isEmpty {
            ask(
                "which servers will \(nameless.map(\.host).listed()) be? No file there names an ensemble\(fileFaults(nameless)): "
                    + "write the zoo.cfg that each will have after the migration."
            )
        }
        let ensembles = SeenEnsemble.all(of: chosen)
        if ensembles.count > 1 {
            ask(
                "which ensemble is the destination? The files of --destination name \(ensembles.count): "
                    + ensembles.map { "(\($0.names))" }.joined(separator: " and ") + ". Make them the same."
            )
            return nil
        }
        for server in chosen where !server.isIdle {
            ask(
                "is \(server.host) free to be a server of the destination? "
                    + (server.isRunning ? "Its ZooKeeper runs." : "Its data directory is not empty.")
                    + " Stop it, and empty it, if it is."
            )
        }
        return ensembles.first
    }

    /// The servers of one side as a plan has them; each one that nobody could tell becomes a question.
    mutating func side(_ ensemble: SeenEnsemble?, _ side: EnsembleSide) -> Draft.Side {
        guard let ensemble else { return Draft.Side() }
        var drafted = Draft.Side(servers: [], notes: notes(of: ensemble))
        let observers = ensemble.members.filter { $0.role == .observer }
        if !observers.isEmpty {
            ask(
                "what becomes of the \(side.rawValue)'s observers (ids \(observers.map(\.id).listed()))? A plan has voters only: "
                    + "take them out of the files first."
            )
        }
        var taken: [ServerID] = []
        for server in ensemble.servers {
            guard let member = server.member(of: ensemble.members) else {
                ask(
                    "which server of the \(side.rawValue) is \(server.host)? "
                        + (server.status.data.myid.map { "Its myid is \($0), which no server line has." }
                            ?? "It has no myid, and no server line has its address.")
                )
                continue
            }
            taken.append(member.id)
            guard member.role == .participant, let one = self.server(server, as: member) else { continue }
            drafted.servers.append(one)
        }
        for member in ensemble.members where !taken.contains(member.id) && member.role == .participant {
            let host = sighting.hosts.first { $0.known.answers(to: member.address) && $0.status != nil }
            let isLeftOut =
                side == .destination
                && host.map { wishes.destination?.contains($0.known.host) == false } == true
            let found =
                host.map {
                    "\($0.known.host) has this address, and "
                        + (isLeftOut
                            ? "is not in --destination: add it"
                            : "its own view is another, or not known: bring it into the ensemble")
                }
                ?? "the others name it, and no host that answered is it: add it to the inventory, or wait for its agent"
            ask(
                "which host is server \(member.id) of the \(side.rawValue), at \(member.address)? \(found), and `mitosis init` "
                    + "again."
            )
        }
        drafted.servers.sort { $0.id < $1.id }
        return drafted
    }

    private mutating func server(_ server: SeenServer, as member: Member) -> Draft.Server? {
        let status = server.status
        let texts = [
            ("the address of server \(member.id)", member.address), ("the service", status.service),
            ("the path of its file", status.configPath),
        ]
        guard canStand(texts, on: server.host, status.configPath) else { return nil }
        if case .failure(let fault) = server.file {
            ask(
                "which client port has \(server.host)? \(status.configPath) \(fault.reason). Without an answer it is 2181."
            )
        }
        let port = server.clientPort(as: member)
        if port == nil, server.config != nil {
            ask(
                "which client port has \(server.host)? Neither a clientPort nor its server line in \(status.configPath) says. "
                    + "Without an answer it is 2181."
            )
        }
        guard let standard = Port(2181) else { return nil }
        return Draft.Server(
            id: member.id,
            known: server.known,
            address: member.address,
            clientPort: port ?? standard,
            quorumPort: member.quorumPort,
            electionPort: member.electionPort,
            service: status.service,
            config: status.configPath,
            note: Self.note(of: server)
        )
    }

    /// Asks about the first text that nobody could read for what it is.
    mutating func canStand(_ texts: [(what: String, text: String)], on host: HostName, _ file: String) -> Bool
    {
        guard let (what, text) = texts.first(where: { !ForeignText.canStand($0.text) }) else { return true }
        ask(
            "what is \(what) on \(host)? \(file) has '\(text)', with what is invisible or too long. Mend the file, and "
                + "`mitosis init` again."
        )
        return false
    }

    private func notes(of ensemble: SeenEnsemble) -> [String] {
        let versions = Set(ensemble.servers.compactMap { $0.version?.description }).sorted()
        let configs = ensemble.servers.compactMap(\.config)
        let sessions = Set(
            configs.map {
                "sessions of \($0.minSessionTimeout) to \($0.maxSessionTimeout) ms (tickTime \($0.tickTime))"
            }
        ).sorted()
        let parts = [versions.isEmpty ? "version not known" : "ZooKeeper " + versions.listed()] + sessions
        return [parts.joined(separator: "; ")]
    }

    private static func note(of server: SeenServer) -> String {
        let status = server.status
        var parts: [String] = []
        if let stats = server.stats {
            parts = ["\(stats.role.rawValue)", "\(stats.nodeCount) nodes"]
        } else if server.isRunning {
            parts = ["runs, and does not serve"]
        } else {
            parts = [status.data.isEmpty ? "stopped and empty" : "stopped, with data"]
        }
        if let size = status.dataSize, !status.data.isEmpty { parts.append("\(Self.size(size)) on disk") }
        if let free = status.diskFree { parts.append("\(Self.size(free)) free") }
        if let running = status.runningView, let file = status.fileView, Set(running) != Set(file) {
            parts.append("its process runs another view than its file")
        }
        return parts.joined(separator: ", ")
    }

    private static func size(_ bytes: UInt64) -> String {
        let kilobytes = bytes / 1000
        if kilobytes < 1000 { return "\(kilobytes) kB" }
        return kilobytes < 10_000_000 ? "\(kilobytes / 1000) MB" : "\(kilobytes / 1_000_000) GB"
    }
}
