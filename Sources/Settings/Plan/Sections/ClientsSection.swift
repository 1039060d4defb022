import ControlProtocol
import Printable
import Topology

/// What the plan's `clients` section says of clients that are moved.
extension PlanNotes {
    private static var keys: [String] {
        [
            "name", "host", "address", "agent_address", "agent_port", "service", "config", "connect", "tree",
            "ephemerals", "healthy",
        ]
    }
    private static var most: Int { 200 }
    /// Characters of a key, a variable, or a text.
    private static var longest: Int { 1000 }

    /// - Parameters:
    ///   - map: the section; nil without one.
    ///   - trees: what moves.
    mutating func clients(
        _ map: YAMLMapping?,
        defaults: ServerDefaults,
        servers: [ReadServer],
        brokers: [PlannedBroker],
        trees: [String]
    ) throws(YAMLError) -> PlannedClients {
        guard let map else { return .none }
        let deadline = try read { () throws(YAMLError) in
            try map.optionalInteger("deadline_seconds", in: 10...3600)
        }
        let pause = try read { () throws(YAMLError) in try map.optionalInteger("pause_seconds", in: 0...3600)
        }
        let batch = try read { () throws(YAMLError) in try map.optionalInteger("batch", in: 1...Self.most) }
        let again = try read { () throws(YAMLError) in try map.optionalBoolean("restart_completed") }
        let found = try read { () throws(YAMLError) in try map.optionalItems("move") }
        guard let found, let deadline, let pause, let batch, let again else { return .none }
        let items = found ?? []
        if items.count > Self.most, let node = map["move"] {
            note(.tooMany(key: "move", most: Self.most), at: node)
            return .none
        }
        var clients: [PlannedClient] = []
        for item in items {
            guard let map = try yaml.mapping(item, keys: Self.keys, subject: "each item of 'move'"),
                let host = try clientHost(map, defaults: defaults, servers, brokers, clients),
                let client = try client(map, host, trees)
            else { continue }
            if let other = clients.first(where: { $0.name == client.name }) {
                note(.client(.repeatedName(client.name, firstLine: other.line)), at: map["name"] ?? map.node)
            }
            checkFile(client, map, brokers, clients)
            clients.append(client)
        }
        return PlannedClients(
            all: sharing(clients, brokers, items),
            deadline: .seconds(deadline ?? 300),
            pause: .seconds(pause ?? 0),
            batch: batch ?? 1,
            restartsCompleted: again ?? false
        )
    }

    /// What else stands at the host of a client.
    private struct Place {
        let host: HostName
        let address: String
        let agent: PlannedAgent
        let settings: HostSettings?
    }

    private mutating func client(
        _ map: YAMLMapping,
        _ place: Place,
        _ trees: [String]
    ) throws(YAMLError) -> PlannedClient? {
        let before = count
        let name = try read { () throws(YAMLError) in try map.string("name") }
        if let name, HostName(name) == nil {
            note(.badName(key: "name", value: name), at: map["name"] ?? map.node)
        }
        let knownService = place.settings?.service
        let knownConfig = place.settings?.config
        try require("service", in: map, unless: knownService)
        try require("config", in: map, unless: knownConfig)
        let service = try service(in: map, default: knownService ?? "")
        let config = try absolutePath("config", in: map, default: knownConfig ?? "")
        let connect = try connectPlace(map)
        let tree = try nodePath("tree", map, isNeeded: true)
        let ephemerals = try nodePath("ephemerals", map, isNeeded: false)
        let healthy = try health(map)
        if let tree, !trees.contains(where: { isInside(tree, $0) }) {
            note(.client(.treeStays(tree, trees: trees)), at: map["tree"] ?? map.node)
        }
        if let tree, let ephemerals, !isInside(ephemerals, tree) {
            note(.client(.ephemeralsElsewhere(ephemerals, tree: tree)), at: map["ephemerals"] ?? map.node)
        }
        guard count == before, let name, let service, let config, let connect, let tree else { return nil }
        return PlannedClient(
            name: name,
            host: place.host,
            address: place.address,
            agent: place.agent,
            service: service,
            configPath: config,
            connect: connect,
            tree: tree,
            ephemerals: ephemerals,
            healthy: healthy,
            isAlone: true,
            line: map.line
        )
    }

