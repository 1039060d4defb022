import ControlProtocol
import Topology

/// Our rules in nftables, handed to `nft` as one JSON transaction per change.
struct NftablesRules: RuleStore {
    let backend = FirewallBackend.nftables
    private let protectedPorts: [Port]
    private let program: NftProgram?
    private static let table = ["table", NftablesTable.family, NftablesTable.name]

    init(protectedPorts: [Port], tools: PacketTools) {
        self.protectedPorts = protectedPorts
        program = NftProgram(tools: tools)
    }

    let hasGeneration = true

    var missingProgram: String? { program == nil ? "nft" : nil }

    func read() async throws(FirewallError) -> StoredRules {
        let nft = try nft()
        guard try await tableExists(nft) else { return .none }
        return try await content(nft)
    }

    func readBack() async throws(FirewallError) -> StoredRules {
        do throws(FirewallError) {
            return try await content(nft())
        } catch {
            // The table may be gone again.
            return try await read()
        }
    }

    private func content(_ nft: NftProgram) async throws(FirewallError) -> StoredRules {
        let (document, listing) = try await together {
            () throws(FirewallError) in
            try await nft.list(Self.table)
        } _: {
            () throws(FirewallError) in
            try await nft.listing(Self.table)
        }
        guard let reading = NftablesReading(document) else { throw Self.unreadable }
        // The JSON of some versions of nft leaves the flags out. Such a table is there, and does nothing.
        let isDormant = listing.contains("flags dormant")
        return StoredRules(
            rules: isDormant ? nil : reading.ruleSet(protectedPorts: protectedPorts),
            count: reading.count,
            counters: reading.counters,
            listing: listing,
            closesPorts: !reading.closing.isEmpty,
            // Of rules that are not ours alone, the text is not taken apart.
            slots: isDormant ? [] : reading.slots
        )
    }

    func recount(_ rules: StoredRules) async throws(FirewallError) -> StoredRules {
        guard rules.rules != nil else { return try await read() }
        let listing = try await nft().listing(Self.table)
        guard let counters = NftablesReading.counters(listing: listing, slots: rules.slots) else {
            return try await read()
        }
        return StoredRules(
            rules: rules.rules,
            count: rules.count,
            counters: counters,
            listing: listing,
            closesPorts: rules.closesPorts,
            slots: rules.slots
        )
    }

    func install(_ rules: RuleSet, over known: StoredRules?) async throws(FirewallError) -> Int {
        let table = NftablesTable(rules: rules, protectedPorts: protectedPorts)
        let change: JSONValue
        if let known, known.count == 0 {
            change = table.creation
        } else if let known, known.rules == rules.withoutWall {
            change = table.walling
        } else {
            change = table.transaction
        }
        try await nft().apply(NftProgram.text(change))
        return 1
    }

    func open() async throws(FirewallError) {
        let nft = try nft()
        guard try await tableExists(nft) else { return }
        guard let reading = NftablesReading(try await nft.list(Self.table)) else { throw Self.unreadable }
        guard !reading.closing.isEmpty else { return }
        // Nobody misses a table that only lets packets pass.
        let change = reading.hasWallRules ? NftablesTable.opening(reading.closing) : NftablesTable.removal
        try await nft.apply(NftProgram.text(change))
    }

    func remove() async throws(FirewallError) {
        let nft = try nft()
        guard try await tableExists(nft) else { return }
        try await removeFound()
    }

    func removeFound() async throws(FirewallError) {
        try await nft().apply(NftProgram.text(NftablesTable.removal))
    }

    func isAbsent(from names: RulesetNames) -> Bool { !names.tables.contains(.ours) }

    func preview(_ wall: Wall) throws(FirewallError) -> String {
        let table = NftablesTable(rules: RuleSet(wall: wall), protectedPorts: protectedPorts)
        return try NftProgram.text(table.transaction)
    }

    /// Listing a table that is not there fails just like listing one that cannot be read, so ask first.
    private func tableExists(_ nft: NftProgram) async throws(FirewallError) -> Bool {
        let answer = try await nft.list(["tables", NftablesTable.family])
        guard let objects = answer["nftables"]?.asList else {
            throw .unreadable(source: "nft -j list tables", detail: "no 'nftables' list in it")
        }
        return objects.contains { $0["table"]?["name"]?.asText == NftablesTable.name }
    }

    private static let unreadable = FirewallError.unreadable(
        source: "nft -j list table",
        detail: "no 'nftables' list in it"
    )

    private func nft() throws(FirewallError) -> NftProgram {
        guard let program else { throw .backendMissing(backend: backend, program: "nft") }
        return program
    }
}
