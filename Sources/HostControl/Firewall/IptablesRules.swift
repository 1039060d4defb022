import ControlProtocol
import Subprocess
import Topology

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Our rules in chains of our own in iptables' `filter` table, one transaction per family.
///
/// The programs are named in full (`iptables-nft-restore`): what plain `iptables` means differs between hosts,
/// and rules put into one kind are not seen through the other.
struct IptablesRules: RuleStore {
    enum Kind: String, Sendable {
        case nft
        case legacy
    }

    let backend: FirewallBackend
    let missingProgram: String?
    let hasGeneration: Bool
    private let kind: Kind
    private let protectedPorts: [Port]
    private let tools: PacketTools
    /// Somebody may change the table between our reading it and our changing it.
    private static let attempts = 3
    /// Below the time after which a child is stopped, so that its own message is seen.
    private var lockSeconds: Int { max(tools.seconds - 2, 1) }

    init(_ kind: Kind, protectedPorts: [Port], tools: PacketTools) {
        self.kind = kind
        self.protectedPorts = protectedPorts
        self.tools = tools
        switch kind {
        case .nft: (backend, hasGeneration) = (.iptablesNft, true)
        case .legacy: (backend, hasGeneration) = (.iptablesLegacy, false)
        }
        missingProgram = IPAddress.Family.both
            .flatMap { [Self.program("save", kind, $0), Self.program("restore", kind, $0)] }
            .first { PacketTools.path(of: $0) == nil }
    }

    func read() async throws(FirewallError) -> StoredRules {
        var count = 0
        var counters: [InstalledRules.Counter] = []
        var listings: [String] = []
        var walls: [Wall?] = []
        for family in IPAddress.Family.both {
            let table: FilterTable
            switch try await content(family) {
            case .readable(let readable): table = readable
            case .native(let native, let nft):
                guard native.count > 0 else { continue }
                count += native.count
                listings.append(try await nft.listing(["table", family.nftTableFamily, "filter"]))
                walls.append(nil)
                continue
            }
            guard table.count > 0 else { continue }
            count += table.count
            counters += table.counters(family: family)
            listings.append("# \(family.iptables) (\(kind.rawValue))\n\(table.listing)")
            walls.append(table.wall(family: family, protectedPorts: protectedPorts))
        }
        return StoredRules(
            wall: Self.joined(walls),
            count: count,
            counters: counters,
            listing: listings.joined(separator: "\n")
        )
    }

    /// IPv4 first; when the second family fails, the first one's rules are in force and show in `read`.
    func install(_ wall: Wall) async throws(FirewallError) {
        let families = IPAddress.Family.both
        // Before either is changed.
        for family in families { _ = try await table(family) }
        for family in families where wall.peers.contains(where: { $0.family == family }) {
            try await change(family) {
                $0.installation(of: wall, family: family, protectedPorts: protectedPorts)
            }
        }
        for family in families where !wall.peers.contains(where: { $0.family == family }) {
            try await change(family) { $0.removal }
        }
    }

    func remove() async throws(FirewallError) {
        for family in IPAddress.Family.both {
            switch try await content(family) {
            case .readable: try await change(family) { $0.removal }
            case .native(let native, let nft):
                if native.count > 0 { try await nft.apply(NftProgram.text(native.removal)) }
            }
        }
    }

    /// As on a host that has none of our rules; jumps to be taken out are added when there are any.
    func preview(_ wall: Wall) -> String {
        IPAddress.Family.both.filter { family in wall.peers.contains { $0.family == family } }
            .map { family in
                "# \(command(family).joined(separator: " "))\n"
                    + FilterTable.empty.installation(of: wall, family: family, protectedPorts: protectedPorts)
            }
            .joined(separator: "\n")
    }

    /// All families that are there must be intact and of one scope.
    private static func joined(_ walls: [Wall?]) -> Wall? {
        let intact = walls.compactMap { $0 }
        guard let first = intact.first, intact.count == walls.count,
            intact.allSatisfy({ $0.scope == first.scope })
        else { return nil }
        return Wall(peers: intact.flatMap(\.peers), scope: first.scope)
    }

