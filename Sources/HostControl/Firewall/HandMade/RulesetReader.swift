import ControlProtocol
import Printable
import Subprocess
import Topology

/// Everything that this host's kernel holds, by every program that can tell, and what of it concerns some addresses.
struct RulesetReader: Sendable {
    /// One kind of iptables for one family.
    struct Source: Hashable, Sendable {
        let kind: IptablesRules.Kind
        let family: IPAddress.Family
        let saveProgram: String
        let restoreProgram: String

        var name: String { "\(family.iptables)-\(kind.rawValue)" }
    }

    struct Saved: Sendable {
        let source: Source
        /// Those that concern an address, with what they are.
        let concerned: [(rule: SavedRules.Rule, verdict: RuleVerdict)]

        var handMade: [SavedRules.Rule] { concerned.filter { $0.verdict == .handMade }.map(\.rule) }
    }

    struct Ruleset: Sendable {
        var saved: [Saved] = []
        var native: [NativeRules.Rule] = []
        /// As the programs printed it.
        var printed: [(name: String, content: [UInt8])] = []
        var problems: [String] = []
        /// Those of the kernel's ipset, as far as they were read.
        var sets = HeldSets.none

        var holdsHandMade: Bool {
            native.contains { $0.verdict == .handMade } || saved.contains { !$0.handMade.isEmpty }
        }
    }

    let tools: PacketTools
    let generation: @Sendable () -> UInt32?
    /// How often it is begun anew when others change rules meanwhile.
    private static let attempts = 3

    func read(_ wanted: SoughtAddresses) async -> Ruleset {
        var ruleset = Ruleset()
        var sought = wanted
        sought.sets = await heldSets(wanted)
        for _ in 1...Self.attempts {
            let before = generation()
            ruleset = await readOnce(sought, isSteady: { before != nil && generation() == before })
            if before == generation() { break }
        }
        ruleset.sets = sought.sets
        return ruleset
    }

    private func readOnce(_ sought: SoughtAddresses, isSteady: () -> Bool) async -> Ruleset {
        var ruleset = Ruleset()
        let nft = NftProgram(tools: tools)
        var explained: [String: [SavedRules.Rule]] = [:]
        let sources = IPAddress.Family.both.flatMap { family in
            [IptablesRules.Kind.nft, .legacy].compactMap { Self.source($0, family) }
        }
        for source in sources {
            do throws(FirewallError) {
                let rules = try await rules(of: source, &ruleset)
                guard source.kind == .legacy || nft == nil else {
                    for rule in rules {
                        let chain = "\(source.family.nftTableFamily) \(rule.table) \(rule.chain)"
                        explained[chain, default: []].append(rule)
                    }
                    continue
                }
                ruleset.saved.append(Saved(source: source, concerned: Self.concerned(rules, sought)))
            } catch {
                // What iptables-nft cannot read, nft can.
                if source.kind == .legacy || nft == nil { ruleset.problems.append("\(error)") }
            }
        }
        if let nft {
            do throws(FirewallError) {
                let document = try await nft.list(["ruleset"])
                let text = try await nft.printed(["ruleset"])
                ruleset.printed.append(("nftables", text))
                let rules = NativeRules(document, sought: sought, explained: isSteady() ? explained : [:])
                guard let rules else { throw .unreadable(source: "nft -j list ruleset", detail: "not nft's") }
                ruleset.native = rules.rules
            } catch {
                ruleset.problems.append("\(error)")
            }
        }
        if nft == nil, sources.isEmpty { ruleset.problems.append("no backend's program is on this host") }
        return ruleset
    }

    /// Without ipset's program nobody has made sets lately; where it fails, rules that ask for one are told of.
    private func heldSets(_ sought: SoughtAddresses) async -> HeldSets {
        guard let program = PacketTools.path(of: "ipset") else { return .none }
        do throws(FirewallError) {
            let answer = try await tools.run(program, ["save"])
            guard answer.status.isSuccess else { throw answer.failure }
            return HeldSets(saved: answer.output, sought: sought)
        } catch {
            return HeldSets(unreadable: "\(error)")
        }
    }

    /// Which of these rules are in the kernel as they were read, and at which generation; nil when others change rules meanwhile.
    func present(
        _ rules: [NativeRules.Rule],
        _ sought: SoughtAddresses
    ) async throws(FirewallError) -> (places: [NativeRules.Place], generation: UInt32)? {
        guard let nft = NftProgram(tools: tools), let before = generation() else { return nil }
        let document = try await nft.list(["ruleset"])
        guard generation() == before, let now = NativeRules(document, sought: sought) else { return nil }
        let shapes = Dictionary(rules.map { ($0.place, $0.shape) }) { first, _ in first }
        return (now.rules.filter { shapes[$0.place] == $0.shape }.map(\.place), before)
    }

