internal import Topology

/// What a lab is made of.
package struct LabConfiguration: Codable, Sendable, Hashable {
    /// What runs the programs of a ZooKeeper or broker host.
    package enum HostMode: String, Codable, Sendable, CaseIterable {
        /// A real systemd with real units, in a container of systemd-nspawn.
        case systemd
        /// Plain processes in the host's network namespace.
        case processes
    }

    /// How the destination joins the source; as plans name it.
    package enum Strategy: String, Codable, Sendable, CaseIterable {
        case participants
        case observers
    }

    package let name: String
    /// Everything that the lab writes is in here.
    package let directory: String
    package let sources: Int
    package let destinations: Int
    package let mode: HostMode
    /// Whether every ZooKeeper and broker host runs an agent (and certificates and a plan are made).
    package let agents: Bool
    /// Nil in the record of a lab that knew no brokers.
    private let brokerCount: Int?
    /// How many Kafka brokers there are.
    package var brokers: Int { brokerCount ?? 0 }
    /// Nil in the record of a lab that knew none.
    private let applicationCount: Int?
    /// How many clients that are no brokers, and move, there are.
    package var applicationsWanted: Int { applicationCount ?? 0 }
    package let strategy: Strategy
    /// Whether servers can be made to suffer faults; costs them an interpreter's start at each start.
    package let canFail: Bool
    /// Whether serving hosts run sshd, and their systemd's files are theirs alone; with systemd, and without agents only.
    package let sshd: Bool
    package let zooKeeper: ZooKeeperPair
    /// Megabytes of each ZooKeeper's heap.
    package let heap: Int
    package let filling: TreeFilling
    /// Checks that the lab's plan waives, with the reason.
    package let waivers: [String: String]
    /// What it takes over from the set-up that it stands for.
    package let shape: LabShape?

    package init(
        name: String = "demo",
        directory: String? = nil,
        sources: Int = 3,
        destinations: Int = 3,
        mode: HostMode = .processes,
        agents: Bool = true,
        brokers: Int = 0,
        applications: Int = 0,
        strategy: Strategy = .participants,
        canFail: Bool = false,
        sshd: Bool = false,
        zooKeeper: ZooKeeperPair = ZooKeeperPair(),
        heap: Int = 128,
        filling: TreeFilling = .none,
        waivers: [String: String] = [:],
        shape: LabShape? = nil
    ) throws(LabError) {
        // No dash: then no lab's prefix is the start of another one's.
        let plain = name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) }
        guard plain, (1...24).contains(name.count) else {
            throw .invalid(reason: "'\(name)' is no lab name: use 1 to 24 of a-z and 0-9")
        }
        guard (1...9).contains(sources), (1...9).contains(destinations) else {
            throw .invalid(reason: "a lab has 1 to 9 source and 1 to 9 destination hosts")
        }
        guard (0...9).contains(brokers) else { throw .invalid(reason: "a lab has 0 to 9 brokers") }
        let folder = directory ?? "/var/tmp/mitosis-lab/\(name)"
        guard folder.hasPrefix("/"), folder.split(separator: "/").count > 1 else {
            throw .invalid(
                reason: "'\(folder)': the lab's folder is an absolute path, at least two levels deep"
            )
        }
        guard (0...9).contains(applications) else {
            throw .invalid(reason: "a lab has 0 to 9 other clients")
        }
        self.name = name
        self.directory = folder
        self.sources = sources
        self.destinations = destinations
        self.mode = mode
        self.agents = agents
        brokerCount = brokers
        applicationCount = applications
        self.strategy = strategy
        self.canFail = canFail
        guard !sshd || (mode == .systemd && !agents) else {
            throw .invalid(reason: "sshd is for hosts with systemd that have no agents yet")
        }
        self.sshd = sshd
        self.zooKeeper = zooKeeper
        guard (64...65536).contains(heap) else { throw .invalid(reason: "--heap is from 64 to 65536 MB") }
        self.heap = heap
        self.filling = filling
        self.waivers = waivers
        if let shape,
            let objection = Self.objection(
                to: shape,
                sources: sources,
                destinations: destinations,
                brokers: brokers
            )
        {
            throw .invalid(reason: objection)
        }
        self.shape = shape
    }

    /// What the names of this lab's namespaces start with.
    package var prefix: String { "mlab-\(name)" }

    package var sourceHosts: [LabHost] {
        (1...sources).map {
            LabHost(name: "s\($0)", side: .source, id: shape?.sourceIDs[$0 - 1] ?? $0, number: 10 + $0)
        }
    }

    package var destinationHosts: [LabHost] {
        (1...destinations).map {
            LabHost(
                name: "d\($0)",
                side: .destination,
                id: shape?.destinationIDs[$0 - 1] ?? sources + $0,
                number: 20 + $0
            )
        }
    }

    /// The destination hosts that join the source first: a majority of the destination, or as many as the
    /// source can take without being outvoted; all of them where they have no vote.
    package var seeds: [LabHost] {
        if let shape { return destinationHosts.filter { shape.seeds.contains($0.id ?? 0) } }
        return switch strategy {
        case .participants: Array(destinationHosts.prefix(max(1, min(destinations / 2 + 1, sources - 1))))
        case .observers: destinationHosts
        }
    }

    package var zooKeeperHosts: [LabHost] { sourceHosts + destinationHosts }
    package var brokerHosts: [LabHost] {
        (0..<brokers).map {
            LabHost(
                name: "k\($0 + 1)",
                side: .broker,
                id: nil,
                number: 31 + $0,
                kafkaID: shape?.brokerIDs[$0] ?? $0 + 1
            )
        }
    }

    package var applicationHosts: [LabHost] {
        (0..<applicationsWanted).map {
            LabHost(name: "a\($0 + 1)", side: .application, id: nil, number: 51 + $0)
        }
    }

    /// The hosts that run a server or a client that moves, and an agent each.
    package var servingHosts: [LabHost] { zooKeeperHosts + brokerHosts + applicationHosts }
    package var control: LabHost { LabHost(name: "control", side: .control, id: nil, number: 200) }
    /// Whose clients move.
    package var client: LabHost { LabHost(name: "client", side: .client, id: nil, number: 201) }
    /// Somebody else, who stays on the source.
    package var tenant: LabHost { LabHost(name: "tenant", side: .client, id: nil, number: 202) }
    package var hosts: [LabHost] { servingHosts + [control, client, tenant] }

    package func hosts(of side: LabHost.Side) -> [LabHost] { hosts.filter { $0.side == side } }
}

