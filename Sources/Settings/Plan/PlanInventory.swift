import ControlProtocol
import Topology

extension PlanNotes {
    /// The inventory that the plan refers to; nil without one, or after a mistake was noted.
    mutating func inventory(_ root: YAMLMapping) throws(YAMLError) -> Inventory? {
        guard let text = try read({ () throws(YAMLError) in try root.optionalString("inventory") }),
            let path = text, let node = root["inventory"]
        else { return nil }
        let place = FilePlace.beside(file, path)
        do throws(YAMLError) {
            guard let inventoryText else { return try InventoryReader.read(path: place, believing: owners) }
            return try InventoryReader.read(YAMLDocument(bytes: Array(inventoryText.utf8), file: place))
        } catch {
            note(.inventory(error), at: node)
            return nil
        }
    }

    /// What the inventory says of a host of the plan; nil without an inventory, or after a mistake was noted.
    ///
    /// What both say must be the same: nobody could know which of the two is meant.
    mutating func inventoried(
        _ host: HostName,
        _ map: YAMLMapping,
        _ inventory: Inventory?
    ) throws(YAMLError) -> InventoryHost? {
        guard let inventory else { return nil }
        guard let known = inventory.host(host) else {
            let names = inventory.hosts.map(\.host.description)
            let nearest = NearestName.of(host.description, in: names)
            note(
                .notInInventory(host, file: inventory.file, nearest: nearest),
                at: map["host"] ?? map.node
            )
            return nil
        }
        let values: [(key: String, value: String?)] = [
            ("address", known.address), ("agent_address", known.agent.address),
            ("agent_port", known.agent.port.description), ("service", known.settings.service),
            ("config", known.settings.config),
        ]
        for (key, value) in values {
            guard let value, let node = map[key], case .scalar(let text, _) = node.kind, text != value else {
                continue
            }
            note(
                .saysOtherwise(
                    key: key,
                    value: text,
                    file: inventory.file,
                    line: known.line,
                    other: value
                ),
                at: node
            )
        }
        return known
    }
}

extension MigrationPlan {
    /// The names of its groups, which `--limit` takes.
    private static let groupNames = (
        source: "source", destination: "destination", brokers: "brokers", clients: "clients"
    )

    /// The plan's hosts as an inventory: what the inventory that it refers to says of them, else what the plan says.
    package var inventory: Inventory {
        let own = withClients(servers.map { host($0) } + brokers.map { host($0) })
        let hosts = own.map { own in
            guard let known = sharedInventory?.host(own.host) else { return own }
            var settings = known.settings
            settings.role = settings.role ?? own.settings.role
            settings.service = own.settings.service
            settings.config = own.settings.config
            settings.services = own.settings.services ?? settings.services
            settings.files = own.settings.files.map { $0 + (settings.files ?? []) } ?? settings.files
            settings.hold = settings.hold ?? own.settings.hold
            return InventoryHost(
                host: own.host,
                address: own.address,
                allAddresses: own.allAddresses,
                agent: own.agent,
                groups: own.groups + known.groups.filter { !own.groups.contains($0) },
                settings: settings,
                line: own.line
            )
        }
        let names = Set(hosts.map(\.host))
        let groups = [
            HostGroup(name: Self.groupNames.source, hosts: source.map(\.host)),
            HostGroup(name: Self.groupNames.destination, hosts: destination.map(\.host)),
            HostGroup(name: Self.groupNames.brokers, hosts: brokers.map(\.host)),
            HostGroup(name: Self.groupNames.clients, hosts: clientHosts),
        ]
        let shared = (sharedInventory?.groups ?? [])
            .filter { group in !groups.contains { $0.name == group.name } }
            .map { HostGroup(name: $0.name, hosts: $0.hosts.filter(names.contains)) }
        return Inventory(
            file: file,
            digest: digest,
            name: name,
            pki: pki,
            hosts: hosts,
            groups: (groups + shared).filter { !$0.hosts.isEmpty }
        )
    }

    private func host(_ server: PlannedServer) -> InventoryHost {
        let isSource = source.contains { $0.host == server.host }
        var settings = HostSettings()
        settings.role = .zookeeper
        settings.service = server.service
        settings.config = server.configPath
        if !isSource { settings.hold = true }
        return InventoryHost(
            host: server.host,
            address: server.address,
            allAddresses: server.allAddresses,
            agent: server.agent,
            groups: [isSource ? Self.groupNames.source : Self.groupNames.destination],
            settings: settings,
            line: server.line
        )
    }

    private func host(_ broker: PlannedBroker) -> InventoryHost {
        var settings = HostSettings()
        settings.role = .kafka
        settings.service = broker.service
        settings.config = broker.configPath
        return InventoryHost(
            host: broker.host,
            address: broker.address,
            allAddresses: IPAddress(broker.address).map { [$0] } ?? [],
            agent: broker.agent,
            groups: [Self.groupNames.brokers],
            settings: settings,
            line: broker.line
        )
    }

    /// Each once, in the order of the file.
    private var clientHosts: [HostName] {
        var known: Set<HostName> = []
        return clients.all.map(\.host).filter { known.insert($0).inserted }
    }

    /// The hosts of clients besides; what a client has on a host that is there already is added to that.
    private func withClients(_ hosts: [InventoryHost]) -> [InventoryHost] {
        var hosts = hosts
        for client in clients.all {
            guard let index = hosts.firstIndex(where: { $0.host == client.host }) else {
                hosts.append(host(client))
                continue
            }
            let known = hosts[index]
            var settings = known.settings
            for service in [client.service, client.healthy?.service].compactMap(\.self)
            where settings.service != service && settings.services?.contains(service) != true {
                settings.services = (settings.services ?? []) + [service]
            }
            settings.files = (settings.files ?? []) + [client.configPath]
            let group = Self.groupNames.clients
            hosts[index] = InventoryHost(
                host: known.host,
                address: known.address,
                allAddresses: known.allAddresses,
                agent: known.agent,
                groups: known.groups + (known.groups.contains(group) ? [] : [group]),
                settings: settings,
                line: known.line
            )
        }
        return hosts
    }

    private func host(_ client: PlannedClient) -> InventoryHost {
        var settings = HostSettings()
        settings.role = .other
        settings.service = client.service
        settings.config = client.configPath
        settings.services = client.healthy?.service.map { [$0] }
        return InventoryHost(
            host: client.host,
            address: client.address,
            allAddresses: IPAddress(client.address).map { [$0] } ?? [],
            agent: client.agent,
            groups: [Self.groupNames.clients],
            settings: settings,
            line: client.line
        )
    }
}
