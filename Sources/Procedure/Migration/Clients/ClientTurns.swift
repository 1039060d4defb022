import ControlProtocol
import Fleet
import Settings
import Topology

/// Whose turn it is.
extension ClientsProcedure {
    /// A client that is not back, and what it lacks of it.
    struct Pending {
        let client: PlannedClient
        let lack: String

        var sentence: String { "\(client.title): \(lack)" }
    }

    /// How far a client is that is not back.
    enum Progress {
        case untouched
        /// Its restart was noted, and it still runs as before.
        case begun
        /// It was restarted, or does not run.
        case away
    }

    /// Those that lack something, in the order of the plan.
    func pending(_ lacking: (PlannedClient) -> String?) -> [Pending] {
        clients.compactMap { client in lacking(client).map { Pending(client: client, lack: $0) } }
    }

    /// Those that are dealt with next, at once: of a batch that was interrupted all, and as long as one of them is away nobody
    /// else beside them.
    ///
    /// - Parameters:
    ///   - pending: whose turn comes first first.
    ///   - needed: so many of them are to be back afterwards.
    /// - Returns: A failure when that cannot be before one that is away is back.
    func next(
        of pending: [Pending],
        needed: Int,
        _ progress: (PlannedClient) -> Progress
    ) -> Result<[PlannedClient], Undecidable> {
        var (away, begun, untouched) = ([Pending](), [PlannedClient](), [PlannedClient]())
        for one in pending {
            switch progress(one.client) {
            case .untouched: untouched.append(one.client)
            case .begun: begun.append(one.client)
            case .away: away.append(one)
            }
        }
        guard let first = away.first else {
            return .success(Array((begun + untouched).prefix(min(plan.clients.batch, max(needed, 1)))))
        }
        let batch = Array((away.map(\.client) + begun).prefix(plan.clients.batch))
        guard away.count <= batch.count, batch.count >= needed else {
            return .failure(
                Undecidable(reason: "\(first.sentence); no other client is touched until it is back")
            )
        }
        return .success(batch)
    }

    /// The same of those that are moved to a side.
    func next(
        of pending: [Pending],
        needed: Int,
        to side: EnsembleSide,
        _ fleet: FleetView,
        _ facts: RunFacts
    ) -> Result<[PlannedClient], Undecidable> {
        let ranked = pending.map { ($0, rank($0.client, to: side, fleet, facts)) }.sorted { $0.1 < $1.1 }
        return next(of: ranked.map(\.0), needed: needed) { client in
            let isAsNoted = isAsNoted(client, fleet, facts)
            guard isAsNoted || hasFile(of: side, client, fleet) else {
                return isHealed(by: side, client, fleet) ? .begun : .untouched
            }
            return isAsNoted && fleet.service(client.service, on: client.host)?.pid != nil ? .begun : .away
        }
    }

    /// Whether it does not run, and may be so because of the seeds that its file names: what it needs is its turn on the way back.
    private func isHealed(by side: EnsembleSide, _ client: PlannedClient, _ fleet: FleetView) -> Bool {
        guard side == .source, !hasFile(of: .source, client, fleet) else { return false }
        if case .lasting = ailment(of: client, fleet) { return true }
        return false
    }

    /// Whether its restart was noted, and nothing came of it yet; on the way back all are noted still, as other processes.
    func isAsNoted(_ client: PlannedClient, _ fleet: FleetView, _ facts: RunFacts) -> Bool {
        // Nought where none ran.
        facts.replacedProcesses[client.name] == fleet.service(client.service, on: client.host)?.pid ?? 0
    }

    /// One that does not run, or whose file was changed, before one that nothing was done to yet; then as the plan has them.
    private func rank(
        _ client: PlannedClient,
        to side: EnsembleSide,
        _ fleet: FleetView,
        _ facts: RunFacts
    ) -> Int {
        let place = clients.firstIndex { $0.name == client.name } ?? clients.count
        if let ailment = ailment(of: client, fleet), case .lasting = ailment {
            return place - 2 * clients.count
        }
        if hasFile(of: side, client, fleet) { return place - clients.count }
        return place
    }

    /// What keeps the next from being touched; nil when every other runs, or is healed by its own turn.
    func obstacle(
        to next: Result<[PlannedClient], Undecidable>,
        towards side: EnsembleSide = .destination,
        _ fleet: FleetView
    ) -> Verdict? {
        var names: Set<String> = []
        if case .success(let next) = next { names = Set(next.map(\.name)) }
        for client in clients where !names.contains(client.name) && !isHealed(by: side, client, fleet) {
            switch ailment(of: client, fleet) {
            case nil: break
            case .passing(let said)?: return .waiting(reason: said)
            case .lasting(let said)?:
                return .never(
                    reason: "\(said); no other client is touched: see its log, bring it back, then go on"
                )
            }
        }
        if case .failure(let away) = next { return .waiting(reason: away.reason) }
        return nil
    }

    /// Those that register at the same place, up to this one: where it is not told whose a session is, the last of too few lacks
    /// one.
    func companions(of client: PlannedClient, _ areThere: (PlannedClient) -> Bool = { _ in true })
        -> [PlannedClient]
    {
        let place = clients.firstIndex { $0.name == client.name } ?? 0
        return clients.prefix(through: place).filter { $0.ephemerals == client.ephemerals && areThere($0) }
    }
}
