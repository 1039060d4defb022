import Topology

/// A set that holds one of the addresses, and by which a rule cuts it off.
struct SetCut: Hashable, Sendable {
    /// `ipset cut`, `nft set inet filter cut`.
    let set: String
    /// What it holds, or why that is not known.
    let reason: String
}

/// Sets of ipset that hold one of the addresses that are looked for: a rule that asks for such a set concerns that address,
/// although it names none.
struct HeldSets: Sendable {
    private struct Entry {
        let text: String

        /// Whether it asks for nothing beside an address, a block or a range.
        var isWhole: Bool { !text.contains(",") }
    }

    /// By the set's name: the first of its entries that concerns an address, and of those rather one that asks for nothing else.
    private var held: [String: Entry] = [:]
    /// Why the sets of the kernel are not known: then each may hold any address.
    private var problem: String?

    static let none = HeldSets()

    private init() {}

    init(unreadable problem: String) { self.problem = problem }

    /// What `ipset save` prints.
    init(saved text: String, sought: SoughtAddresses) { add(saved: text, sought: sought) }

    /// What `ipset save` printed, or somebody put into a file for `ipset restore`.
    mutating func add(saved text: String, sought: SoughtAddresses) {
        var members: [(list: String, set: String)] = []
        var excepted: [String: [IPAddress]] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count > 2, words[0] == "add" else { continue }
            let (name, entry) = (String(words[1]), String(words[2]))
            if words.contains("nomatch") {
                if let host = SoughtAddresses.host(words[2]) { excepted[name, default: []].append(host) }
            } else {
                members.append((name, entry))
            }
        }
        let soughtIn = excepted.mapValues(sought.without)
        for (name, entry) in members { add([entry], to: name, sought: soughtIn[name] ?? sought) }
        // A list of sets holds what they hold; it cannot hold another list.
        for (list, set) in members where held[list] == nil { held[list] = held[set] }
    }

    mutating func add(_ entries: [String], to name: String, sought: SoughtAddresses) {
        for entry in entries.map(Entry.init) where sought.mention(in: entry.text) != .none {
            guard let known = held[name], known.isWhole || !entry.isWhole else {
                held[name] = entry
                continue
            }
        }
    }

    /// Why a rule that asks for this set concerns an address; nil when it does not.
    func reason(named name: String) -> String? {
        if let entry = held[name] { return "its ipset \(name) holds \(entry.text)" }
        return problem.map { "its ipset \(name) cannot be read, and may hold an address: \($0)" }
    }

    /// What becomes of a rule that rejects or drops this set, and asks for nothing else; nil when it cuts no address off.
    func cut(named name: String) -> SetCut? {
        guard held[name]?.isWhole ?? true, let reason = reason(named: name) else { return nil }
        return SetCut(set: "ipset \(name)", reason: reason)
    }

    /// Why a rule whose set is not known may concern an address.
    var anyReason: String? { Self.reason(held.min { $0.key < $1.key }) ?? doubt }

    /// What becomes of such a rule that rejects or drops.
    var anyCut: SetCut? {
        let whole = held.filter(\.value.isWhole).min { $0.key < $1.key }
        return (Self.reason(whole) ?? doubt).map { SetCut(set: "an ipset", reason: $0) }
    }

    private var doubt: String? {
        problem.map { "its ipset cannot be read, and may hold an address: \($0)" }
    }

    private static func reason(_ held: (key: String, value: Entry)?) -> String? {
        held.map { "it asks for an ipset without telling which; \($0.key) holds \($0.value.text)" }
    }

    /// Why a rule of iptables with these words concerns an address by its sets.
    func reason(of specification: String) -> String? {
        guard specification.contains("--match-set") else { return nil }
        let words = RuleWords.split(specification)
        for (option, name) in zip(words, words.dropFirst()) where option == "--match-set" {
            if let reason = reason(named: name) { return reason }
        }
        return nil
    }
}
