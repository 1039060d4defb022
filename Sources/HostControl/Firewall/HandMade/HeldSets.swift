/// Sets of ipset that hold one of the addresses that are looked for: a rule that asks for such a set concerns that address,
/// although it names none.
struct HeldSets: Sendable {
    /// By the set's name: the first of its entries that concerns an address.
    private var held: [String: String] = [:]
    /// Why the sets of the kernel are not known: then each may hold any address.
    private var problem: String?

    static let none = HeldSets()

    private init() {}

    init(unreadable problem: String) { self.problem = problem }

    /// What `ipset save` prints.
    init(saved text: String, sought: SoughtAddresses) {
        var members: [(list: String, set: String)] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2, words[0] == "add", !words.contains("nomatch") else { continue }
            let (name, entry) = (String(words[1]), String(words[2]))
            if held[name] == nil, sought.mention(in: entry) != .none { held[name] = entry }
            members.append((name, entry))
        }
        // A list of sets holds what they hold; it cannot hold another list.
        for (list, set) in members where held[list] == nil { held[list] = held[set] }
    }

    mutating func add(_ entries: [String], to name: String, sought: SoughtAddresses) {
        guard let entry = entries.first(where: { sought.mention(in: $0) != .none }) else { return }
        held[name] = entry
    }

    /// Why a rule that asks for this set concerns an address; nil when it does not.
    func reason(named name: String) -> String? {
        if let entry = held[name] { return "its ipset \(name) holds \(entry)" }
        return problem.map { "its ipset \(name) cannot be read, and may hold an address: \($0)" }
    }

    /// The same of a rule whose set is not known.
    var anyReason: String? {
        if let first = held.min(by: { $0.key < $1.key }) {
            return "it asks for an ipset without telling which; \(first.key) holds \(first.value)"
        }
        return problem.map { "its ipset cannot be read, and may hold an address: \($0)" }
    }

    /// The same of the words of a rule of iptables.
    func reason(of specification: String) -> String? {
        guard specification.contains("--match-set") else { return nil }
        let words = RuleWords.split(specification)
        for (option, name) in zip(words, words.dropFirst()) where option == "--match-set" {
            if let reason = reason(named: name) { return reason }
        }
        return nil
    }
}
