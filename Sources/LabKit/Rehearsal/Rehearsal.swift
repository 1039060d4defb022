package import Rehearsals
internal import Topology

/// A plan's set-up as it can be on this machine, and everything that is otherwise here.
///
/// A value: nothing was started or asked to make it.
package struct Rehearsal: Sendable, Hashable {
    package let setup: RehearsedSetup
    package let configuration: LabConfiguration
    /// What is otherwise than in the set-up, a sentence each.
    package let remarks: [String]
    package let hosts: [RehearsalOutcome.Host]

    /// - Parameters:
    ///   - mostNodes: nodes of the tree, at most.
    package init(
        of setup: RehearsedSetup,
        on machine: RehearsalMachine,
        as name: String,
        mode: LabConfiguration.HostMode,
        mostNodes: Int
    ) throws(LabError) {
        var remarks = setup.remarks
        let servers = setup.source.count + setup.destination.count
        let brokers = Self.brokers(setup, machine, &remarks)
        let clients = min(setup.clients.count, Self.mostOfAKind)
        if clients < setup.clients.count {
            remarks.append("\(clients) of \(setup.clients.count) other clients are here: a lab has no more")
        }
        let versions = try RehearsedVersions(of: setup, on: machine)
        remarks += versions.remarks
        let size = RehearsedSize(of: setup, on: machine, servers: servers, mostNodes: mostNodes)
        remarks += size.remarks
        let settings = Self.settings(setup, &remarks)
        if machine.cores < servers {
            remarks.append(
                "\(servers) ZooKeeper servers\(brokers > 0 ? " and \(brokers) brokers" : "") share \(machine.cores) cores: "
                    + "on hosts of their own the window is shorter, unless their disks and networks are slow"
            )
        }
        remarks.append("every server has the ports 2181, 2888 and 3888, an address of IPv4 and one of IPv6")
        configuration = try LabConfiguration(
            name: name,
            sources: setup.source.count,
            destinations: setup.destination.count,
            mode: mode,
            brokers: brokers,
            applications: clients,
            strategy: LabConfiguration.Strategy(setup.strategy),
            zooKeeper: versions.pair,
            heap: size.heap,
            filling: try TreeFilling(znodes: size.nodes, znodeSize: size.bytes),
            waivers: setup.waivers,
            shape: Self.shape(setup, settings: settings)
        )
        self.setup = setup
        self.remarks = remarks
        hosts = Self.hosts(setup, configuration)
    }

    private init(_ rehearsal: Rehearsal, configuration: LabConfiguration) {
        setup = rehearsal.setup
        self.configuration = configuration
        remarks = rehearsal.remarks
        hosts = rehearsal.hosts
    }

    /// The same with another way to run the hosts' programs.
    package func hosted(by mode: LabConfiguration.HostMode) throws(LabError) -> Rehearsal {
        Rehearsal(self, configuration: try copy(mode: mode))
    }

    /// For one fault: without brokers, other clients and data, under a name beside the other.
    package func forFaults() throws(LabError) -> LabConfiguration { try copy(mode: .systemd, bare: true) }

    private func copy(mode: LabConfiguration.HostMode, bare: Bool = false) throws(LabError)
        -> LabConfiguration
    {
        try LabConfiguration(
            name: bare ? String(configuration.name.prefix(23)) + "f" : configuration.name,
            sources: configuration.sources,
            destinations: configuration.destinations,
            mode: mode,
            brokers: bare ? 0 : configuration.brokers,
            applications: bare ? 0 : configuration.applicationsWanted,
            strategy: configuration.strategy,
            zooKeeper: configuration.zooKeeper,
            heap: bare ? 128 : configuration.heap,
            filling: bare ? .none : configuration.filling,
            waivers: configuration.waivers,
            shape: configuration.shape
        )
    }
}

extension Rehearsal {
    private static var mostOfAKind: Int { 9 }

