import ControlProtocol
import FoundationEssentials
package import SystemCalls
import Topology

/// Turns a plan file into values, or into everything that is wrong with it.
///
/// Nothing but the file itself is looked at. docs/plan-file.md describes the format.
package enum PlanReader {
    /// Reads a file, with every mistake in it.
    ///
    /// - Parameter owners: whose file it must be, and that nobody else can have written; nil for anybody's.
    package static func read(path: String, believing owners: TrustedOwners? = nil) throws(PlanError)
        -> MigrationPlan
    {
        let document: YAMLDocument
        do {
            document = try YAMLDocument.read(path: path, believing: owners)
        } catch {
            throw PlanDocument.error(error)
        }
        return try read(document, believing: owners)
    }

    /// Reads what was kept of a plan and of the inventory that it refers to, as if both stood in their places.
    ///
    /// - Parameters:
    ///   - inventory: nil where the plan refers to none.
    ///   - owners: whose the other files must be that the plan names.
    package static func read(
        text: String,
        inventory: String?,
        as file: String,
        believing owners: TrustedOwners? = nil
    ) throws(PlanError) -> MigrationPlan {
        let document: YAMLDocument
        do {
            document = try YAMLDocument(bytes: Array(text.utf8), file: file)
        } catch {
            throw PlanDocument.error(error)
        }
        var reader = PlanDocument(document: document, believing: owners)
        reader.notes.inventoryText = inventory
        return try reader.plan()
    }

    /// - Parameter owners: the same of the inventory that the plan may refer to.
    package static func read(_ document: YAMLDocument, believing owners: TrustedOwners? = nil)
        throws(PlanError)
        -> MigrationPlan
    {
        var reader = PlanDocument(document: document, believing: owners)
        return try reader.plan()
    }
}

private struct PlanDocument {
    let document: YAMLDocument
    var notes: PlanNotes

    init(document: YAMLDocument, believing owners: TrustedOwners?) {
        self.document = document
        notes = PlanNotes(file: document.file, believing: owners)
    }

    static func error(_ error: YAMLError) -> PlanError {
        guard case .problems(let problems) = error else { return .unreadable(error) }
        return .invalid(
            problems.map { PlanProblem(file: $0.file, position: $0.position, fault: .format($0.fault)) }
        )
    }

    mutating func plan() throws(PlanError) -> MigrationPlan {
        let plan: MigrationPlan?
        do {
            plan = try assembled()
        } catch {
            throw Self.error(error)
        }
        try notes.check()
        guard let plan else { throw .unreadable(.unreadable(file: document.file, reason: "no plan in it")) }
        return plan
    }

    /// Nil only after a problem was noted.
    private mutating func assembled() throws(YAMLError) -> MigrationPlan? {
        let keys = [
            "version", "name", "inventory", "strategy", "pki", "journal", "agent_port", "defaults", "source",
            "destination",
            "firewall", "deadlines", "waivers", "kafka", "auth", "proofs", "trees", "clients", "tests",
            "questions",
        ]
        guard let root = try notes.yaml.mapping(document.root, keys: keys, subject: "the plan"),
            try isSupported(root)
        else { return nil }
        try notes.questions(root)
        let name = try name("name", in: root)
        let strategy = try notes.choice("strategy", in: root, default: MigrationPlan.Strategy.participants)
        let inventory = try notes.inventory(root)
        guard inventory != nil || root["inventory"] == nil else { return nil }
        let pki = try pki(root, inventory)
        let journal = try notes.read { () throws(YAMLError) in try root.optionalString("journal") }
        let defaults = try defaults(root, inventory)
        let servers = try servers(root, defaults: defaults)
        let kafka = try notes.kafka(root, defaults: defaults, servers: servers)
        let selection = try selection(root, strategy: strategy, servers: servers)
        let firewall = try notes.section("firewall", of: root, keys: ["scope"])
        let scope = try notes.choice("scope", in: firewall, default: MigrationPlan.FirewallScope.quorumPorts)
        let proofs = try notes.proofs(root, chroot: kafka?.chroot ?? "")
        let deadlines = try deadlines(root, proofs)
        let waivers = try waivers(root)
        let credentials = try notes.credentials(root)
        let section = try notes.section(
            "clients",
            of: root,
            keys: ["ignore", "move", "deadline_seconds", "pause_seconds", "batch", "restart_completed"]
        )
        let census = try notes.census(root, section, chroot: kafka?.chroot)
        let clients = try notes.clients(
            section,
            defaults: defaults,
            servers: servers,
            brokers: kafka?.brokers ?? [],
            trees: census.trees
        )
        let tests = try notes.tests(root)
        guard notes.count == 0, let name, let strategy, let pki, let journal, let selection, let scope,
            let deadlines, let proofs
        else { return nil }
        return MigrationPlan(
            file: document.file,
            digest: ContentDigest.sha256(Data(document.bytes + (inventory?.digest.utf8 ?? "".utf8))),
            name: name,
            strategy: strategy,
            pki: pki,
            journalPath: beside(journal ?? "\(name).journal.sqlite"),
            source: servers.filter { $0.side == .source }.map(\.server),
            destination: servers.filter { $0.side == .destination }.map(\.server),
            selection: selection,
            scope: scope,
            deadlines: deadlines,
            waivers: waivers,
            kafka: kafka,
            credentials: credentials,
            proofs: proofs,
            census: census,
            clients: clients,
            tests: tests,
            sharedInventory: inventory
        )
    }

