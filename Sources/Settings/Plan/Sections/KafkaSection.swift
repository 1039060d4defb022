import ControlProtocol
import Topology

/// The plan's `kafka` section.
extension PlanNotes {
    private static var sectionKeys: [String] {
        ["chroot", "brokers", "reads", "interval_seconds", "deadline_seconds", "batch"]
    }
    private static var brokerKeys: [String] {
        ["id", "host", "address", "agent_address", "agent_port", "service", "config"]
    }

    /// Nil without the section, or after a mistake in it was noted.
    mutating func kafka(
        _ root: YAMLMapping,
        defaults: ServerDefaults,
        servers: [ReadServer]
    ) throws(YAMLError) -> PlannedKafka? {
        guard root["kafka"] != nil,
            let map = try section("kafka", of: root, keys: Self.sectionKeys)
        else { return nil }
        let before = count
        let chroot = try chroot(map)
        let reads = try number("reads", in: map, range: 1...100, default: 3)
        let interval = try number("interval_seconds", in: map, range: 1...60, default: 1)
        let deadline = try number("deadline_seconds", in: map, range: 10...3600, default: 300)
        if let batch = try number("batch", in: map, range: 1...1000, default: 1), batch != 1 {
            note(.unsupportedBatch(batch), at: map["batch"] ?? map.node)
        }
        let items = try read { () throws(YAMLError) in try map.items("brokers") }
        if items?.isEmpty == true { note(.noBrokers, at: map["brokers"] ?? map.node) }
        var brokers: [PlannedBroker] = []
        for item in items ?? [] {
            guard let broker = try broker(item, defaults: defaults, others: brokers, servers: servers)
            else { continue }
            brokers.append(broker)
        }
        guard count == before, let chroot, let reads, let interval, let deadline else { return nil }
        return PlannedKafka(
            chroot: chroot,
            brokers: brokers,
            reads: reads,
            interval: .seconds(interval),
            deadline: .seconds(deadline),
            line: map.line
        )
    }

    private mutating func broker(
        _ node: YAMLNode,
        defaults: ServerDefaults,
        others: [PlannedBroker],
        servers: [ReadServer]
    ) throws(YAMLError) -> PlannedBroker? {
        guard let map = try yaml.mapping(node, keys: Self.brokerKeys, subject: "each broker") else {
            return nil
        }
        let number = try read { () throws(YAMLError) in try map.integer("id", in: 0...Int(Int32.max)) }
        let host = try hostName(map)
        let known = try host.flatMap { host throws(YAMLError) in
            try inventoried(host, map, defaults.inventory)
        }
        let address: String??
        let agentAddress: String??
        let port: Port?
        if let known {
            (address, agentAddress, port) = (known.address, known.agent.address, known.agent.port)
        } else {
            address = try networkName("address", in: map, required: true)
            agentAddress = try networkName("agent_address", in: map, required: false)
            port = try self.port("agent_port", in: map, default: defaults.agentPort)
        }
        let service = try service(in: map, default: known?.settings.service ?? "kafka.service")
        let config = try absolutePath(
            "config",
            in: map,
            default: known?.settings.config ?? "/etc/kafka/server.properties"
        )
        guard let id = number.flatMap({ BrokerID($0) }), let host, case .some(.some(let address)) = address,
            let agentAddress, let port, let service, let config
        else { return nil }
        if let other = others.first(where: { $0.id == id }) {
            note(.duplicateBroker(id, firstLine: other.line), at: map["id"] ?? map.node)
        }
        if let other = others.first(where: { $0.host == host }) {
            note(.duplicateHost(host, firstLine: other.line), at: map["host"] ?? map.node)
        }
        if let server = servers.first(where: { $0.server.host == host }) {
            note(.brokerOnServerHost(host, firstLine: server.server.line), at: map["host"] ?? map.node)
        }
        return PlannedBroker(
            id: id,
            host: host,
            address: address,
            agent: PlannedAgent(host: host, address: agentAddress ?? address, port: port, line: map.line),
            service: service,
            configPath: config,
            line: map.line
        )
    }

    private mutating func chroot(_ map: YAMLMapping) throws(YAMLError) -> String? {
        guard let text = try read({ () throws(YAMLError) in try map.optionalString("chroot") }) else {
            return nil
        }
        guard let text, let node = map["chroot"] else { return "" }
        guard text.hasPrefix("/"), let connect = ConnectString("zookeeper" + text) else {
            note(.badChroot(text), at: node)
            return nil
        }
        return connect.chroot
    }

    /// Nil after a mistake; `.some(nil)` when it is not there and need not be.
    private mutating func networkName(
        _ key: String,
        in map: YAMLMapping,
        required: Bool
    ) throws(YAMLError) -> String?? {
        let read = try read { () throws(YAMLError) -> String? in
            if required { return try map.string(key) }
            return try map.optionalString(key)
        }
        guard let read else { return nil }
        guard let text = read else { return .some(nil) }
        guard IPAddress(text) != nil || NetworkName.isValid(text) else {
            note(.badAddress(text), at: map[key] ?? map.node)
            return nil
        }
        return text
    }

    private mutating func number(
        _ key: String,
        in map: YAMLMapping,
        range: ClosedRange<Int>,
        default number: Int
    ) throws(YAMLError) -> Int? {
        let read = try read { () throws(YAMLError) in try map.optionalInteger(key, in: range) }
        return read.map { $0 ?? number }
    }
}
