package import ControlProtocol
package import Fleet
package import Settings
package import Topology

/// Where a session of a divided ensemble is, by one look at who is connected: on its own side, moved, or about to end.
package struct Whereabouts: Sendable {
    package enum Place: Hashable, Sendable {
        /// Its client uses this side.
        case here(HostName, IPAddress, ClientName)
        /// Its client is at the other side: here it ends when its time is over.
        case moved(HostName)
        /// No server of this side has it: it ends when its time is over, unless its client comes back before.
        case nowhere
        case untold(reason: String)
    }

    private let side: EnsembleSide
    private let servers: [HostName]
    private let seats: ClientSeats
    private let names: CensusJudge

    /// - Parameters:
    ///   - side: whose sessions they are.
    ///   - clients: what the agents of both sides' servers said.
    package init(_ plan: MigrationPlan, _ side: EnsembleSide, clients: [HostName: ClientsAnswer]) {
        let nothing = EnsembleCensus(ephemerals: .found(TreeEphemerals(owners: [], nodes: 0)))
        let sighting = CensusSighting(clients: clients, ensemble: nothing)
        self.side = side
        servers = (side == .source ? plan.source : plan.destination).map(\.host)
        seats = ClientSeats(plan, sighting)
        names = CensusJudge(plan, sighting)
    }

    package func place(of session: SessionNumber) -> Place {
        let seen = seats.sessions[session] ?? []
        if let seat = seen.first(where: { $0.side == side }) {
            return .here(seat.host, seat.address, names.name(seat.address))
        }
        if let seat = seen.first { return .moved(seat.host) }
        guard let silent = servers.first(where: { !seats.listed.contains($0) }) else { return .nowhere }
        let gap = (seats.gaps[side] ?? []).first
        return .untold(reason: gap ?? "\(silent): \(seats.unlisted[silent] ?? "was not asked")")
    }
}

extension Whereabouts.Place {
    /// Whether waiting for its end would be in vain.
    package var isInUse: Bool {
        switch self {
        case .here: true
        case .moved, .nowhere, .untold: false
        }
    }
}

extension Whereabouts.Place: CustomStringConvertible {
    /// What is said after the session's name.
    package var description: String {
        switch self {
        case .here(let host, let address, let name):
            "is connected to \(host) from \(address)\(name.inBrackets)"
        case .moved(let host): "has its client at \(host) by now, and ends here when its timeout is over"
        case .nowhere:
            "is connected to no server here, and ends when its timeout is over, unless its client comes back"
        case .untold(let reason): "may be in use or about to end: that is not told (\(reason))"
        }
    }
}