    /// Nil from `text` means that nothing needs to be done.
    private func change(
        _ family: IPAddress.Family,
        _ text: (FilterTable) -> String?
    ) async throws(FirewallError) {
        var before = try await table(family)
        for attempt in 1...Self.attempts {
            guard let input = text(before) else { return }
            let restore = command(family)
            let answer = try await tools.run(path(restore[0]), Array(restore.dropFirst()), input: input)
            if answer.status.isSuccess { return }
            // With legacy, 4 is a lock that was not given: it says nothing about the rules.
            if answer.status == .exited(4), answer.diagnostics.contains("xtables lock") {
                throw .lockTimeout(command: answer.command, diagnostics: answer.diagnostics)
            }
            let now = try await table(family)
            guard attempt < Self.attempts, now != before else { throw answer.failure }
            before = now
        }
    }

    private func command(_ family: IPAddress.Family) -> [String] {
        [Self.program("restore", kind, family), "--noflush", "--wait=\(lockSeconds)"]
    }

    private enum Content: Sendable {
        case readable(FilterTable)
        case native(NativeFilterTable, NftProgram)
    }

    private func table(_ family: IPAddress.Family) async throws(FirewallError) -> FilterTable {
        switch try await content(family) {
        case .readable(let table): return table
        case .native: throw unreadableTable(family)
        }
    }

    private func content(_ family: IPAddress.Family) async throws(FirewallError) -> Content {
        switch kind {
        case .nft: break
        // Reading a legacy table creates it, so that the host would look like one that uses it.
        case .legacy: guard try await legacyTableExists(family) else { return .readable(.empty) }
        }
        let answer = try await tools.run(path(Self.program("save", kind, family)), ["-c", "-t", "filter"])
        guard answer.status.isSuccess else { throw answer.failure }
        guard FilterTable.isIncompatible(answer.output) else {
            guard let table = FilterTable.parse(answer.output) else {
                throw .unreadable(source: answer.command, detail: answer.output)
            }
            return .readable(table)
        }
        guard let nft = NftProgram(tools: tools) else { throw unreadableTable(family) }
        let table = try await nft.list(["table", family.nftTableFamily, "filter"])
        guard let native = NativeFilterTable(table, family: family.nftTableFamily) else {
            throw unreadableTable(family)
        }
        return .native(native, nft)
    }

    private func unreadableTable(_ family: IPAddress.Family) -> FirewallError {
        .unreadable(
            source: Self.program("save", kind, family),
            detail:
                "its table 'filter' holds rules made with nft itself; use the backend 'nftables' on this host"
        )
    }

    private func legacyTableExists(_ family: IPAddress.Family) async throws(FirewallError) -> Bool {
        let file = family.legacyTableNames
        let names: String
        if tools.launcher.isEmpty {
            do throws(FileError) {
                names = String(decoding: try OpenFile(file, O_RDONLY).content(limit: 4096), as: UTF8.self)
            } catch .unavailable(_, _, code: ENOENT) {
                // The module is not there, so neither is any rule.
                return false
            } catch {
                throw .unreadable(source: file, detail: error.description)
            }
        } else {
            // Through a program because the answer is the network namespace's, which tests enter by prefix.
            let answer = try await tools.run(path("cat"), [file])
            guard answer.status.isSuccess else {
                if answer.diagnostics.contains("No such file") { return false }
                throw answer.failure
            }
            names = answer.output
        }
        return names.split(separator: "\n").contains("filter")
    }

    private func path(_ program: String) throws(FirewallError) -> String {
        guard let path = PacketTools.path(of: program) else {
            throw .backendMissing(backend: backend, program: program)
        }
        return path
    }

    private static func program(_ verb: String, _ kind: Kind, _ family: IPAddress.Family) -> String {
        "\(family.iptables)-\(kind.rawValue)-\(verb)"
    }
}

extension IPAddress.Family {
    fileprivate static let both: [IPAddress.Family] = [.ipv4, .ipv6]

    fileprivate var iptables: String {
        switch self {
        case .ipv4: "iptables"
        case .ipv6: "ip6tables"
        }
    }

    fileprivate var nftTableFamily: String {
        switch self {
        case .ipv4: "ip"
        case .ipv6: "ip6"
        }
    }

    fileprivate var legacyTableNames: String {
        switch self {
        case .ipv4: "/proc/self/net/ip_tables_names"
        case .ipv6: "/proc/self/net/ip6_tables_names"
        }
    }
}
