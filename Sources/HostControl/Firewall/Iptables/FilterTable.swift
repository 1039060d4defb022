import ControlProtocol
import Topology

/// The `filter` table of one family as `iptables-save -c -t filter` prints it, and how to change our part.
struct FilterTable: Hashable, Sendable {
    struct Rule: Hashable, Sendable {
        let chain: String
        let packets: UInt64
        let bytes: UInt64
        /// What follows `-A CHAIN`, as printed; `-D CHAIN` with the same words deletes it.
        let specification: String

        /// Leads into a chain of ours, and so is ours, whoever wrote it: it cannot outlive the chain.
        var leadsToOurs: Bool {
            let words = RuleWords.split(specification)
            return zip(words, words.dropFirst()).contains { option, value in
                ["-j", "-g", "--jump", "--goto"].contains(option) && FilterTable.isOurs(value)
            }
        }
    }

    /// Only ours: chains by name, their rules, and the rules that lead to them.
    let chains: [String]
    let rules: [Rule]
    let jumps: [Rule]
    /// The first rule of each built-in chain, ours or not.
    let first: [String: Rule]

    static let empty = FilterTable(chains: [], rules: [], jumps: [], first: [:])

    /// iptables-nft's way of saying that it cannot read rules which native nft tools made, on standard
    /// output and with exit status 0; what it prints then must not pass for an empty table.
    static func isIncompatible(_ text: String) -> Bool {
        text.contains("is incompatible, use 'nft' tool")
    }

    static func isOurs(_ chain: String) -> Bool {
        WallChain.allCases.contains { $0.iptablesName == chain }
    }

    /// Nil when a line is not what `iptables-save -c` prints.
    static func parse(_ text: String) -> FilterTable? {
        var chains: [String] = []
        var rules: [Rule] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix("*") {
            if line == "COMMIT" { break }
            if line.hasPrefix(":") {
                chains.append(String(line.dropFirst().prefix { $0 != " " }))
            } else if let rule = Rule(line: line) {
                rules.append(rule)
            } else {
                return nil
            }
        }
        return FilterTable(
            chains: chains.filter(isOurs),
            rules: rules.filter { isOurs($0.chain) },
            jumps: rules.filter { !isOurs($0.chain) && $0.leadsToOurs },
            first: Dictionary(rules.map { ($0.chain, $0) }) { first, _ in first }
        )
    }

    /// Rules and jumps of ours; a chain of ours without rules counts as one.
    var count: Int {
        rules.count + jumps.count
            + chains.filter { chain in !rules.contains { $0.chain == chain } }.count
    }

    /// Our part of the table, as printed.
    var listing: String {
        let lines =
            chains.map { ":\($0)" }
            + (jumps + rules).map { "[\($0.packets):\($0.bytes)] -A \($0.chain) \($0.specification)" }
        return lines.joined(separator: "\n")
    }

    /// The peers, scope and closed ports, if the table holds exactly what `installation` makes of them and
    /// nothing comes before our jumps.
    func ruleSet(family: IPAddress.Family, protectedPorts: [Port]) -> RuleSet? {
        var peers: Set<IPAddress> = []
        var ports: Set<Port> = []
        var closed: Set<Port> = []
        var exception: Port?
        var outbound = RuleSet.Outbound.reset
        guard chains.count == WallChain.allCases.count, jumps.count == WallChain.allCases.count else {
            return nil
        }
        for chain in WallChain.allCases {
            guard first[chain.builtIn]?.specification == "-j \(chain.iptablesName)" else { return nil }
            for rule in chainRules(chain) {
                switch rule {
                case .reject(let peer, let numbers):
                    peers.insert(peer)
                    ports.formUnion(numbers)
                case .spare(_, let port): exception = port
                case .close(let numbers): closed.formUnion(numbers)
                case .swallow(let numbers):
                    closed.formUnion(numbers)
                    outbound = .dropped
                case .passResets, .passPorts, nil: continue
                }
            }
        }
        let scope = ports.isEmpty ? Wall.Scope.allTCP : .ports(numbers: Array(ports))
        let rules = RuleSet(
            wall: peers.isEmpty ? nil : Wall(peers: Array(peers), scope: scope),
            closed: closed.isEmpty ? nil : ClosedPorts(ports: Array(closed), exception: exception),
            outbound: outbound
        )
        let isAsInstalled = WallChain.allCases.allSatisfy { chain in
            let expected = ChainRule.chain(rules, in: chain, family: family, protectedPorts: protectedPorts)
            return !expected.isEmpty && chainRules(chain) == expected
        }
        return isAsInstalled ? rules : nil
    }

    /// Also in a table that was altered.
    var closesPorts: Bool { WallChain.allCases.contains { !closings(in: $0).isEmpty } }

