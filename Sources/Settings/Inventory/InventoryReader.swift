import ControlProtocol
import FoundationEssentials
package import SystemCalls
import Topology

/// Turns an inventory file into values, or into everything that is wrong with it.
///
/// Nothing but the file itself is looked at. docs/inventory.md describes the format.
package enum InventoryReader {
    /// Hosts that one inventory may have.
    package static let hostLimit = HostRange.limit

    /// - Parameter owners: whose file it must be, and that nobody else can have written; nil for anybody's.
    package static func read(path: String, believing owners: TrustedOwners? = nil) throws(YAMLError)
        -> Inventory
    {
        try read(YAMLDocument.read(path: path, believing: owners))
    }

    package static func read(_ document: YAMLDocument) throws(YAMLError) -> Inventory {
        var reader = InventoryDocument(document: document)
        return try reader.inventory()
    }
}

private struct InventoryDocument {
    private static let topKeys = ["version", "name", "pki", "agent_port", "defaults", "groups", "hosts"]
    private static let placeKeys = ["host", "address", "addresses", "agent_address", "agent_port"]

    let document: YAMLDocument
    var problems = YAMLProblems()

    mutating func inventory() throws(YAMLError) -> Inventory {
        let root = document.root
        guard let top = try problems.mapping(root, keys: Self.topKeys, subject: "the inventory") else {
            throw .problems(problems.found)
        }
        try version(top)
        let name = try name("name", in: top)
        let pki = try pki(top)
        let agentPort = try port("agent_port", in: top) ?? Port(9760)
        var defaults = SettingsLevel()
        if let node = top["defaults"],
            let map = try problems.mapping(node, keys: SettingsLevel.keys, subject: "'defaults'")
        {
            defaults = try SettingsLevel(map, &problems)
        }
        let places = try self.places(top)
        let groups = try groups(top, hosts: places.map(\.host))
        var hosts: [InventoryHost] = []
        for place in places {
            guard let agentPort, let host = host(place, groups, defaults, agentPort) else { continue }
            hosts.append(host)
        }
        checkAddresses(hosts)
        try problems.check()
        guard let name, let pki else { throw root.refused("the inventory could not be read. Mend the file.") }
        return Inventory(
            file: document.file,
            digest: ContentDigest.sha256(Data(document.bytes)),
            name: name,
            pki: pki,
            hosts: hosts,
            groups: groups.map { HostGroup(name: $0.name, hosts: $0.hosts) }
        )
    }

    private mutating func version(_ top: YAMLMapping) throws(YAMLError) {
        let version = try problems.attempt { () throws(YAMLError) in try top.integer("version") }
        guard let version, version != 1, let node = top["version"] else { return }
        note("inventory version \(version) is not known. Write 'version: 1'.", at: node)
    }

    private mutating func name(_ key: String, in map: YAMLMapping) throws(YAMLError) -> String? {
        guard let node = try problems.attempt({ () throws(YAMLError) in try map.value(key) }) else {
            return nil
        }
        let text = try problems.attempt { () throws(YAMLError) in try node.string(subject: "'\(key)'") }
        guard let text else { return nil }
        guard HostName(text) != nil else {
            note(
                "'\(key)' is '\(text)', but must be 1 to 63 of a-z, 0-9, '.' and '-', starting and ending with a letter or "
                    + "digit. Rename it.",
                at: node
            )
            return nil
        }
        return text
    }

    private mutating func pki(_ top: YAMLMapping) throws(YAMLError) -> FleetPKI? {
        let keys = ["directory", "coordinator", "trust_domain"]
        guard let node = try problems.attempt({ () throws(YAMLError) in try top.value("pki") }),
            let map = try problems.mapping(node, keys: keys, subject: "'pki'")
        else { return nil }
        let directory = try problems.attempt { () throws(YAMLError) in try map.string("directory") }
        let coordinator = try name("coordinator", in: map)
        let domain = map["trust_domain"] == nil ? "mitosis" : try name("trust_domain", in: map)
        guard let directory, let coordinator, let domain else { return nil }
        return FleetPKI(
            directory: FilePlace.beside(document.file, directory),
            coordinator: coordinator,
            trustDomain: domain
        )
    }

    private mutating func port(_ key: String, in map: YAMLMapping) throws(YAMLError) -> Port? {
        let number = try problems.attempt { () throws(YAMLError) in
            try map.optionalInteger(key, in: 1...65_535)
        }
        return (number ?? nil).flatMap { Port($0) }
    }

