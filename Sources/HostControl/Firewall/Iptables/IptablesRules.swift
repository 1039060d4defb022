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
        var found: [RuleSet?] = []
        var tables: [IPAddress.Family: FilterTable] = [:]
        var closesPorts = false
        for (family, content) in try await contents() {
            let table: FilterTable
            switch content {
            case .readable(let readable): table = readable
            case .native(let native, let nft):
                guard native.count > 0 else { continue }
                count += native.count
                listings.append(try await nft.listing(["table", family.nftTableFamily, "filter"]))
                found.append(nil)
                closesPorts = true
                continue
            }
            tables[family] = table
            closesPorts = closesPorts || table.closesPorts
            guard table.count > 0 else { continue }
            count += table.count
            counters += table.counters(family: family)
            listings.append("# \(family.iptables) (\(kind.rawValue))\n\(table.listing)")
            found.append(table.ruleSet(family: family, protectedPorts: protectedPorts))
        }
        return StoredRules(
            rules: Self.joined(found),
            count: count,
            counters: counters,
            listing: listings.joined(separator: "\n"),
            closesPorts: closesPorts,
            tables: tables
        )
    }

    /// When one family fails, the other one's rules may be in force, and show in `read`.
    func install(_ rules: RuleSet, over known: StoredRules?) async throws(FirewallError) -> Int {
        var tables = known?.tables ?? [:]
        if tables.count < IPAddress.Family.both.count {
            // Before either is changed.
            for (family, content) in try await contents() { tables[family] = try readable(content, family) }
        }
        let before = tables
        let isWalling = rules.closed != nil && known?.rules == rules.withoutWall
        return try await eachFamily { family throws(FirewallError) in
            try await change(family, from: before[family] ?? .empty) {
                if isWalling { return $0.walling(by: rules, family: family, protectedPorts: protectedPorts) }
                return rules.concern(family)
                    ? $0.installation(of: rules, family: family, protectedPorts: protectedPorts) : $0.removal
            }
        }
    }

    func open() async throws(FirewallError) {
        var unreadable: FirewallError?
        for (family, content) in try await contents() {
            switch content {
            case .readable(let table): _ = try await change(family, from: table) { $0.opening }
            // What is ours there cannot be told apart.
            case .native(let native, _): if native.count > 0 { unreadable = unreadableTable(family) }
            }
        }
        if let unreadable { throw unreadable }
    }

    func remove() async throws(FirewallError) {
        for (family, content) in try await contents() {
            switch content {
            case .readable(let table): _ = try await change(family, from: table) { $0.removal }
            case .native(let native, let nft):
                if native.count > 0 { try await nft.apply(NftProgram.text(native.removal)) }
            }
        }
    }

    func isAbsent(from names: RulesetNames) -> Bool {
        switch kind {
        case .nft:
            IPAddress.Family.both.allSatisfy { family in
                WallChain.allCases.allSatisfy {
                    !names.chains.contains(RulesetNames.Chain(table: .filter(family), name: $0.iptablesName))
                }
            }
        // Not in nf_tables.
        case .legacy: false
        }
    }

    /// As on a host that has none of our rules; jumps to be taken out are added when there are any.
    func preview(_ wall: Wall) -> String {
        let rules = RuleSet(wall: wall)
        return IPAddress.Family.both.filter(rules.concern)
            .map { family in
                "# \(command(family).joined(separator: " "))\n"
                    + FilterTable.empty.installation(
                        of: rules,
                        family: family,
                        protectedPorts: protectedPorts
                    )
            }
            .joined(separator: "\n")
    }

    /// All families that are there must be intact, of one scope, and close the same ports, which needs both.
    private static func joined(_ found: [RuleSet?]) -> RuleSet? {
        let intact = found.compactMap { $0 }
        guard let first = intact.first, intact.count == found.count,
            intact.allSatisfy({ $0.closed == first.closed && $0.outbound == first.outbound }),
            first.closed == nil || intact.count == IPAddress.Family.both.count
        else { return nil }
        let walls = intact.compactMap(\.wall)
        guard let wall = walls.first else { return first }
        guard walls.allSatisfy({ $0.scope == wall.scope }) else { return nil }
        return RuleSet(
            wall: Wall(peers: walls.flatMap(\.peers), scope: wall.scope),
            closed: first.closed,
            outbound: first.outbound
        )
    }

    /// Nil from `text` means that nothing needs to be done.
    ///
    /// - Returns: how many transactions it took.
    private func change(
        _ family: IPAddress.Family,
        from known: FilterTable,
        _ text: @Sendable (FilterTable) -> String?
    ) async throws(FirewallError) -> Int {
        var before = known
        for attempt in 1...Self.attempts {
            guard let input = text(before) else { return 0 }
            let restore = command(family)
            let answer = try await tools.run(path(restore[0]), Array(restore.dropFirst()), input: input)
            if answer.status.isSuccess { return 1 }
            // With legacy, 4 is a lock that was not given: it says nothing about the rules.
            if answer.status == .exited(4), answer.diagnostics.contains("xtables lock") {
                throw .lockTimeout(command: answer.command, diagnostics: answer.diagnostics)
            }
            let now = try await readable(content(family), family)
            // Both families are changed at once, and one transaction may have got in the way of the other.
            let mayHaveCollided = kind == .nft && attempt == 1
            guard attempt < Self.attempts, now != before || mayHaveCollided else { throw answer.failure }
            before = now
        }
        return 0
    }

    /// Both families at once, and how far that raised the kernel's generation; one after the other where they would wait for each other's lock, which some versions
    /// ask for again only after a second.
    private func eachFamily(
        _ change: @Sendable (IPAddress.Family) async throws(FirewallError) -> Int
    ) async throws(FirewallError) -> Int {
        switch kind {
        case .nft:
            let (ipv4, ipv6) = try await together {
                () throws(FirewallError) in
                try await change(.ipv4)
            } _: {
                () throws(FirewallError) in
                try await change(.ipv6)
            }
            return ipv4 + ipv6
        case .legacy:
            _ = try await change(.ipv4)
            _ = try await change(.ipv6)
            return 0
        }
    }

    private func command(_ family: IPAddress.Family) -> [String] {
        [Self.program("restore", kind, family), "--noflush", "--wait=\(lockSeconds)"]
    }

    private enum Content: Sendable {
        case readable(FilterTable)
        case native(NativeFilterTable, NftProgram)
    }

    private func contents() async throws(FirewallError) -> [(IPAddress.Family, Content)] {
        let (ipv4, ipv6) = try await together {
            () throws(FirewallError) in
            try await content(.ipv4)
        } _: {
            () throws(FirewallError) in
            try await content(.ipv6)
        }
        return [(.ipv4, ipv4), (.ipv6, ipv6)]
    }

    private func readable(
        _ content: Content,
        _ family: IPAddress.Family
    ) throws(FirewallError) -> FilterTable {
        switch content {
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