    private mutating func health(_ client: YAMLMapping) throws(YAMLError) -> PlannedHealth? {
        guard let node = client["healthy"],
            let map = try yaml.mapping(node, keys: ["port", "service"], subject: "'healthy'")
        else { return nil }
        guard map["port"] != nil || map["service"] != nil else {
            note(.client(.emptyHealth), at: node)
            return nil
        }
        let number = try read { () throws(YAMLError) in try map.optionalInteger("port", in: 1...65_535) }
        let service = try service(in: map, default: "")
        return PlannedHealth(
            port: (number ?? nil).flatMap { Port($0) },
            service: service.flatMap { $0.isEmpty ? nil : $0 }
        )
    }

    /// The plan's word counts, else the inventory's; one of them must say it.
    private mutating func require(
        _ key: String,
        in map: YAMLMapping,
        unless known: String?
    ) throws(YAMLError) {
        guard map[key] == nil, known == nil else { return }
        _ = try read { () throws(YAMLError) in try map.string(key) }
    }

    private mutating func nodePath(
        _ key: String,
        _ map: YAMLMapping,
        isNeeded: Bool
    ) throws(YAMLError) -> String? {
        let text = try read { () throws(YAMLError) -> String? in
            isNeeded ? try map.string(key) : try map.optionalString(key)
        }
        guard let text = text ?? nil else { return nil }
        guard NodePath.isNode(text), PrintableText(text, limit: Self.longest).description == text else {
            note(
                .badNodePath(key: key, value: PrintableText(text, limit: Self.longest).description),
                at: map[key] ?? map.node
            )
            return nil
        }
        return text
    }

    private func isInside(_ path: String, _ tree: String) -> Bool {
        path == tree || path.hasPrefix(tree + "/")
    }
}

/// Where a client says which ZooKeeper it uses.
extension PlanNotes {
    private mutating func connectPlace(_ client: YAMLMapping) throws(YAMLError) -> ConnectPlace? {
        let node = try read { () throws(YAMLError) in try client.value("connect") }
        guard let node,
            let map = try yaml.mapping(
                node,
                keys: ["property", "variable", "text", "becomes"],
                subject: "'connect'"
            )
        else { return nil }
        let property = try placeText("property", map)
        let variable = try placeText("variable", map)
        let text = try placeText("text", map)
        let becomes = try placeText("becomes", map)
        if becomes != nil, map["text"] == nil {
            note(.client(.becomesWithoutText), at: map["becomes"] ?? map.node)
        }
        switch (map["property"] != nil, map["variable"] != nil, map["text"] != nil) {
        case (true, false, false): return property.map { .property(key: $0) }
        case (false, true, false):
            guard let variable else { return nil }
            guard isVariable(variable) else {
                note(.client(.badPlace(key: "variable", value: variable)), at: map["variable"] ?? map.node)
                return nil
            }
            return .variable(name: variable)
        case (false, false, true): return text.map { .text(old: $0, becomes: becomes) }
        case (_, _, _):
            note(.client(.onePlace), at: map.node)
            return nil
        }
    }

    private mutating func placeText(_ key: String, _ map: YAMLMapping) throws(YAMLError) -> String? {
        guard let node = map[key], let text = try read({ () throws(YAMLError) in try map.string(key) }) else {
            return nil
        }
        let isPlain = PrintableText(text, limit: Self.longest).description == text
        guard isPlain, text.first?.isWhitespace == false, text.last?.isWhitespace == false else {
            let shown = PrintableText(text, limit: 200).description
            note(.client(.badPlace(key: key, value: shown)), at: node)
            return nil
        }
        return text
    }

    private func isVariable(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            case _: false
            }
        } && name.first?.isNumber == false
    }
}