    /// Nil when the host does not have its programs: then nobody has used it lately.
    private static func source(_ kind: IptablesRules.Kind, _ family: IPAddress.Family) -> Source? {
        let name = "\(family.iptables)-\(kind.rawValue)"
        guard let save = PacketTools.path(of: name + "-save"),
            let restore = PacketTools.path(of: name + "-restore")
        else { return nil }
        return Source(kind: kind, family: family, saveProgram: save, restoreProgram: restore)
    }

    private func rules(
        of source: Source,
        _ ruleset: inout Ruleset
    ) async throws(FirewallError) -> [SavedRules.Rule] {
        // Without a table's name it reads those that there are, and makes none.
        let answer = try await tools.run(source.saveProgram, ["-c"])
        ruleset.printed.append((source.name, answer.content))
        guard answer.status.isSuccess else { throw answer.failure }
        guard let rules = SavedRules(answer.output), rules.incompatible.isEmpty else {
            throw .unreadable(source: answer.command, detail: answer.output)
        }
        return rules.rules
    }

    private static func concerned(
        _ rules: [SavedRules.Rule],
        _ sought: SoughtAddresses
    ) -> [(rule: SavedRules.Rule, verdict: RuleVerdict)] {
        rules.filter { !FilterTable.isOurs($0.chain) }
            .map { rule in
                let verdict = IptablesVerdict.of(
                    rule.specification,
                    table: rule.table,
                    chain: rule.chain,
                    sought: sought
                )
                return (rule: rule, verdict: verdict)
            }
            .filter { $0.verdict != .unconcerned }
    }
}

extension RulesetReader.Ruleset {
    /// Like ones together, as they are told of.
    var handMade: [HandMadeReport.Rule] {
        var order: [String] = []
        var found: [String: HandMadeReport.Rule] = [:]
        for entry in entries where entry.verdict == .handMade {
            let key = entry.place + "\n" + entry.text
            if found[key] == nil { order.append(key) }
            let known = found[key]
            found[key] = HandMadeReport.Rule(
                place: entry.place,
                specification: RulesetReader.shown(entry.text),
                count: (known?.count ?? 0) + 1,
                packets: (known?.packets ?? 0) &+ entry.packets
            )
        }
        return order.compactMap { found[$0] }
    }

    var others: [HandMadeReport.OtherRule] {
        var order: [String] = []
        var found: [String: HandMadeReport.OtherRule] = [:]
        for entry in entries {
            guard case .other(let reason) = entry.verdict else { continue }
            let key = entry.place + "\n" + entry.text
            if found[key] == nil { order.append(key) }
            found[key] = HandMadeReport.OtherRule(
                place: entry.place,
                specification: RulesetReader.shown(entry.text),
                reason: RulesetReader.shown(reason),
                count: (found[key]?.count ?? 0) + 1
            )
        }
        return order.compactMap { found[$0] }
    }

    /// Like ones together, too.
    var cuts: [HandMadeReport.SetRule] {
        var order: [String] = []
        var found: [String: HandMadeReport.SetRule] = [:]
        for entry in entries {
            guard case .cut(let cut) = entry.verdict else { continue }
            let key = entry.place + "\n" + entry.text
            if found[key] == nil { order.append(key) }
            found[key] = HandMadeReport.SetRule(
                place: entry.place,
                specification: entry.text,
                cut,
                count: (found[key]?.count ?? 0) + 1
            )
        }
        return order.compactMap { found[$0] }
    }

    private struct Entry {
        let place: String
        let text: String
        let packets: UInt64
        let verdict: RuleVerdict
    }

    private var entries: [Entry] {
        saved.flatMap { table in
            table.concerned.map { rule, verdict in
                Entry(
                    place: "\(table.source.name): \(rule.table) \(rule.chain)",
                    text: rule.specification,
                    packets: rule.packets,
                    verdict: verdict
                )
            }
        }
            + native.map { rule in
                Entry(
                    place: rule.words.map { words in
                        "\(rule.place.family == "ip6" ? "ip6tables" : "iptables")-nft: \(words.table) \(words.chain)"
                    } ?? "nftables: \(rule.place.family) \(rule.place.table) \(rule.place.chain)",
                    text: rule.words?.specification ?? rule.text,
                    packets: rule.packets,
                    verdict: rule.verdict
                )
            }
    }
}

extension HandMadeReport.SetRule {
    init(place: String, specification: String, _ cut: SetCut, count: Int) {
        self.init(
            place: place,
            specification: RulesetReader.shown(specification),
            set: RulesetReader.shown(cut.set),
            reason: RulesetReader.shown(cut.reason),
            count: count
        )
    }
}

extension RulesetReader {
    private static let longest = 600

    /// Short enough that hundreds of them make an answer.
    static func shown(_ text: String) -> String { PrintableText(text, limit: longest).description }
}