/// One host of a lab.
package struct LabHost: Codable, Sendable, Hashable {
    package enum Side: String, Codable, Sendable, Hashable {
        case source
        case destination
        case broker
        case application
        case control
        case client
    }

    package let name: String
    package let side: Side
    /// The ZooKeeper id, on a host that has ZooKeeper.
    package let id: Int?
    /// The last part of both addresses.
    let number: Int
    private let kafkaID: Int?

    init(name: String, side: Side, id: Int?, number: Int, kafkaID: Int? = nil) {
        self.name = name
        self.side = side
        self.id = id
        self.number = number
        self.kafkaID = kafkaID
    }

    /// The Kafka id, on a host that has Kafka.
    package var brokerID: Int? { kafkaID }
    package var ipv4: String { "198.51.100.\(number)" }
    package var ipv6: String { "2001:db8::\(number)" }
    /// Where clients of its ZooKeeper connect to.
    package var clientAddress: String { "\(ipv4):2181" }

    /// The program that runs on it, or would.
    package var program: HostProgram.Name {
        switch side {
        case .broker: .kafka
        case .application: .application
        case .source, .destination, .control, .client: .zooKeeper
        }
    }

    /// As the network wants it.
    package var networkHost: TestNetwork.Host {
        TestNetwork.Host(name: name, addresses: [ipv4, ipv6].compactMap { IPAddress($0) })
    }
}

extension LabConfiguration {
    /// Records of labs that knew no strategies, faults or versions have none.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        directory = try values.decode(String.self, forKey: .directory)
        sources = try values.decode(Int.self, forKey: .sources)
        destinations = try values.decode(Int.self, forKey: .destinations)
        mode = try values.decode(HostMode.self, forKey: .mode)
        agents = try values.decode(Bool.self, forKey: .agents)
        brokerCount = try values.decodeIfPresent(Int.self, forKey: .brokerCount)
        applicationCount = try values.decodeIfPresent(Int.self, forKey: .applicationCount)
        strategy = try values.decodeIfPresent(Strategy.self, forKey: .strategy) ?? .participants
        canFail = try values.decodeIfPresent(Bool.self, forKey: .canFail) ?? false
        sshd = try values.decodeIfPresent(Bool.self, forKey: .sshd) ?? false
        zooKeeper = try values.decodeIfPresent(ZooKeeperPair.self, forKey: .zooKeeper) ?? ZooKeeperPair()
        heap = try values.decodeIfPresent(Int.self, forKey: .heap) ?? 128
        filling = try values.decodeIfPresent(TreeFilling.self, forKey: .filling) ?? .none
        waivers = try values.decodeIfPresent([String: String].self, forKey: .waivers) ?? [:]
        shape = try values.decodeIfPresent(LabShape.self, forKey: .shape)
        if let shape,
            let objection = Self.objection(
                to: shape,
                sources: sources,
                destinations: destinations,
                brokers: brokerCount ?? 0
            )
        {
            throw DecodingError.dataCorruptedError(
                forKey: .shape,
                in: values,
                debugDescription: objection
            )
        }
    }
}
