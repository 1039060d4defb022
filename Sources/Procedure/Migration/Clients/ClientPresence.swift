import ControlProtocol
import Fleet
import Settings
import Topology

/// Where a client of the plan is, as one look shows it.
struct ClientPresence {
    /// Nil when it is where it is to be; else what is seen instead.
    let lacking: String?
    /// What shows that it is there.
    let observed: String

    private init(lacking: String) {
        self.lacking = lacking
        observed = ""
    }

    private init(observed: String) {
        lacking = nil
        self.observed = observed
    }

    /// - Parameters:
    ///   - side: where it is to be, and only there.
    ///   - companions: clients of the plan that register at the same place and are to be there by now, this one among them.
    ///   - replaced: sessions of before its restart, where it was at this side before, too: what these own shows nothing.
    init(
        of client: PlannedClient,
        on side: EnsembleSide,
        companions: [PlannedClient],
        plan: MigrationPlan,
        sighting: CensusSighting?,
        replaced: Set<SessionNumber>? = nil
    ) {
        guard let sighting else {
            self.init(lacking: "who is connected was not looked at")
            return
        }
        let seats = ClientSeats(plan, sighting)
        if let gap = (seats.gaps[.source] ?? []).first ?? (seats.gaps[.destination] ?? []).first {
            self.init(lacking: gap)
            return
        }
        let addresses = Self.addresses(of: client, sighting)
        guard !addresses.isEmpty else {
            self.init(lacking: "the address of \(client.address) is not known to this program's host")
            return
        }
        let here = Self.connections(of: addresses, on: side, seats)
        guard !here.isEmpty else {
            self.init(lacking: "has no connection to the \(side)")
            return
        }
        let left = Self.connections(of: addresses, on: side == .source ? .destination : .source, seats)
        guard left.isEmpty || !client.isAlone else {
            self.init(lacking: "still has connections to \(left.joined(separator: ", "))")
            return
        }
        let seen = "connected to \(here.joined(separator: ", "))"
        guard let path = client.ephemerals else {
            self.init(observed: seen)
            return
        }
        let registered = Self.registered(
            at: path,
            Set(side == .source ? plan.source.map(\.id) : plan.destination.map(\.id)),
            by: addresses,
            companions.map { Self.addresses(of: $0, sighting) },
            seats,
            sighting.ensemble.ephemerals,
            replaced
        )
        switch registered {
        case .success: self.init(observed: "\(seen), registered at \(path)")
        case .failure(let problem): self.init(lacking: problem.reason)
        }
    }

    static func addresses(of client: PlannedClient, _ sighting: CensusSighting) -> Set<IPAddress> {
        (sighting.ensemble.addresses[client.address] ?? []).union(
            IPAddress(client.address).map { [$0] } ?? []
        )
    }

    private static func connections(
        of addresses: Set<IPAddress>,
        on side: EnsembleSide,
        _ seats: ClientSeats
    ) -> [String] {
        addresses.sorted().flatMap { address in
            seats.connections(of: address, on: side).map { "\($0.host) (\($0.count))" }
        }
    }

    /// An ephemeral node there is the client's when its session was opened on the side, and the server that tells of the session
    /// tells the client's address; where no server tells, when there are as many such sessions as clients that none was told of.
    private static func registered(
        at path: String,
        _ side: Set<ServerID>,
        by addresses: Set<IPAddress>,
        _ companions: [Set<IPAddress>],
        _ seats: ClientSeats,
        _ answer: EphemeralAnswer,
        _ replaced: Set<SessionNumber>?
    ) -> Result<Void, Undecidable> {
        switch answer {
        case .silent(let reason): return .failure(Undecidable(reason: "\(path) cannot be read: \(reason)"))
        case .found(let found):
            guard !found.missing.contains(path) else {
                return .failure(Undecidable(reason: "\(path) is not there"))
            }
            let all = found.byTree[path] ?? []
            let owners = all.subtracting(replaced ?? []).filter { $0.origin.map(side.contains) ?? false }
            let told = owners.compactMap { seats.sessions[$0] }
            let places = Set(told.joined().map(\.address))
            let untold = companions.count { $0.isDisjoint(with: places) }
            guard addresses.isDisjoint(with: places), owners.count - told.count < untold else {
                return .success(())
            }
            return .failure(
                Undecidable(
                    reason: "has no ephemeral node at or below \(path) by a session that was opened there"
                        + (replaced == nil ? "" : " since its restart")
                        + (all.isEmpty ? "" : " (\(all.count) sessions have one)")
                )
            )
        }
    }
}
