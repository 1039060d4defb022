import ControlProtocol
import Fleet
import FoundationEssentials
import Settings
import Topology

/// Gates on clients: files, processes, connections, registrations.
extension ClientsProcedure {
    /// At least so many have the file of the side, run with it, and are connected to that side alone.
    func moved(atLeast count: Int, to side: EnsembleSide) -> Gate {
        let place = side == .source ? "the source" : "the seeds"
        return Gate(
            "\(count) of \(clients.count) clients have \(side == .source ? "their own file" : "the seeds in their file"), run with "
                + "it, and are at \(place) alone",
            looking: look(servers: plan.source + plan.seeds),
            deadline: plan.clients.deadline + plan.clients.pause,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = clients.compactMap { client -> (PlannedClient, String)? in
                lacking(client, to: side, fleet, facts).map { (client, $0) }
            }
            let there = clients.count - pending.count
            guard there < count else {
                return .holds(observed: "\(there) of \(clients.count) clients at \(place)")
            }
            for (client, _) in pending where hasFile(of: side, client, fleet) {
                guard case .lasting(let said)? = ailment(of: client, fleet) else { continue }
                return .never(
                    reason: "\(said); no other client is touched: see its log, bring it back, then go on"
                )
            }
            return .waiting(
                reason: "\(there) of \(clients.count) clients at \(place); not yet "
                    + pending.prefix(5).map { "\($0.title): \($1)" }.joined(separator: "; ")
            )
        }
    }

    /// Whoever was moved is back, and nobody who is not next is away.
    func mayBeTouched(on side: EnsembleSide) -> Gate {
        Gate(
            "every client runs; whoever was moved is back",
            looking: look(servers: plan.source + plan.seeds),
            deadline: plan.clients.deadline,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = clients.filter { lacking($0, to: side, fleet, facts) != nil }
            let next = Set(first(pending, to: side, fleet, facts).map(\.name))
            for client in clients where !next.contains(client.name) {
                switch ailment(of: client, fleet) {
                case nil: break
                case .passing(let said)?: return .waiting(reason: said)
                case .lasting(let said)?:
                    return .never(
                        reason: "\(said); no other client is touched: see its log, bring it back, then go on"
                    )
                }
            }
            return .holds(observed: "\(clients.count - pending.count) of \(clients.count) clients moved")
        }
    }

    /// Who is not there is said, and stops nothing.
    var servedByTheDestination: Gate {
        let servers = plan.source + plan.destination
        return Gate(
            "every client is connected to the destination, and not to the source",
            looking: look(servers: servers),
            deadline: plan.clients.deadline,
            interval: Self.interval,
            isAdvisory: true
        ) { fleet, facts in
            let away = clients.compactMap { client -> String? in
                if let ailment = ailment(of: client, fleet) { return ailment.reason }
                return self.away(
                    client,
                    from: .destination,
                    companions: companions(of: client),
                    servers,
                    fleet
                )
                .map { "\(client.title) \($0)" }
            }
            return away.isEmpty
                ? .holds(observed: "\(clients.count) clients at the destination")
                : .waiting(reason: away.joined(separator: "; "))
        }
    }

    /// What a client lacks of being moved to the side; nil when nothing.
    func lacking(
        _ client: PlannedClient,
        to side: EnsembleSide,
        _ fleet: FleetView,
        _ facts: RunFacts
    ) -> String? {
        guard hasFile(of: side, client, fleet) else {
            return "its file is not \(side == .source ? "its own again" : "repointed")"
        }
        // A client that the run never touched was not restarted for it either.
        let replaced = facts.replacedProcesses[client.name]
        if side == .source, replaced == nil { return nil }
        guard case .running(let pid)? = fleet.service(client.service, on: client.host) else {
            return ailment(of: client, fleet)?.reason ?? "does not run"
        }
        guard replaced != pid else { return "was not restarted yet" }
        let companions =
            side == .destination
            ? clients.count { $0.ephemerals == client.ephemerals && hasFile(of: side, $0, fleet) } : 1
        return away(client, from: side, companions: companions, plan.source + plan.seeds, fleet)
    }

    /// What is seen instead of a client that is back at a side; nil when it is.
    func away(
        _ client: PlannedClient,
        from side: EnsembleSide,
        companions: Int,
        _ servers: [PlannedServer],
        _ fleet: FleetView
    ) -> String? {
        ClientPresence(
            of: client,
            on: side,
            companions: companions,
            plan: plan,
            sighting: fleet.census[question(servers: servers)]
        ).lacking ?? ClientHealth(client)?.lacking(in: fleet)
    }

    func silence(_ fleet: FleetView) -> String? {
        clients.lazy.compactMap { fleet.unanswered($0.host) }.first
    }

    func ailment(of client: PlannedClient, _ fleet: FleetView) -> KafkaProcedure.Ailment? {
        guard let state = fleet.service(client.service, on: client.host) else {
            return .passing("\(client.title): its agent does not know \(client.service)")
        }
        let said = "\(client.title): \(client.service) \(state.sentence)"
        return switch state {
        case .running: nil
        case .changing: .passing(said)
        case .stopped, .failed: .lasting(said)
        }
    }

    func hasFile(of side: EnsembleSide, _ client: PlannedClient, _ fleet: FleetView) -> Bool {
        let found = fleet.file(client.configPath, on: client.host)?.digest
        return found != nil && found == (side == .source ? ownDigest(of: client) : newDigest(of: client))
    }

    func ownDigest(of client: PlannedClient) -> String? { survey.clients?.file(of: client)?.digest }

    func newDigest(of client: PlannedClient) -> String? {
        guard let file = survey.clients?.file(of: client) else { return nil }
        do throws(ClientFileError) {
            let content = try RepointedClient(plan: plan, client: client).content(of: file)
            return ContentDigest.sha256(.init(content))
        } catch {
            // The preflight has refused this file.
            return nil
        }
    }

    func companions(of client: PlannedClient) -> Int {
        clients.count { $0.ephemerals == client.ephemerals }
    }

    /// One for all clients: each place that any of them registers at is read once.
    func question(servers: [PlannedServer]) -> CensusQuestion {
        CensusQuestion(
            servers: servers,
            trees: Array(Set(clients.compactMap(\.ephemerals))).sorted(),
            hosts: Array(Set(clients.map(\.address))).sorted(),
            rate: plan.proofs.rate
        )
    }

    func look(servers: [PlannedServer]) -> Look {
        var probes: [HostName: [ProbeTarget]] = [:]
        for client in clients {
            guard let target = ClientHealth(client)?.target else { continue }
            probes[client.host, default: []].append(target)
        }
        return Look(hosts: hosts, probes: probes, census: question(servers: servers))
    }

    /// Each once.
    private var hosts: [HostName] { Array(Set(clients.map(\.host))).sorted() }
}