    /// Packets and bytes that a wall rejected in our chains.
    func counters(family: IPAddress.Family) -> [InstalledRules.Counter] {
        WallChain.allCases.compactMap { chain in
            let closing = closings(in: chain)
            let rejecting = rules.filter {
                $0.chain == chain.iptablesName && $0.specification.contains("-j REJECT")
                    && !closing.contains($0)
            }
            guard !rejecting.isEmpty else { return nil }
            return InstalledRules.Counter(
                chain: chain.rawValue,
                family: family,
                packets: rejecting.reduce(0) { $0 + $1.packets },
                bytes: rejecting.reduce(0) { $0 + $1.bytes }
            )
        }
    }

    /// Input of `iptables-restore --noflush`, one transaction: declaring a chain of ours empties it, every
    /// jump there may be is taken out, and one put first.
    func installation(of desired: RuleSet, family: IPAddress.Family, protectedPorts: [Port]) -> String {
        let chains = WallChain.allCases
        return Self.transaction(
            chains.map(Self.declaration)
                + chains.flatMap { chain in
                    Self.additions(
                        ChainRule.chain(desired, in: chain, family: family, protectedPorts: protectedPorts),
                        chain
                    )
                }
                + deletions
                + chains.map { "-I \($0.builtIn) 1 -j \($0.iptablesName)" }
        )
    }

    /// The same where the table holds all of it but the wall: nothing is taken away first, which the kernel would let
    /// us wait for; nil when this family has no peers.
    func walling(by desired: RuleSet, family: IPAddress.Family, protectedPorts: [Port]) -> String? {
        let lines = WallChain.allCases.flatMap { chain in
            let before = ChainRule.chain(
                desired.withoutWall,
                in: chain,
                family: family,
                protectedPorts: protectedPorts
            )
            let rules = ChainRule.chain(desired, in: chain, family: family, protectedPorts: protectedPorts)
            return Self.additions(Array(rules.dropFirst(before.count)), chain)
        }
        return lines.isEmpty ? nil : Self.transaction(lines)
    }

    private static func additions(_ rules: [ChainRule], _ chain: WallChain) -> [String] {
        rules.map { "-A \(chain.iptablesName) \($0.specification(in: chain))" }
    }

    /// Input of `iptables-restore --noflush`; nil when there is nothing of ours.
    ///
    /// What stays behind with iptables-nft on a host that had no filter table: the empty table with its
    /// `INPUT` and `OUTPUT` base chains, policy accept. iptables-nft made them implicitly; taking them away
    /// could hit a rule that somebody else adds at this moment.
    var removal: String? {
        guard count > 0 else { return nil }
        let chains = WallChain.allCases
        // Both are declared, so that deleting them cannot fail.
        return Self.transaction(
            chains.map(Self.declaration) + deletions + chains.map { "-X \($0.iptablesName)" }
        )
    }

    /// Input of `iptables-restore --noflush` that opens closed ports and leaves everything else of ours as it is;
    /// nil when none are closed.
    var opening: String? {
        guard closesPorts else { return nil }
        let closing = WallChain.allCases.flatMap { closings(in: $0) }
        let isAllThereIs = !rules.contains { $0.specification.contains("-j REJECT") && !closing.contains($0) }
        // Nobody misses chains that only let packets pass.
        if isAllThereIs { return removal }
        return Self.transaction(closing.map { "-D \($0.chain) \($0.specification)" })
    }

    private func closings(in chain: WallChain) -> [Rule] {
        rules.filter { rule in
            guard rule.chain == chain.iptablesName else { return false }
            return switch ChainRule(specification: rule.specification, in: chain) {
            case .spare, .close, .swallow: true
            case .passResets, .passPorts, .reject: false
            // As an agent before 0.2 wrote it, whose ports are to be opened too.
            case nil:
                rule.specification.contains("--\(chain.hostPortField)s ")
                    && ["-j REJECT", "-j DROP"].contains(where: rule.specification.contains)
            }
        }
    }

    private var deletions: [String] { jumps.map { "-D \($0.chain) \($0.specification)" } }

    private func chainRules(_ chain: WallChain) -> [ChainRule?] {
        rules.filter { $0.chain == chain.iptablesName }
            .map { ChainRule(specification: $0.specification, in: chain) }
    }

    private static func declaration(_ chain: WallChain) -> String { ":\(chain.iptablesName) - [0:0]" }

    private static func transaction(_ lines: [String]) -> String {
        (["*filter"] + lines + ["COMMIT", ""]).joined(separator: "\n")
    }
}

extension FilterTable.Rule {
    /// Reads `[PACKETS:BYTES] -A CHAIN WORDS`.
    fileprivate init?(line: Substring) {
        let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[1] == "-A", parts[0].hasPrefix("["), parts[0].hasSuffix("]") else {
            return nil
        }
        let counts = parts[0].dropFirst().dropLast().split(separator: ":").map { UInt64($0) }
        guard counts.count == 2, let packets = counts[0], let bytes = counts[1] else { return nil }
        self.init(
            chain: String(parts[2]),
            packets: packets,
            bytes: bytes,
            specification: parts.count > 3 ? String(parts[3]) : ""
        )
    }
}