    private mutating func isSupported(_ root: YAMLMapping) throws(YAMLError) -> Bool {
        let version = try notes.read { () throws(YAMLError) in try root.integer("version") }
        guard let version, version != 1 else { return true }
        notes.note(.unsupportedVersion(version), at: root["version"] ?? root.node)
        return false
    }

    private mutating func name(_ key: String, in map: YAMLMapping) throws(YAMLError) -> String? {
        guard let text = try notes.read({ () throws(YAMLError) in try map.string(key) }) else { return nil }
        guard HostName(text) != nil else {
            notes.note(.badName(key: key, value: text), at: map[key] ?? map.node)
            return nil
        }
        return text
    }

    private mutating func pki(_ root: YAMLMapping, _ inventory: Inventory?) throws(YAMLError) -> FleetPKI? {
        if let inventory, root["pki"] == nil { return inventory.pki }
        guard let node = try notes.read({ () throws(YAMLError) in try root.value("pki") }),
            let map = try notes.yaml.mapping(
                node,
                keys: ["directory", "coordinator", "trust_domain"],
                subject: "'pki'"
            )
        else { return nil }
        let directory = try notes.read { () throws(YAMLError) in try map.string("directory") }
        let coordinator = try name("coordinator", in: map)
        let domain = map["trust_domain"] == nil ? "mitosis" : try name("trust_domain", in: map)
        guard let directory, let coordinator, let domain else { return nil }
        return FleetPKI(
            directory: beside(directory),
            coordinator: coordinator,
            trustDomain: domain
        )
    }

    /// A path on the coordinator's host, relative to the plan file.
    private func beside(_ path: String) -> String { FilePlace.beside(document.file, path) }
}

extension PlanDocument {
    private mutating func defaults(
        _ root: YAMLMapping,
        _ inventory: Inventory?
    ) throws(YAMLError) -> ServerDefaults {
        var defaults = ServerDefaults()
        defaults.inventory = inventory
        let keys = ["client_port", "quorum_port", "election_port", "service", "config"]
        let map = try notes.section("defaults", of: root, keys: keys)
        let client = try notes.port("client_port", in: map, default: defaults.clientPort)
        let quorum = try notes.port("quorum_port", in: map, default: defaults.quorumPort)
        let election = try notes.port("election_port", in: map, default: defaults.electionPort)
        let agent = try notes.port("agent_port", in: root, default: defaults.agentPort)
        defaults.clientPort = client.map { Int($0.number) } ?? defaults.clientPort
        defaults.quorumPort = quorum.map { Int($0.number) } ?? defaults.quorumPort
        defaults.electionPort = election.map { Int($0.number) } ?? defaults.electionPort
        defaults.agentPort = agent.map { Int($0.number) } ?? defaults.agentPort
        defaults.service = try notes.service(in: map, default: defaults.service) ?? defaults.service
        defaults.config =
            try notes.absolutePath("config", in: map, default: defaults.config) ?? defaults.config
        return defaults
    }

    /// Both sides, checked against each other.
    private mutating func servers(
        _ root: YAMLMapping,
        defaults: ServerDefaults
    ) throws(YAMLError) -> [ReadServer] {
        var all: [ReadServer] = []
        for (side, keys) in [(EnsembleSide.source, ["servers"]), (.destination, ["servers", "seeds"])] {
            let node = try notes.read { () throws(YAMLError) in try root.value(side.rawValue) }
            guard let node,
                let map = try notes.yaml.mapping(node, keys: keys, subject: "'\(side.rawValue)'"),
                let items = try notes.read({ () throws(YAMLError) in try map.items("servers") })
            else { continue }
            if let problem = SeedSelection.sizeProblem(side, count: items.count) {
                notes.note(.selection(problem), at: map.position(of: "servers") ?? map.node.position)
            }
            for item in items {
                guard let server = try notes.server(item, side: side, defaults: defaults) else { continue }
                all.append(server)
            }
        }
        notes.checkTogether(all)
        return all
    }