    private static func brokers(
        _ setup: RehearsedSetup,
        _ machine: RehearsalMachine,
        _ remarks: inout [String]
    ) -> Int {
        let wanted = setup.brokers.count
        guard wanted > 0 else { return 0 }
        guard let kafka = machine.kafka else {
            remarks.append("none of \(wanted) brokers is here: \(machine.noKafka)")
            return 0
        }
        // Each has 256 MB of heap, and as much again of the JVM's and the kernel's.
        let room = max(1, machine.memory / 2 / 512)
        let count = min(wanted, mostOfAKind, room)
        if count < wanted {
            let why = count == room ? "there is no memory for more" : "a lab has no more"
            remarks.append("\(count) of \(wanted) brokers are here: \(why)")
        }
        remarks.append("the brokers are Kafka \(kafka), with the lab's own server.properties and topic")
        return count
    }

    /// Lines of zoo.cfg by the lab's host.
    private static func settings(_ setup: RehearsedSetup, _ remarks: inout [String]) -> [String: [String]] {
        var settings: [String: [String]] = [:]
        var unseen: [String] = []
        for (letter, servers) in [("s", setup.source), ("d", setup.destination)] {
            for (index, server) in servers.enumerated() {
                guard let text = server.configuration else {
                    unseen.append(server.host)
                    continue
                }
                guard let found = RehearsedSettings(text) else {
                    remarks.append(
                        "\(server.host): its zoo.cfg cannot be read, and the lab's own stands for it"
                    )
                    continue
                }
                settings["\(letter)\(index + 1)"] = found.lines
                if !found.leftOut.isEmpty {
                    let keys = found.leftOut.prefix(20).joined(separator: ", ")
                    remarks.append("\(server.host): of its zoo.cfg these are left out: \(keys)")
                }
                for sentence in found.added { remarks.append("\(server.host): \(sentence) here") }
            }
        }
        if !unseen.isEmpty {
            remarks.append(
                "\(unseen.joined(separator: ", ")): the lab's own zoo.cfg (tickTime 1000, initLimit 20, syncLimit 5), for none was seen"
            )
        }
        return settings
    }

    private static func shape(_ setup: RehearsedSetup, settings: [String: [String]]) -> LabShape {
        LabShape(
            plan: setup.plan,
            sourceIDs: setup.source.map(\.id),
            destinationIDs: setup.destination.map(\.id),
            seeds: setup.seeds,
            brokerIDs: setup.brokers.map(\.id),
            chroot: setup.chroot ?? KafkaServer.chroot,
            applications: setup.clients.map { client in
                switch client.kind {
                case .property: .properties
                case .variable: .environment
                case .text: .json
                }
            },
            settings: settings,
            scope: setup.scope == .allTCP ? .allTCP : .quorumPorts,
            deadlines: LabShape.Deadlines(
                join: setup.deadlines.join,
                restart: setup.deadlines.restart,
                division: setup.deadlines.division
            )
        )
    }

    private static func hosts(_ setup: RehearsedSetup, _ configuration: LabConfiguration)
        -> [RehearsalOutcome.Host]
    {
        func pairs(_ part: String, _ theirs: [(host: String, address: String)], _ ours: [LabHost])
            -> [RehearsalOutcome.Host]
        {
            theirs.enumerated().map { index, their in
                let our = index < ours.count ? ours[index] : nil
                return RehearsalOutcome.Host(
                    part: part,
                    host: their.host,
                    address: their.address,
                    here: our?.name,
                    hereAddress: our?.ipv4
                )
            }
        }
        return pairs("source", setup.source.map { ($0.host, $0.address) }, configuration.sourceHosts)
            + pairs(
                "destination",
                setup.destination.map { ($0.host, $0.address) },
                configuration.destinationHosts
            )
            + pairs("broker", setup.brokers.map { ($0.host, $0.address) }, configuration.brokerHosts)
            + pairs("client", setup.clients.map { ($0.host, $0.address) }, configuration.applicationHosts)
    }
}

extension LabConfiguration.Strategy {
    fileprivate init(_ strategy: RehearsedSetup.Strategy) {
        switch strategy {
        case .participants: self = .participants
        case .observers: self = .observers
        }
    }
}
