internal import FoundationEssentials

/// What is to be rehearsed: a plan, and what was seen of its hosts.
///
/// `mitosis rehearse` writes it and `mitosis-lab rehearse` reads it, so that the lab contacts nobody.
package struct RehearsedSetup: Codable, Sendable, Hashable {
    package static let format = 1
    /// Bytes of the document.
    package static let sizeLimit = 16 << 20

    package enum Strategy: String, Codable, Sendable, Hashable {
        case participants
        case observers
    }

    package enum Scope: String, Codable, Sendable, Hashable {
        case quorumPorts = "quorum-ports"
        case allTCP = "all-tcp"
    }

    package enum ClientKind: String, Codable, Sendable, Hashable {
        case property
        case variable
        case text
    }

    /// All in seconds.
    package struct Deadlines: Codable, Sendable, Hashable {
        package let join: Int
        package let restart: Int
        package let division: Int

        package init(join: Int, restart: Int, division: Int) {
            self.join = join
            self.restart = restart
            self.division = division
        }
    }

    package struct Server: Codable, Sendable, Hashable {
        package let id: Int
        package let host: String
        package let address: String
        /// As the server says it; this and all below is nil where it was not seen.
        package let version: String?
        /// The text of its zoo.cfg.
        package let configuration: String?
        package let nodes: Int?
        /// Of the newest snapshot and the logs from there on.
        package let bytes: Int?

        package init(
            id: Int,
            host: String,
            address: String,
            version: String? = nil,
            configuration: String? = nil,
            nodes: Int? = nil,
            bytes: Int? = nil
        ) {
            self.id = id
            self.host = host
            self.address = address
            self.version = version
            self.configuration = configuration
            self.nodes = nodes
            self.bytes = bytes
        }
    }

    package struct Broker: Codable, Sendable, Hashable {
        package let id: Int
        package let host: String
        package let address: String

        package init(id: Int, host: String, address: String) {
            self.id = id
            self.host = host
            self.address = address
        }
    }

    package struct Client: Codable, Sendable, Hashable {
        package let name: String
        package let host: String
        package let address: String
        package let kind: ClientKind

        package init(name: String, host: String, address: String, kind: ClientKind) {
            self.name = name
            self.host = host
            self.address = address
            self.kind = kind
        }
    }

    package struct Test: Codable, Sendable, Hashable {
        package let name: String
        package let command: [String]
        package let seconds: Int
        /// Whether the plan says that a rehearsal may run it.
        package let isForRehearsals: Bool

        package init(name: String, command: [String], seconds: Int, isForRehearsals: Bool) {
            self.name = name
            self.command = command
            self.seconds = seconds
            self.isForRehearsals = isForRehearsals
        }
    }

    package var format = RehearsedSetup.format
    package let plan: String
    package let strategy: Strategy
    package let scope: Scope
    package let deadlines: Deadlines
    /// In the order of the plan.
    package let source: [Server]
    package let destination: [Server]
    /// Ids of the destination servers that join first; all of them with observers.
    package let seeds: [Int]
    /// Nil when the plan has no brokers, empty when they have no chroot.
    package let chroot: String?
    package let brokers: [Broker]
    package let clients: [Client]
    package let tests: [Test]
    /// Reasons by check.
    package let waivers: [String: String]
    /// What has to be said of all this from the beginning, a sentence each.
    package let remarks: [String]

    package init(
        plan: String,
        strategy: Strategy,
        scope: Scope,
        deadlines: Deadlines,
        source: [Server],
        destination: [Server],
        seeds: [Int],
        chroot: String? = nil,
        brokers: [Broker] = [],
        clients: [Client] = [],
        tests: [Test] = [],
        waivers: [String: String] = [:],
        remarks: [String] = []
    ) {
        self.plan = plan
        self.strategy = strategy
        self.scope = scope
        self.deadlines = deadlines
        self.source = source
        self.destination = destination
        self.seeds = seeds
        self.chroot = chroot
        self.brokers = brokers
        self.clients = clients
        self.tests = tests
        self.waivers = waivers
        self.remarks = remarks
    }
}

/// Why a document is not what is to be rehearsed.
package struct UnusableSetup: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String

    package var description: String {
        "what is to be rehearsed cannot be used: \(reason); `mitosis rehearse PLAN` writes it, of the same version as mitosis-lab"
    }
}

extension RehearsedSetup {
    package init(reading bytes: [UInt8]) throws(UnusableSetup) {
        guard bytes.count <= Self.sizeLimit else {
            throw UnusableSetup(reason: "it is larger than \(Self.sizeLimit >> 20) MiB")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch {
            throw UnusableSetup(reason: "\(error)")
        }
        try check()
    }

    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    private func check() throws(UnusableSetup) {
        guard format == Self.format else {
            throw UnusableSetup(reason: "its format is \(format), not \(Self.format)")
        }
        let servers = source + destination
        try check(servers.count <= 255 && brokers.count <= 1000 && clients.count <= 1000, "too many hosts")
        try check(Set(servers.map(\.id)).count == servers.count, "two servers have the same id")
        try check(servers.allSatisfy { (1...255).contains($0.id) }, "a server's id is not from 1 to 255")
        try check(
            Set(seeds).count == seeds.count && Set(seeds).isSubset(of: destination.map(\.id)),
            "a seed is no server of the destination, or there twice"
        )
        try check(
            Set(brokers.map(\.id)).count == brokers.count
                && brokers.allSatisfy { (0...Int(Int32.max)).contains($0.id) },
            "a broker's id is there twice, or none"
        )
        let seconds = [deadlines.join, deadlines.restart, deadlines.division] + tests.map(\.seconds)
        try check(seconds.allSatisfy { (1...86_400).contains($0) }, "a time is not from 1 to 86400 s")
        let numbers = servers.flatMap { [$0.nodes, $0.bytes] }.compactMap(\.self)
        try check(numbers.allSatisfy { (0...1 << 60).contains($0) }, "a size cannot be")
        try check(tests.count <= 100 && tests.allSatisfy { !$0.command.isEmpty }, "a test has no program")
        try check(remarks.count <= 1000 && waivers.count <= 1000, "too many remarks")
        var texts = [plan, chroot ?? ""] + remarks + waivers.flatMap { [$0.key, $0.value] }
        texts += servers.flatMap { [$0.host, $0.address, $0.version ?? ""] }
        texts += brokers.flatMap { [$0.host, $0.address] }
        texts += clients.flatMap { [$0.name, $0.host, $0.address] } + tests.map(\.name)
        try check(texts.allSatisfy(Self.isLine), "a text is too long, or not one line")
    }

    private func check(_ holds: Bool, _ reason: String) throws(UnusableSetup) {
        if !holds { throw UnusableSetup(reason: reason) }
    }

    private static func isLine(_ text: String) -> Bool {
        text.utf8.count <= 65_536
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }
}