    private mutating func selection(
        _ root: YAMLMapping,
        strategy: MigrationPlan.Strategy?,
        servers: [ReadServer]
    ) throws(YAMLError) -> SeedSelection? {
        let source = servers.filter { $0.side == .source }.map(\.server.id)
        let destination = servers.filter { $0.side == .destination }.map(\.server)
        let node = root["destination"].flatMap { destination -> YAMLNode? in
            guard case .mapping(let entries) = destination.kind else { return nil }
            return entries.first { $0.key == "seeds" }?.value
        }
        guard let strategy else { return nil }
        switch strategy {
        case .observers:
            if let node { notes.note(.seedsWithObservers, at: node) }
            return .everyone(destination.map(\.id))
        case .participants:
            // Which seeds are known makes no sense while servers are missing from the list.
            guard notes.count == 0 else { return nil }
            let requested = try node.map { node throws(YAMLError) in try seeds(node, among: destination) }
            guard notes.count == 0 else { return nil }
            do {
                return try SeedSelection.choose(
                    source: source,
                    destination: destination.map(\.id),
                    requested: requested
                )
            } catch {
                notes.note(.selection(error), at: node ?? root.node)
                return nil
            }
        }
    }

    /// Seeds may be named by id or by host.
    private mutating func seeds(
        _ node: YAMLNode,
        among servers: [PlannedServer]
    ) throws(YAMLError) -> [ServerID] {
        let items = try notes.read { () throws(YAMLError) in try node.items(subject: "'seeds'") }
        var seeds: [ServerID] = []
        for item in items ?? [] {
            let text = try notes.read { () throws(YAMLError) in
                try item.string(subject: "each item of 'seeds'")
            }
            guard let text else { continue }
            let named = servers.first { $0.host.description == text || $0.id.description == text }
            guard let named else {
                let known = servers.map { "\($0.id) (\($0.host))" }
                notes.note(.unknownSeed(text, known: known), at: item)
                continue
            }
            seeds.append(named.id)
        }
        return seeds
    }

    private mutating func deadlines(
        _ root: YAMLMapping,
        _ proofs: PlannedProofs?
    ) throws(YAMLError) -> MigrationPlan.Deadlines? {
        let keys = ["join_seconds", "restart_seconds", "division_seconds", "source_unserved_seconds"]
        let map = try notes.section("deadlines", of: root, keys: keys)
        let join = try seconds("join_seconds", in: map, range: 5...3600, default: 120)
        let restart = try seconds("restart_seconds", in: map, range: 5...3600, default: 120)
        let division = try seconds("division_seconds", in: map, range: 5...600, default: 60)
        let unserved = try notes.read { () throws(YAMLError) in
            try map?.optionalInteger("source_unserved_seconds", in: 1...3600)
        }
        guard let join, let restart, let division, let unserved else { return nil }
        if let place = map?["source_unserved_seconds"], proofs?.skipped[.probe] != nil {
            notes.note(.thresholdWithoutProbe, at: place)
        }
        return MigrationPlan.Deadlines(
            join: join,
            restart: restart,
            division: division,
            sourceUnserved: unserved.map { .seconds($0) }
        )
    }

    private mutating func seconds(
        _ key: String,
        in map: YAMLMapping?,
        range: ClosedRange<Int>,
        default number: Int
    ) throws(YAMLError) -> Duration? {
        let read = try notes.read { () throws(YAMLError) in try map?.optionalInteger(key, in: range) }
        return read.map { .seconds($0 ?? number) }
    }

    private mutating func waivers(_ root: YAMLMapping) throws(YAMLError) -> [MigrationPlan.Waiver] {
        let items = try notes.read { () throws(YAMLError) in try root.optionalItems("waivers") }
        var waivers: [MigrationPlan.Waiver] = []
        for item in (items ?? nil) ?? [] {
            guard let map = try notes.yaml.mapping(item, keys: ["check", "reason"], subject: "each waiver"),
                let text = try name("check", in: map),
                let reason = try notes.read({ () throws(YAMLError) in try map.string("reason") })
            else { continue }
            let place = map["check"] ?? map.node
            guard let check = CheckName(rawValue: text) else {
                let nearest = NearestName.of(text, in: CheckName.allCases.map(\.rawValue))
                notes.note(.unknownCheck(text, nearest: nearest), at: place)
                continue
            }
            if let obstacle = check.obstacle {
                notes.note(.unwaivableCheck(check, because: obstacle), at: place)
            }
            if let other = waivers.first(where: { $0.check == check }) {
                notes.note(.repeatedWaiver(check, firstLine: other.line), at: place)
            }
            if reason.allSatisfy(\.isWhitespace) {
                notes.note(.waiverWithoutReason(check), at: map["reason"] ?? map.node)
            }
            waivers.append(MigrationPlan.Waiver(check: check, reason: reason, line: map.line))
        }
        return waivers
    }
}
