package import ControlProtocol
package import Topology

/// A validated plan file: what shall be done, to which hosts.
///
/// Values only; nothing was contacted to make it.
package struct MigrationPlan: Hashable, Sendable {
    package enum Strategy: String, Hashable, Sendable, Codable, CaseIterable {
        case participants
        case observers
    }

    package enum FirewallScope: String, Hashable, Sendable, Codable, CaseIterable {
        case quorumPorts = "quorum-ports"
        case allTCP = "all-tcp"
    }

    package struct Deadlines: Hashable, Sendable {
        /// For a seed to join and catch up.
        package let join: Duration
        /// For a restarted node to be back in its quorum.
        package let restart: Duration
        /// For each move between the split and the destination's first leader.
        package let division: Duration
        /// For the source to leave its own clients unserved, by what the probe of it sees; nil where nothing is made of it.
        package let sourceUnserved: Duration?
    }

    /// A check that the operator chose to do without, and why.
    package struct Waiver: Hashable, Sendable {
        package let check: CheckName
        package let reason: String
        package let line: Int
    }

    /// The plan file, as it was named.
    package let file: String
    /// SHA-256 of the plan file, and of the inventory that it refers to, lower-case hexadecimal.
    package let digest: String
    package let name: String
    package let strategy: Strategy
    package let pki: FleetPKI
    package let journalPath: String
    /// In the order of the file.
    package let source: [PlannedServer]
    package let destination: [PlannedServer]
    package let selection: SeedSelection
    package let scope: FirewallScope
    package let deadlines: Deadlines
    package let waivers: [Waiver]
    /// Brokers that move with the ensemble; nil when the plan names none.
    package let kafka: PlannedKafka?
    /// What sessions with ZooKeeper authenticate with; nil when the plan names nothing.
    package let credentials: PlannedCredentials?
    /// How a run proves what it did.
    package let proofs: PlannedProofs
    /// What moves, and whose clients may stay.
    package let census: PlannedCensus
    /// Other clients that move.
    package let clients: PlannedClients
    /// The operator's own, in the order of the plan.
    package let tests: [PlannedTest]
    /// The inventory that the plan refers to, whole; nil when it describes its hosts itself.
    package let sharedInventory: Inventory?
}

extension MigrationPlan {
    package var servers: [PlannedServer] { source + destination }
    package var brokers: [PlannedBroker] { kafka?.brokers ?? [] }
    /// Every host with an agent, once: servers first, then brokers, then other clients'.
    package var agents: [PlannedAgent] {
        let others = clients.all.map(\.agent)
        let serving = servers.map(\.agent) + brokers.map(\.agent)
        var known = Set(serving.map(\.host))
        return serving + others.filter { known.insert($0.host).inserted }
    }

    /// Destination nodes that join the source's ensemble; under `observers` that is all of them.
    package var seeds: [PlannedServer] { planned(selection.seeds) }
    /// The seeds that run until every source node runs the joint view; `participants` only.
    package var firstSeeds: [PlannedServer] {
        #if CRIPPLED_SEEDS
            if Crippled.isBlind { return seeds }
        #endif
        let most = SeedSelection.mostBesideTwoViews(source: source.count, seeds: seeds.count)
        return Array(seeds.prefix(most))
    }
    /// Started at the division together with the seeds.
    package var companions: [PlannedServer] { planned(selection.companions) }
    /// Started once the destination has a leader.
    package var dormant: [PlannedServer] { planned(selection.dormant) }

    package var sourceMembers: [Member] { source.map(\.member) }
    package var destinationMembers: [Member] { destination.map(\.member) }
    /// The ensemble before the division: the source and the seeds.
    package var jointMembers: [Member] {
        switch strategy {
        case .participants: sourceMembers + seeds.map(\.member)
        case .observers: sourceMembers + seeds.map { $0.member(as: .observer) }
        }
    }

    /// What clients use from the time when the seeds serve.
    package var seedConnectString: String {
        seedConnect.map(\.description).joined(separator: ",")
    }

    /// Every destination server, the seeds first: what clients are to use in the end.
    package var destinationConnect: [ConnectString.Server] {
        let rest = destination.filter { server in !seeds.contains { $0.id == server.id } }
        return (seeds + rest).map { ConnectString.Server(host: $0.address, port: $0.clientPort) }
    }

    /// What clients use in between.
    package var seedConnect: [ConnectString.Server] {
        seeds.map { ConnectString.Server(host: $0.address, port: $0.clientPort) }
    }

    /// The quorum and election ports of both sides, each once.
    package var quorumPorts: [Port] {
        Array(Set(servers.flatMap { [$0.quorumPort, $0.electionPort] })).sorted()
    }

    /// Cuts a server off from every address of the other side.
    package func wall(for server: PlannedServer) -> Wall {
        let others = destination.contains { $0.id == server.id } ? source : destination
        let scope: Wall.Scope =
            switch scope {
            case .quorumPorts: .ports(numbers: quorumPorts)
            case .allTCP: .allTCP
            }
        let peers = others.flatMap(\.allAddresses)
        #if CRIPPLED_WALLS
            return Wall(peers: Crippled.nobody(for: peers), scope: scope)
        #else
            return Wall(peers: peers, scope: scope)
        #endif
    }

    package func server(_ host: HostName) -> PlannedServer? { servers.first { $0.host == host } }

    package func isWaived(_ check: CheckName) -> Bool { waivers.contains { $0.check == check } }

    private func planned(_ ids: [ServerID]) -> [PlannedServer] {
        ids.compactMap { id in destination.first { $0.id == id } }
    }
}
