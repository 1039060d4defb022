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
            looking: look(.joint),
            deadline: plan.clients.deadline + plan.clients.pause,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = pending { lacking($0, to: side, fleet, facts) }
            let there = clients.count - pending.count
            guard there < count else {
                return .holds(observed: "\(there) of \(clients.count) clients at \(place)")
            }
            for one in pending where hasFile(of: side, one.client, fleet) {
                guard case .lasting(let said)? = ailment(of: one.client, fleet) else { continue }
                return .never(
                    reason: "\(said); no other client is touched: see its log, bring it back, then go on"
                )
            }
            return .waiting(
                reason: "\(there) of \(clients.count) clients at \(place); not yet "
                    + pending.prefix(5).map(\.sentence).joined(separator: "; ")
            )
        }
    }

    /// Whoever was moved is back, and nobody who is not next is away.
    func mayBeTouched(on side: EnsembleSide, upTo count: Int) -> Gate {
        Gate(
            "every client runs; whoever was moved is back",
            looking: look(.joint),
            deadline: plan.clients.deadline,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = pending { lacking($0, to: side, fleet, facts) }
            let moved = clients.count - pending.count
            let next = next(of: pending, needed: count - moved, to: side, fleet, facts)
            return obstacle(to: next, towards: side, fleet)
                ?? .holds(observed: "\(moved) of \(clients.count) clients moved")
        }
    }

    /// Who is not there is said, and stops nothing.
    var servedByTheDestination: Gate {
        Gate(
            "every client is connected to the destination, and not to the source",
            looking: look(.divided),
            deadline: plan.clients.deadline,
            interval: Self.interval,
            isAdvisory: true
        ) { fleet, facts in
            let away = clients.compactMap { client -> String? in
                if let ailment = ailment(of: client, fleet) { return ailment.reason }
                return self.away(client, from: .destination, companions(of: client), .divided, fleet)
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
            side == .source
            ? [client]
            : companions(of: client) { hasFile(of: side, $0, fleet) && !isAsNoted($0, fleet, facts) }
        return away(client, from: side, companions, .joint, fleet)
    }

    /// What is seen instead of a client that is back at a side; nil when it is.
    func away(
        _ client: PlannedClient,
        from side: EnsembleSide,
        _ companions: [PlannedClient],
        _ ensembles: Ensembles,
        _ fleet: FleetView,
        replaced: Set<SessionNumber>? = nil
    ) -> String? {
        ClientPresence(
            of: client,
            on: side,
            companions: companions,
            plan: plan,
            sighting: fleet.census[question(ensembles)],
            replaced: replaced
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

    /// Who serves clients: source and seeds as one ensemble, or source and destination as two.
    enum Ensembles {
        case joint
        case divided
    }

    /// One for all clients: each place that any of them registers at is read once, where they are to be.
    func question(_ ensembles: Ensembles) -> CensusQuestion {
        let readers: [PlannedServer]
        switch ensembles {
        case .joint: readers = plan.source + plan.seeds
        // The source has these trees as well, as they were when it was left.
        case .divided: readers = plan.destination
        }
        return CensusQuestion(
            servers: ensembles == .joint ? readers : plan.source + readers,
            readers: readers,
            trees: Array(Set(clients.compactMap(\.ephemerals))).sorted(),
            hosts: Array(Set(clients.map(\.address))).sorted(),
            rate: plan.proofs.rate
        )
    }

    func look(_ ensembles: Ensembles) -> Look {
        var probes: [HostName: [ProbeTarget]] = [:]
        for client in clients {
            guard let target = ClientHealth(client)?.target else { continue }
            probes[client.host, default: []].append(target)
        }
        return Look(hosts: hosts, probes: probes, census: question(ensembles))
    }

    /// Each once.
    private var hosts: [HostName] { Array(Set(clients.map(\.host))).sorted() }
}
