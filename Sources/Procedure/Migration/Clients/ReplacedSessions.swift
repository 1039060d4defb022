import ControlProtocol
import Fleet
import Settings
import Topology

/// Who held registrations at a client's place before it was restarted on its own side: a session outlives its process until
/// its time is over, and what it owns shows nothing of the new process.
struct ReplacedSessions {
    /// Of one place; where there are more nothing is noted, for every entry of the journal carries them.
    static let most = 1000

    /// Of anybody, before the first of the clients that register there was restarted.
    let atPlace: Set<SessionNumber>
    /// Told at the client's own address.
    let own: Set<SessionNumber>

    /// Nil when nothing was noted.
    init?(of client: PlannedClient, _ facts: RunFacts) {
        guard let path = client.ephemerals, let all = facts.replacedSessions[path] else { return nil }
        atPlace = Set(all.compactMap { SessionNumber(hexadecimal: $0) })
        own = Set((facts.replacedSessions[client.title] ?? []).compactMap { SessionNumber(hexadecimal: $0) })
    }
}

extension ClientsProcedure {
    /// The facts with the sessions that hold these clients' registrations now, before they are restarted.
    func noting(
        sessionsOf batch: [PlannedClient],
        _ servers: [PlannedServer],
        _ fleet: FleetView,
        _ facts: RunFacts
    ) -> Result<RunFacts, Undecidable> {
        guard batch.contains(where: { $0.ephemerals != nil }) else { return .success(facts) }
        guard let sighting = fleet.census[question(servers: servers)] else {
            return .failure(Undecidable(reason: "who is connected was not looked at"))
        }
        let seats = ClientSeats(plan, sighting)
        if let gap = (seats.gaps[.source] ?? []).first ?? (seats.gaps[.destination] ?? []).first {
            return .failure(Undecidable(reason: gap))
        }
        let found: TreeEphemerals
        switch sighting.ensemble.ephemerals {
        case .silent(let reason):
            return .failure(Undecidable(reason: "the clients' registrations cannot be read: \(reason)"))
        case .found(let ephemerals): found = ephemerals
        }
        let side = Set(plan.destination.map(\.id))
        var noted = facts
        for client in batch {
            guard let path = client.ephemerals else { continue }
            let owners = (found.byTree[path] ?? []).filter { $0.origin.map(side.contains) ?? false }
            // Those of clients that were restarted already are not to be taken for old ones.
            let isFirst = !clients.contains { $0.ephemerals == path && isAnother($0, fleet, facts) }
            if isFirst { noted.replacedSessions[path] = Self.texts(owners) }
            let addresses = ClientPresence.addresses(of: client, sighting)
            let own = owners.filter { session in
                (seats.sessions[session] ?? []).contains { addresses.contains($0.address) }
            }
            noted.replacedSessions[client.title] = Self.texts(own)
        }
        return .success(noted)
    }

    /// So many sessions must be new at the client's place when it is back: of it and of those before it that were restarted.
    func newcomers(with client: PlannedClient, _ fleet: FleetView, _ facts: RunFacts) -> Int {
        let place = clients.firstIndex { $0.name == client.name } ?? 0
        return clients.prefix(through: place).count {
            $0.ephemerals == client.ephemerals && isAnother($0, fleet, facts)
        }
    }

    /// Whether another process runs than the one that knows the seeds only.
    private func isAnother(_ client: PlannedClient, _ fleet: FleetView, _ facts: RunFacts) -> Bool {
        guard let old = facts.shortLists[client.title],
            let pid = fleet.service(client.service, on: client.host)?.pid
        else { return false }
        return pid != old
    }

    private static func texts(_ sessions: Set<SessionNumber>) -> [String]? {
        sessions.count > ReplacedSessions.most ? nil : sessions.sorted().map(\.description)
    }
}
