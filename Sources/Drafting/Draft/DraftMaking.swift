import ControlProtocol
import Fleet
import Procedure
import Settings
import Topology

/// Draws a plan up from what was seen; whatever was not seen becomes a question, and nothing is guessed.
package struct DraftMaking {
    private static let mostAskedSingly = 20

    let sighting: Sighting
    let wishes: DraftWishes
    let place: DraftPlace
    var questions: [String] = []
    var remarks: [String] = []

    package init(_ sighting: Sighting, wishes: DraftWishes, place: DraftPlace) {
        self.sighting = sighting
        self.wishes = wishes
        self.place = place
    }

    package func draft() -> Draft {
        var making = self
        return making.made()
    }

    private mutating func made() -> Draft {
        askSilent()
        let servers = sighting.hosts.compactMap { SeenServer($0) }
        let ensembles = SeenEnsemble.all(of: servers)
        let brokers = brokers()
        let source = source(ensembles, brokers)
        let destination = destination(servers, beside: source)
        let sides = (side(source, .source), side(destination, .destination))
        let cluster = source.flatMap { kafka(brokers, of: $0, among: ensembles) }
        compare(source, destination)
        let (strategy, reason) = strategy(source, destination)
        let fault = standaloneFault(sides.0.servers + sides.1.servers, cluster)
        if let fault, !wishes.isStandalone { remarks.append("the plan carries its hosts itself: \(fault)") }
        return Draft(
            name: wishes.name ?? sighting.inventory.name,
            place: place,
            pki: sighting.inventory.pki,
            isStandalone: wishes.isStandalone || fault != nil,
            strategy: strategy,
            strategyReason: reason,
            source: sides.0,
            destination: sides.1,
            kafka: cluster,
            deadlines: deadlines(source),
            questions: questions,
            remarks: remarks
        )
    }

    mutating func ask(_ question: String) { questions.append(ForeignText.shown(question)) }

    private mutating func askSilent() {
        var silent: [(host: HostName, reason: String)] = []
        for host in sighting.hosts {
            guard case .silent(let reason) = host.seen else { continue }
            let name = host.known.host
            if host.known.settings.role == .other {
                remarks.append("\(name): no answer, and left out, being neither of the two: \(reason)")
            } else {
                silent.append((name, reason))
            }
        }
        guard silent.count <= Self.mostAskedSingly else {
            return ask(
                "what are \(silent.count) hosts to this plan? Their agents did not answer, that of \(silent[0].host) for one "
                    + "(\(silent[0].reason)); `mitosis init` again when they do, or with an inventory without them."
            )
        }
        for (host, reason) in silent {
            ask(
                "what is \(host) to this plan? Its agent did not answer (\(reason)); `mitosis init` again when it does."
            )
        }
    }

    private mutating func brokers() -> [SeenBroker] {
        var brokers: [SeenBroker] = []
        for host in sighting.hosts {
            if let first = host.unread.first {
                ask(
                    "which file of \(host.known.host) is its broker's? Its agent lists too many, and \(host.unread.count) were not "
                        + "read, \(first) for one: say it by 'role' and 'config' in the inventory, and `mitosis init` again."
                )
            }
            switch BrokerLook(host) {
            case .none:
                guard let status = host.status, status.zookeeper == nil, host.known.settings.role != .other
                else { continue }
                remarks.append(
                    "\(host.known.host): neither a ZooKeeper nor a broker's file was found, and it is left out; if a broker is "
                        + "there, say 'role' and 'config' in the inventory"
                )
            case .broker(let broker): brokers.append(broker)
            case .client(let path):
                remarks.append(
                    "\(host.known.host): \(path) names a ZooKeeper, and no broker runs there: if it moves, it belongs under 'clients'"
                )
            case .unclear(let fault): ask("which broker is on this host? \(fault).")
            }
        }
        return brokers
    }

    /// `observers` where nothing else is possible; else what a plan has without saying.
    private func strategy(
        _ source: SeenEnsemble?,
        _ destination: SeenEnsemble?
    ) -> (MigrationPlan.Strategy, String) {
        let other =
            "`observers` neither changes nor restarts the source: take it where you can; `participants` restarts each "
            + "source server twice and is the way as published"
        if let wish = wishes.strategy { return (wish, "as asked for; \(other)") }
        let affected = source?.servers.compactMap(\.version).first {
            ZooKeeperVersion($0.description)?.isAffectedBy3829 ?? false
        }
        if let affected {
            return (
                .observers,
                "ZooKeeper \(affected) of the source cannot grow by restarts (ZOOKEEPER-3829); observers add no members"
            )
        }
        let older = source?.version.flatMap { ZooKeeperVersion($0.description) }
        let newer = destination?.version.flatMap { ZooKeeperVersion($0.description) }
        if let older, let newer, (older.major, older.minor) < (newer.major, newer.minor) {
            return (
                .observers,
                "the destination is newer (\(older), \(newer)): with observers the old voters never hear a newer voter"
            )
        }
        return (.participants, other)
    }

    /// Sessions that the destination would cut short, and files that nobody else reads.
    private mutating func compare(_ source: SeenEnsemble?, _ destination: SeenEnsemble?) {
        guard let source, let destination else { return }
        let granted = source.servers.compactMap(\.config)
        guard let least = granted.map(\.minSessionTimeout).min(),
            let most = granted.map(\.maxSessionTimeout).max()
        else { return }
        for server in destination.servers {
            guard let config = server.config,
                config.minSessionTimeout > least || config.maxSessionTimeout < most
            else { continue }
            remarks.append(
                "\(server.host) grants sessions of \(config.minSessionTimeout) to \(config.maxSessionTimeout) ms, the source "
                    + "of \(least) to \(most) ms: `session-limits` of the preflight will refuse that"
            )
        }
    }

    /// Longer ones where loading the data takes long; as the expected window is guessed.
    private func deadlines(_ source: SeenEnsemble?) -> Draft.Deadlines? {
        guard let bytes = source?.servers.compactMap(\.status.dataSize).max() else { return nil }
        let guess = WindowPrediction(starts: [], bytes: bytes, limit: nil, sessions: [:])
        let restart = Self.seconds(guess.start, times: 3, least: 120, most: 3600)
        let division = Self.seconds(guess.worst, times: 2, least: 60, most: 600)
        guard restart > 120 || division > 60 else { return nil }
        return Draft.Deadlines(
            join: restart,
            restart: restart,
            division: division,
            reason:
                "a server may take \(guess.start / 1000) s to load its \(guess.megabytes) MB, so these are longer than usual"
        )
    }

    private static func seconds(_ milliseconds: Int, times factor: Int, least: Int, most: Int) -> Int {
        let wanted = milliseconds.times(saturating: factor) / 1000
        return min(most, max(least, wanted.plus(saturating: 29) / 30 * 30))
    }

    /// Why the inventory cannot speak for these hosts; nil when it can.
    private func standaloneFault(_ servers: [Draft.Server], _ kafka: Draft.Kafka?) -> String? {
        for server in servers {
            let known = server.known
            if known.address != server.address {
                return
                    "\(known.host) is \(server.address) in server lines and \(known.address) in the inventory"
            }
            if let fault = Self.settingsFault(known, server.service, server.config) { return fault }
        }
        for broker in kafka?.brokers ?? [] {
            if let fault = Self.settingsFault(broker.known, broker.service, broker.config) { return fault }
        }
        return nil
    }

    private static func settingsFault(_ known: InventoryHost, _ service: String, _ config: String) -> String?
    {
        if let told = known.settings.service, told != service {
            return "the agent of \(known.host) knows \(service), the inventory \(told)"
        }
        if let told = known.settings.config, told != config {
            return "the agent of \(known.host) knows \(config), the inventory \(told)"
        }
        return nil
    }
}