    private mutating func note(_ reason: String, at node: YAMLNode) {
        note(reason, at: node.position)
    }

    private mutating func note(_ reason: String, at position: YAMLPosition) {
        problems.add(YAMLProblem(file: document.file, position: position, fault: .refused(reason)))
    }
}

/// One host of the list, ranges written out, before its groups and defaults are known.
private struct HostPlace {
    let host: HostName
    let address: String
    let further: [IPAddress]
    let agentAddress: String?
    let agentPort: Port?
    let level: SettingsLevel
    let position: YAMLPosition
}

private struct GroupRead {
    let name: String
    let hosts: [HostName]
    let level: SettingsLevel
}

extension InventoryDocument {
    private mutating func places(_ top: YAMLMapping) throws(YAMLError) -> [HostPlace] {
        let items = try problems.attempt { () throws(YAMLError) in try top.items("hosts") }
        guard let items else { return [] }
        if items.isEmpty, let node = top["hosts"] {
            note("'hosts' is empty. List at least one host, as {host: NAME, address: ADDRESS}.", at: node)
        }
        var places: [HostPlace] = []
        var lines: [HostName: Int] = [:]
        for item in items {
            for place in try self.places(item) {
                if let line = lines[place.host] {
                    note(
                        "host '\(place.host)' is already listed on line \(line). List every host once.",
                        at: place.position
                    )
                    continue
                }
                lines[place.host] = place.position.line
                places.append(place)
            }
            guard places.count <= InventoryReader.hostLimit else {
                note(
                    "more than \(InventoryReader.hostLimit) hosts. Write several inventories.",
                    at: item
                )
                break
            }
        }
        return places
    }

    private mutating func places(_ item: YAMLNode) throws(YAMLError) -> [HostPlace] {
        let keys = Self.placeKeys + SettingsLevel.keys
        guard let map = try problems.mapping(item, keys: keys, subject: "each host"),
            let node = try problems.attempt({ () throws(YAMLError) in try map.value("host") }),
            let names = try expanded(node, "'host'")
        else { return [] }
        let level = try SettingsLevel(map, &problems)
        let addresses = try parallel("address", in: map, count: names.count)
        let agentAddresses = try parallel("agent_address", in: map, count: names.count)
        let agentPort = try port("agent_port", in: map)
        let further =
            try problems.list(
                "addresses",
                in: map,
                { IPAddress($0) },
                otherwise: {
                    "'\($0)' is not an IP address. Correct it (IPv6 without brackets)."
                }
            ) ?? []
        if !further.isEmpty, names.count > 1, let node = map["addresses"] {
            note("'addresses' cannot stand at a range of hosts. List these hosts one by one.", at: node)
        }
        var places: [HostPlace] = []
        for (number, name) in names.enumerated() {
            guard let host = HostName(name) else {
                note(
                    "'host' is '\(name)', but must be 1 to 63 of a-z, 0-9, '.' and '-', starting and ending with a letter "
                        + "or digit. Rename it: its certificate bears this name.",
                    at: node
                )
                return []
            }
            places.append(
                HostPlace(
                    host: host,
                    address: addresses?[number] ?? name,
                    further: further,
                    agentAddress: agentAddresses?[number],
                    agentPort: agentPort,
                    level: level,
                    position: node.position
                )
            )
        }
        return places
    }

    private mutating func expanded(_ node: YAMLNode, _ subject: String) throws(YAMLError) -> [String]? {
        try problems.attempt { () throws(YAMLError) -> [String] in
            let text = try node.string(subject: subject)
            do throws(HostRange.Fault) {
                return try HostRange(text).texts
            } catch {
                throw node.refused("\(subject) is '\(text)', which \(error)")
            }
        }
    }

    /// As many as there are names; nil when the key is absent or wrong.
    private mutating func parallel(
        _ key: String,
        in map: YAMLMapping,
        count: Int
    ) throws(YAMLError) -> [String]? {
        guard let node = map[key], let texts = try expanded(node, "'\(key)'") else { return nil }
        guard texts.count == count else {
            note(
                "'\(key)' stands for \(texts.count) and 'host' for \(count). Give both ranges the same length.",
                at: node
            )
            return nil
        }
        for text in texts {
            if let address = IPAddress(text) {
                guard let because = address.unusableReason else { continue }
                note(
                    "'\(text)' is \(because), under which no other host can reach this one. Use the address that others "
                        + "see.",
                    at: node
                )
                return nil
            }
            guard NetworkName.isValid(text) else {
                note(
                    "'\(text)' is neither an IP address nor a host name. Correct it (IPv6 without brackets).",
                    at: node
                )
                return nil
            }
        }
        return texts
    }

