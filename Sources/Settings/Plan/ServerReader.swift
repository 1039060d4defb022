import ControlProtocol
import Topology

/// What a server inherits when it does not say otherwise.
struct ServerDefaults {
    var clientPort = 2181
    var quorumPort = 2888
    var electionPort = 3888
    var agentPort = 9760
    var service = "zookeeper.service"
    var config = "/etc/zookeeper/conf/zoo.cfg"
    /// Where the plan's hosts are described, when it refers to one.
    var inventory: Inventory?
}

/// A server that was read, with the places that later checks point at.
struct ReadServer {
    let server: PlannedServer
    let side: EnsembleSide
    let node: YAMLMapping

    func position(of key: String) -> YAMLPosition { node[key]?.position ?? node.node.position }
}

extension PlanNotes {
    private static var keys: [String] {
        [
            "id", "host", "address", "addresses", "agent_address", "agent_port", "client_port", "quorum_port",
            "election_port", "service", "config",
        ]
    }

    /// Nil when something about it was noted.
    mutating func server(
        _ node: YAMLNode,
        side: EnsembleSide,
        defaults: ServerDefaults
    ) throws(YAMLError) -> ReadServer? {
        let before = count
        guard let map = try yaml.mapping(node, keys: Self.keys, subject: "each server") else { return nil }
        let id = try read { () throws(YAMLError) in try map.integer("id", in: 1...255) }
        let host = try hostName(map)
        let known = try host.flatMap { host throws(YAMLError) in
            try inventoried(host, map, defaults.inventory)
        }
        let stated = try furtherAddresses(map)
        let further = stated.isEmpty ? known?.allAddresses ?? [] : stated
        let address: String?
        let agentAddress: String??
        let agent: Port?
        if let known {
            (address, agentAddress, agent) = (known.address, known.agent.address, known.agent.port)
        } else {
            address = try read { () throws(YAMLError) in try map.string("address") }
            agentAddress = try read { () throws(YAMLError) in try map.optionalString("agent_address") }
            agent = try port("agent_port", in: map, default: defaults.agentPort)
        }
        let client = try port("client_port", in: map, default: defaults.clientPort)
        let quorum = try port("quorum_port", in: map, default: defaults.quorumPort)
        let election = try port("election_port", in: map, default: defaults.electionPort)
        let service = try service(in: map, default: known?.settings.service ?? defaults.service)
        let config = try absolutePath("config", in: map, default: known?.settings.config ?? defaults.config)
        guard let id = id.flatMap({ ServerID($0) }), let host, let address, let client, let quorum,
            let election, let agent, let service, let config,
            let own = ownAddress(address, further, host, map)
        else { return nil }
        if case .some(.some(let text)) = agentAddress { checkAgentAddress(text, map) }
        guard count == before else { return nil }
        let server = PlannedServer(
            id: id,
            host: host,
            address: address,
            allAddresses: unique(own + further),
            agentAddress: (agentAddress ?? nil) ?? address,
            agentPort: agent,
            clientPort: client,
            quorumPort: quorum,
            electionPort: election,
            service: service,
            configPath: config,
            line: map.line
        )
        return ReadServer(server: server, side: side, node: map)
    }

    mutating func hostName(_ map: YAMLMapping) throws(YAMLError) -> HostName? {
        guard let text = try read({ () throws(YAMLError) in try map.string("host") }) else { return nil }
        guard let host = HostName(text) else {
            note(.badName(key: "host", value: text), at: map["host"] ?? map.node)
            return nil
        }
        return host
    }

    private mutating func furtherAddresses(_ map: YAMLMapping) throws(YAMLError) -> [IPAddress] {
        let items = try read { () throws(YAMLError) in try map.optionalItems("addresses") }
        var addresses: [IPAddress] = []
        for item in (items ?? nil) ?? [] {
            let text = try read { () throws(YAMLError) in
                try item.string(subject: "each item of 'addresses'")
            }
            guard let text else { continue }
            guard let address = IPAddress(text) else {
                note(.badAddress(text), at: item)
                continue
            }
            if let because = address.unusableReason {
                note(.unusableAddress(text, because: because), at: item)
            }
            addresses.append(address)
        }
        return addresses
    }

    /// `address` as an IP address; empty when it is a name that `addresses` backs, nil when neither.
    private mutating func ownAddress(
        _ text: String,
        _ further: [IPAddress],
        _ host: HostName,
        _ map: YAMLMapping
    ) -> [IPAddress]? {
        let node = map["address"] ?? map.node
        if let address = IPAddress(text) {
            if let because = address.unusableReason {
                note(.unusableAddress(text, because: because), at: node)
            }
            return [address]
        }
        guard NetworkName.isValid(text) else {
            note(.badAddress(text), at: node)
            return nil
        }
        if further.isEmpty { note(.nameWithoutAddresses(text, host: host), at: node) }
        return []
    }

    private mutating func checkAgentAddress(_ text: String, _ map: YAMLMapping) {
        guard IPAddress(text) == nil, !NetworkName.isValid(text) else { return }
        note(.badAddress(text), at: map["agent_address"] ?? map.node)
    }

    private func unique(_ addresses: [IPAddress]) -> [IPAddress] {
        var seen: Set<IPAddress> = []
        return addresses.filter { seen.insert($0).inserted }
    }
}

/// Host names as a resolver takes them.
enum NetworkName {
    /// Whether the text can be a name and cannot be meant as an IPv4 address.
    static func isValid(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last, last.contains(where: { !$0.isNumber }) else {
            return false
        }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy(isLabelByte)
        }
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension IPAddress {
    /// What keeps this address from being one that peers see; nil when nothing does.
    var unusableReason: String? {
        let isMapped =
            bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10...11] == [255, 255]
        switch (family, bytes[0]) {
        case _ where bytes.allSatisfy({ $0 == 0 }): return "the unspecified address"
        case (.ipv4, 127): return "a loopback address"
        case (.ipv6, 0) where bytes.dropLast().allSatisfy({ $0 == 0 }) && bytes[15] == 1:
            return "a loopback address"
        case (.ipv6, 0) where isMapped: return "an IPv4 address in IPv6 form"
        case (.ipv4, 224...), (.ipv6, 255): return "a multicast or broadcast address"
        case (.ipv6, 254) where bytes[1] & 0xc0 == 0x80: return "a link-local address"
        case (.ipv4, _), (.ipv6, _): return nil
        }
    }
}