/// The host of a client, which others of the plan may have as well.
extension PlanNotes {
    private mutating func clientHost(
        _ map: YAMLMapping,
        defaults: ServerDefaults,
        _ servers: [ReadServer],
        _ brokers: [PlannedBroker],
        _ clients: [PlannedClient]
    ) throws(YAMLError) -> Place? {
        guard let host = try hostName(map) else { return nil }
        if let server = servers.first(where: { $0.server.host == host }) {
            note(.client(.onServerHost(host, firstLine: server.server.line)), at: map["host"] ?? map.node)
            return nil
        }
        let known = try inventoried(host, map, defaults.inventory)
        guard known != nil || defaults.inventory == nil else { return nil }
        let other =
            brokers.first { $0.host == host }.map { ($0.address, $0.agent) }
            ?? clients.first { $0.host == host }.map { ($0.address, $0.agent) }
        if let (address, agent) = other {
            let values = [
                ("address", address), ("agent_address", agent.address),
                ("agent_port", agent.port.description),
            ]
            for (key, value) in values {
                guard let node = map[key], case .scalar(let text, _) = node.kind, text != value else {
                    continue
                }
                note(
                    .client(
                        .saysOtherwise(key: key, value: text, firstLine: agent.line, other: value)
                    ),
                    at: node
                )
            }
            return Place(host: host, address: address, agent: agent, settings: nil)
        }
        if let known {
            return Place(host: host, address: known.address, agent: known.agent, settings: known.settings)
        }
        let address = try clientAddress("address", map, isNeeded: true)
        let agentAddress = try clientAddress("agent_address", map, isNeeded: false)
        let port = try port("agent_port", in: map, default: defaults.agentPort)
        guard let address, let port else { return nil }
        return Place(
            host: host,
            address: address,
            agent: PlannedAgent(host: host, address: agentAddress ?? address, port: port, line: map.line),
            settings: nil
        )
    }

    private mutating func clientAddress(
        _ key: String,
        _ map: YAMLMapping,
        isNeeded: Bool
    ) throws(YAMLError) -> String? {
        let text = try read { () throws(YAMLError) -> String? in
            isNeeded ? try map.string(key) : try map.optionalString(key)
        }
        guard let text = text ?? nil else { return nil }
        guard IPAddress(text) != nil || NetworkName.isValid(text) else {
            note(.badAddress(text), at: map[key] ?? map.node)
            return nil
        }
        return text
    }

    private mutating func checkFile(
        _ client: PlannedClient,
        _ map: YAMLMapping,
        _ brokers: [PlannedBroker],
        _ clients: [PlannedClient]
    ) {
        let other =
            brokers.first { $0.host == client.host && $0.configPath == client.configPath }?.line
            ?? clients.first { $0.host == client.host && $0.configPath == client.configPath }?.line
        guard let other else { return }
        note(
            .client(.sameFile(path: client.configPath, host: client.host, firstLine: other)),
            at: map["config"] ?? map.node
        )
    }

    /// The same clients, each knowing whether it is alone; one that is not must be known by more than its address.
    private mutating func sharing(
        _ clients: [PlannedClient],
        _ brokers: [PlannedBroker],
        _ items: [YAMLNode]
    ) -> [PlannedClient] {
        clients.map { client in
            let others =
                brokers.filter { $0.host == client.host || $0.address == client.address }.map(\.line)
                + clients.filter {
                    $0.line != client.line && ($0.host == client.host || $0.address == client.address)
                }.map(\.line)
            guard let other = others.first else { return client }
            if client.ephemerals == nil {
                let node = items.first { $0.position.line == client.line }
                note(
                    .client(.sharesHost(client.host, firstLine: other)),
                    at: node?.position ?? YAMLPosition(line: client.line, column: 1)
                )
            }
            return client.sharingItsHost
        }
    }
}

extension PlannedClient {
    fileprivate var sharingItsHost: PlannedClient {
        PlannedClient(
            name: name,
            host: host,
            address: address,
            agent: agent,
            service: service,
            configPath: configPath,
            connect: connect,
            tree: tree,
            ephemerals: ephemerals,
            healthy: healthy,
            isAlone: false,
            line: line
        )
    }
}