    private mutating func groups(_ top: YAMLMapping, hosts: [HostName]) throws(YAMLError) -> [GroupRead] {
        guard let node = top["groups"],
            let entries = try problems.attempt({ () throws(YAMLError) in
                try node.entries(subject: "'groups'")
            })
        else { return [] }
        var groups: [GroupRead] = []
        for entry in entries {
            guard HostName(entry.key) != nil else {
                note(
                    "'\(entry.key)' is no name for a group. Use a-z, 0-9, '.' and '-'.",
                    at: entry.keyPosition
                )
                continue
            }
            if hosts.contains(where: { $0.description == entry.key }) {
                note(
                    "'\(entry.key)' is a host as well: --limit could not tell them apart. Rename the group.",
                    at: entry.keyPosition
                )
            }
            let keys = ["hosts"] + SettingsLevel.keys
            guard let map = try problems.mapping(entry.value, keys: keys, subject: "'\(entry.key)'")
            else { continue }
            let level = try SettingsLevel(map, &problems)
            let members = try members(map, hosts: hosts, groups: groups)
            groups.append(GroupRead(name: entry.key, hosts: members, level: level))
        }
        return groups
    }

    /// Hosts, globs, ranges, and groups that stand above.
    private mutating func members(
        _ map: YAMLMapping,
        hosts: [HostName],
        groups: [GroupRead]
    ) throws(YAMLError) -> [HostName] {
        let known = groups.map { HostGroup(name: $0.name, hosts: $0.hosts) }
        let items = try problems.attempt { () throws(YAMLError) in try map.items("hosts") }
        var members: Set<HostName> = []
        // What is wrong with the list of hosts was noted there.
        guard !hosts.isEmpty else { return [] }
        for item in items ?? [] {
            let found = try problems.attempt { () throws(YAMLError) in
                let text = try item.string(subject: "each item of 'hosts'")
                do throws(HostPattern.Fault) {
                    return try HostPattern(text).hosts(among: hosts, groups: known)
                } catch {
                    throw item.refused("\(error)")
                }
            }
            members.formUnion(found ?? [])
        }
        return hosts.filter(members.contains)
    }

    private mutating func host(
        _ place: HostPlace,
        _ groups: [GroupRead],
        _ defaults: SettingsLevel,
        _ agentPort: Port
    ) -> InventoryHost? {
        let own = groups.filter { $0.hosts.contains(place.host) }
        let settings = MergedSettings(host: place.level, groups: own.map { ($0.name, $0.level) }, defaults)
        for conflict in settings.conflicts {
            note(
                "'\(place.host)' is in two groups that say different things about '\(conflict.key)': '\(conflict.first)' "
                    + "(line \(conflict.firstPosition.line)) and '\(conflict.second)'. Say it at the host, or in one group.",
                at: conflict.position
            )
        }
        for objection in settings.objections(host: place.host) { note(objection, at: place.position) }
        let addresses = IPAddress(place.address).map { [$0] } ?? []
        let port = place.agentPort ?? agentPort
        return InventoryHost(
            host: place.host,
            address: place.address,
            allAddresses: addresses + place.further.filter { !addresses.contains($0) },
            agent: PlannedAgent(
                host: place.host,
                address: place.agentAddress ?? place.address,
                port: port,
                line: place.position.line
            ),
            groups: own.map(\.name),
            settings: settings.settings,
            line: place.position.line
        )
    }

    private mutating func checkAddresses(_ hosts: [InventoryHost]) {
        var owners: [String: InventoryHost] = [:]
        for host in hosts {
            let texts = Set([host.address.lowercased()] + host.allAddresses.map(\.description))
            for text in texts.sorted() {
                guard let owner = owners.updateValue(host, forKey: text), owner.host != host.host else {
                    continue
                }
                note(
                    "address \(text) of '\(host.host)' already belongs to '\(owner.host)' (line \(owner.line)). Give every "
                        + "host addresses of its own.",
                    at: YAMLPosition(line: host.line, column: 1)
                )
            }
        }
    }
}
