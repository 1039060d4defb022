import Topology

/// What a rule is to whoever looks for rules that were made by hand against some addresses.
enum RuleVerdict: Hashable, Sendable {
    /// None of the addresses is spoken of.
    case unconcerned
    /// It rejects or drops everything from or to some of them, and nothing else.
    case handMade
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
        guard sought.mention(in: specification) != .none else {
            return sought.sets.reason(of: specification).map { .other(reason: $0) } ?? .unconcerned
        }
        guard table == "filter", WallChain.allCases.contains(where: { $0.builtIn == chain }) else {
            return .other(reason: "it is in \(chain) of \(table), not in INPUT or OUTPUT of filter")
        }
        let isWhole = specification.unicodeScalars.allSatisfy { $0 != "\n" && $0 != "\r" && $0 != "\u{FFFD}" }
        guard isWhole else {
            return .other(reason: "its comment cannot be repeated, so it cannot be named to be deleted")
        }
        return of(RuleWords.split(specification), sought)
    }

    private static func of(_ words: [String], _ sought: SoughtAddresses) -> RuleVerdict {
        var rest = words[...]
        var target: String?
        var hasAddress = false
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
                guard value == "comment" || value == "tcp" else {
                    return .other(reason: "it asks for more than an address: -m \(value)")
                }
            case .jump, .jumpLong: target = value
            case .comment, .rejectWith: continue
            }
        }
        guard hasAddress else { return .other(reason: "the address stands in its comment only") }
        guard target == "DROP" || target == "REJECT" else {
            return .other(reason: "it neither rejects nor drops: \(target ?? "it only counts")")
        }
        return .handMade
    }

    /// All that a hand-made rule may be made of; each has a value.
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
        case comment = "--comment"
        case jump = "-j"
        case jumpLong = "--jump"
        case rejectWith = "--reject-with"
    }
}
