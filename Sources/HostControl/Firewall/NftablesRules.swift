import ControlProtocol
import FoundationEssentials
import Subprocess
import Topology

/// Our rules in nftables, handed to `nft` as one JSON transaction per change.
struct NftablesRules: RuleStore {
    let backend = FirewallBackend.nftables
    private let protectedPorts: [Port]
    private let tools: PacketTools
    private let program: String?

    init(protectedPorts: [Port], tools: PacketTools) {
        self.protectedPorts = protectedPorts
        self.tools = tools
        program = PacketTools.path(of: "nft")
    }

    var missingProgram: String? { program == nil ? "nft" : nil }

    func read() async throws(FirewallError) -> StoredRules {
        guard try await tableExists() else { return .none }
        let table = ["table", NftablesTable.family, NftablesTable.name]
        let document = try await list(table)
        guard let reading = NftablesReading(document) else {
            throw .unreadable(source: "nft -j list table", detail: "no 'nftables' list in it")
        }
        let listing = try await checked(["list"] + table).output
        // The JSON of some versions of nft leaves the flags out. Such a table is there, and does nothing.
        let isDormant = listing.contains("flags dormant")
        return StoredRules(
            wall: isDormant ? nil : reading.wall(protectedPorts: protectedPorts),
            count: reading.count,
            counters: reading.counters,
            listing: listing
        )
    }

    func install(_ wall: Wall) async throws(FirewallError) {
        _ = try await checked(["-j", "-f", "-"], input: preview(wall))
    }

    func remove() async throws(FirewallError) {
        guard try await tableExists() else { return }
        _ = try await checked(["-j", "-f", "-"], input: Self.text(NftablesTable.removal))
    }

    func preview(_ wall: Wall) throws(FirewallError) -> String {
        try Self.text(NftablesTable(wall: wall, protectedPorts: protectedPorts).transaction)
    }

    /// Listing a table that is not there fails just like listing one that cannot be read, so ask first.
    private func tableExists() async throws(FirewallError) -> Bool {
        let answer = try await list(["tables", NftablesTable.family])
        guard let objects = answer["nftables"]?.asList else {
            throw .unreadable(source: "nft -j list tables", detail: "no 'nftables' list in it")
        }
        return objects.contains { $0["table"]?["name"]?.asText == NftablesTable.name }
    }

    private static func text(_ document: JSONValue) throws(FirewallError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
        } catch {
            throw .unreadable(source: "the ruleset to be written", detail: "\(error)")
        }
    }

    private func list(_ arguments: [String]) async throws(FirewallError) -> JSONValue {
        let answer = try await checked(["-j", "list"] + arguments)
        do {
            return try JSONDecoder().decode(JSONValue.self, from: Data(answer.output.utf8))
        } catch {
            throw .unreadable(source: answer.command, detail: "\(error)")
        }
    }

    private func checked(
        _ arguments: [String],
        input: String = ""
    ) async throws(FirewallError) -> PacketTools.Answer {
        guard let program else { throw .backendMissing(backend: backend, program: "nft") }
        let answer = try await tools.run(program, arguments, input: input)
        guard answer.status.isSuccess else { throw answer.failure }
        return answer
    }
}
