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
        guard let reading = NftablesReading(try await nft.list(Self.table)) else {
            throw .unreadable(source: "nft -j list table", detail: "no 'nftables' list in it")
        }
        let listing = try await nft.listing(Self.table)
        // The JSON of some versions of nft leaves the flags out. Such a table is there, and does nothing.
        let isDormant = listing.contains("flags dormant")
        return StoredRules(
            wall: isDormant ? nil : reading.wall(protectedPorts: protectedPorts),
            count: reading.count,
            counters: reading.counters,
            listing: listing,
            // Of rules that are not ours alone, the text is not taken apart.
            slots: isDormant ? [] : reading.slots
        )
    }

    func recount(_ rules: StoredRules) async throws(FirewallError) -> StoredRules {
        guard rules.wall != nil else { return try await read() }
        let listing = try await nft().listing(Self.table)
        guard let counters = NftablesReading.counters(listing: listing, slots: rules.slots) else {
            return try await read()
        }
        return StoredRules(
            wall: rules.wall,
            count: rules.count,
            counters: counters,
            listing: listing,
            slots: rules.slots
        )
    }

    func install(_ wall: Wall) async throws(FirewallError) { try await nft().apply(preview(wall)) }

    func remove() async throws(FirewallError) {
        let nft = try nft()
        guard try await tableExists(nft) else { return }
        try await nft.apply(NftProgram.text(NftablesTable.removal))
    }

    func preview(_ wall: Wall) throws(FirewallError) -> String {
        try NftProgram.text(NftablesTable(wall: wall, protectedPorts: protectedPorts).transaction)
    }

    /// Listing a table that is not there fails just like listing one that cannot be read, so ask first.
    private func tableExists(_ nft: NftProgram) async throws(FirewallError) -> Bool {
        let answer = try await nft.list(["tables", NftablesTable.family])
        guard let objects = answer["nftables"]?.asList else {
            throw .unreadable(source: "nft -j list tables", detail: "no 'nftables' list in it")
        }
        return objects.contains { $0["table"]?["name"]?.asText == NftablesTable.name }
    }

    private func nft() throws(FirewallError) -> NftProgram {
        guard let program else { throw .backendMissing(backend: backend, program: "nft") }
        return program
    }
}
