import Topology

/// What a rule is to whoever looks for rules that were made by hand against some addresses.
enum RuleVerdict: Hashable, Sendable {
    /// None of the addresses is spoken of.
    case unconcerned
    /// It rejects or drops everything from or to some of them, and nothing else.
    case handMade
    /// It rejects or drops everything from or to a set that holds some of them: that stays, and the host is not clean of it.
    case cut(SetCut)
    /// It concerns one of them and does, or asks for, something else: whoever made it did not do so to divide an ensemble.
    case other(reason: String)
}

/// Judges a rule of iptables by its words.
///
/// What is not known to it sets a rule apart: only what is listed here is ever removed.
enum IptablesVerdict {
    /// - Parameter specification: what follows `-A CHAIN`.
    static func of(
        _ specification: String,
        table: String,
        chain: String,
        sought: SoughtAddresses
    ) -> RuleVerdict {
        let bySet = sought.sets.reason(of: specification)
        let isNamed = sought.mention(in: specification) != .none
        guard isNamed || bySet != nil else { return .unconcerned }
        let verdict = judged(specification, table: table, chain: chain, sought: sought)
        if case .other = verdict, !isNamed, let bySet { return .other(reason: bySet) }
        return verdict
    }

    private static func judged(
        _ specification: String,
        table: String,
        chain: String,
        sought: SoughtAddresses
    ) -> RuleVerdict {
        guard table == "filter", WallChain.allCases.contains(where: { $0.builtIn == chain }) else {
            return .other(reason: "it is in \(chain) of \(table), not in INPUT or OUTPUT of filter")
        }
        let verdict = of(RuleWords.split(specification), sought)
        let isWhole = specification.unicodeScalars.allSatisfy { $0 != "\n" && $0 != "\r" && $0 != "\u{FFFD}" }
        guard verdict != .handMade || isWhole else {
            return .other(reason: "its comment cannot be repeated, so it cannot be named to be deleted")
        }
        return verdict
    }

    private static func of(_ words: [String], _ sought: SoughtAddresses) -> RuleVerdict {
        var rest = words[...]
        var target: String?
        var hasAddress = false
        var cut: SetCut?
        while let option = rest.popFirst() {
            if option == "!" { return .other(reason: "it is negated") }
            guard let known = Option(rawValue: option) else {
                return .other(reason: "it asks for more than an address: \(option)")
            }
            guard let value = rest.popFirst() else {
                return .other(reason: "it ends in the middle, after \(option)")
            }
            switch known {
            case .source, .sourceShort, .sourceLong, .destination, .destinationShort, .destinationLong:
                guard let address = SoughtAddresses.host(value[...]) else {
                    return .other(reason: "it is for more than one address: \(value)")
                }
                guard sought.contains(address) else {
                    return .other(reason: "it is for \(address) as well, which is not looked for")
                }
                hasAddress = true
            case .protocolShort, .protocolLong:
                guard ["tcp", "6", "all", "0"].contains(value) else {
                    return .other(reason: "it asks for the protocol \(value)")
                }
            case .match, .matchLong:
                guard ["comment", "tcp", "set"].contains(value) else {
                    return .other(reason: "it asks for more than an address: -m \(value)")
                }
            case .matchSet:
                guard let held = sought.sets.cut(named: value), rest.popFirst() != nil else {
                    return .other(reason: "it asks for more than an address: -m set")
                }
                cut = cut ?? held
            case .jump, .jumpLong: target = value
            case .comment, .rejectWith: continue
            }
        }
        guard hasAddress || cut != nil else {
            return .other(reason: "the address stands in its comment only")
        }
        guard target == "DROP" || target == "REJECT" else {
            return .other(reason: "it neither rejects nor drops: \(target ?? "it only counts")")
        }
        return cut.map { .cut($0) } ?? .handMade
    }

    /// All that a hand-made rule, or one that cuts a set off, may be made of; each has a value.
    private enum Option: String {
        case source = "-s"
        case sourceShort = "--src"
        case sourceLong = "--source"
        case destination = "-d"
        case destinationShort = "--dst"
        case destinationLong = "--destination"
        case protocolShort = "-p"
        case protocolLong = "--protocol"
        case match = "-m"
        case matchLong = "--match"
        /// With the directions after the set's name.
        case matchSet = "--match-set"
        case comment = "--comment"
        case jump = "-j"
        case jumpLong = "--jump"
        case rejectWith = "--reject-with"
    }
}
