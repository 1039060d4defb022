import ControlProtocol
import Topology

/// One rule of our iptables chains, written as `iptables-save` prints it.
enum ChainRule: Hashable, Sendable {
    /// Resets must pass, see `NftablesTable.passes`.
    case passResets
    /// What comes in to one of these ports of this host, or leaves one as an answer, see `NftablesTable.passes`.
    case passPorts(ports: [Port])
    /// What this host says to itself between one of these ports and the other.
    case spare(ports: [Port], exception: Port)
    /// Ports of this host, closed to everybody.
    case close(ports: [Port])
    /// The same for what leaves them, without a word to this host's own sockets.
    case swallow(ports: [Port])
    /// No ports: all TCP.
    case reject(peer: IPAddress, ports: [Port])

    /// What the multiport match takes at most.
    private static let portsPerMatch = 15

    /// Our chain for one family; empty when there are no rules for it.
    static func chain(
        _ rules: RuleSet,
        in chain: WallChain,
        family: IPAddress.Family,
        protectedPorts: [Port]
    ) -> [ChainRule] {
        guard rules.concern(family) else { return [] }
        let portLists: [[Port]] =
            switch rules.wall?.scope {
            case nil: []
            case .allTCP: [[]]
            case .ports(let numbers): chunks(numbers)
            }
        let closed = chunks(rules.closed?.ports ?? [])
        let spared = closed.compactMap { ports in
            rules.closed?.exception.map { ChainRule.spare(ports: ports, exception: $0) }
        }
        let closing = closed.map { ports -> ChainRule in
            switch (chain, rules.outbound) {
            case (.output, .dropped): .swallow(ports: ports)
            case (.input, _), (.output, .reset): .close(ports: ports)
            }
        }
        return [.passResets] + chunks(protectedPorts).map { .passPorts(ports: $0) } + spared + closing
            + rules.peers(family).flatMap { peer in portLists.map { .reject(peer: peer, ports: $0) } }
    }

    /// The rule without its chain: what follows `-A CHAIN`.
    func specification(in chain: WallChain) -> String {
        switch self {
        case .passResets: return "-p tcp -m tcp --tcp-flags RST RST -j RETURN"
        case .passPorts(let ports):
            let answers =
                switch chain {
                case .input: ""
                case .output: " -m tcp ! --tcp-flags SYN,ACK SYN"
                }
            return "\(Self.own(ports, chain))\(answers) -j RETURN"
        case .spare(let ports, let exception):
            return "\(chain.iptablesInterfaceOption) lo \(Self.own(ports, chain)) "
                + "-m tcp --\(chain.peerPortField) \(exception) -j RETURN"
        case .close(let ports): return "\(Self.own(ports, chain)) -j REJECT --reject-with tcp-reset"
        case .swallow(let ports): return "\(Self.own(ports, chain)) -j DROP"
        case .reject(let peer, let ports):
            let address = "\(chain.iptablesAddressOption) \(peer)/\(peer.bytes.count * 8)"
            let match = ports.isEmpty ? "" : " \(Self.match(ports))"
            return "\(address) -p tcp\(match) -j REJECT --reject-with tcp-reset"
        }
    }

    /// By the port at this host's end.
    private static func own(_ ports: [Port], _ chain: WallChain) -> String {
        "-p tcp \(match(ports, "\(chain.hostPortField)s"))"
    }

    /// `--ports` is source or destination: what the scope of a wall names is cut whichever end has it.
    private static func match(_ ports: [Port], _ option: String = "ports") -> String {
        "-m multiport --\(option) \(ports.map(\.description).joined(separator: ","))"
    }

    private static func chunks(_ ports: [Port]) -> [[Port]] {
        stride(from: 0, to: ports.count, by: portsPerMatch).map {
            Array(ports[$0..<min($0 + portsPerMatch, ports.count)])
        }
    }
}

extension ChainRule {
    /// Nil for any rule that we would not write into this chain.
    init?(specification: String, in chain: WallChain) {
        var words = RuleWords.split(specification)[...]
        var peer: IPAddress?
        var ports: [Port] = []
        var own: [Port] = []
        var exception: Port?
        var matches: Set<Match> = []
        var target = ""
        while let option = words.popFirst() {
            guard let value = words.popFirst() else { return nil }
            switch option {
            case chain.iptablesAddressOption:
                peer = Self.host(value)
                guard peer != nil else { return nil }
            case "-p": guard value == "tcp" || value == "6" else { return nil }
            case "-m": guard value == "tcp" || value == "multiport" else { return nil }
            case "--tcp-flags":
                guard value == "RST", words.popFirst() == "RST" else { return nil }
                matches.insert(.resets)
            case chain.iptablesInterfaceOption:
                guard value == "lo" else { return nil }
                matches.insert(.loopback)
            case "--ports":
                guard let numbers = Self.ports(value) else { return nil }
                ports = numbers
            case "--\(chain.hostPortField)s":
                guard let numbers = Self.ports(value) else { return nil }
                own = numbers
            case "--\(chain.peerPortField)":
                guard let number = Int(value).flatMap({ Port($0) }) else { return nil }
                exception = number
            case "!":
                guard value == "--tcp-flags", words.popFirst() == "SYN,ACK", words.popFirst() == "SYN"
                else { return nil }
                matches.insert(.answers)
            case "-j": target = value
            case "--reject-with": guard value == "tcp-reset" else { return nil }
            default: return nil
            }
        }
        let answers: Set<Match> = chain == .output ? [.answers] : []
        switch (target, peer, matches, ports.isEmpty, own.isEmpty, exception) {
        case ("RETURN", nil, [.resets], true, true, nil): self = .passResets
        case ("RETURN", nil, answers, true, false, nil): self = .passPorts(ports: own)
        case ("RETURN", nil, [.loopback], true, false, .some(let exception)):
            self = .spare(ports: own, exception: exception)
        case ("REJECT", .some(let peer), [], _, true, nil): self = .reject(peer: peer, ports: ports)
        case ("REJECT", nil, [], true, false, nil): self = .close(ports: own)
        case ("DROP", nil, [], true, false, nil) where chain == .output: self = .swallow(ports: own)
        default: return nil
        }
        // Catches what was skipped above: a rule without `-p tcp`, or one with another way to reject.
        let isRejecting = specification.contains("tcp-reset")
        guard specification.contains("-p "), isRejecting == (target == "REJECT") else { return nil }
    }

    /// What a rule may ask of a packet besides ports and address.
    private enum Match {
        case resets
        case answers
        case loopback
    }

    private static func ports(_ text: String) -> [Port]? {
        let numbers = text.split(separator: ",").map { Int($0).flatMap { Port($0) } }
        let ports = numbers.compactMap { $0 }
        return ports.isEmpty || ports.count != numbers.count ? nil : ports
    }

    /// An address with the full prefix length, or none.
    private static func host(_ text: String) -> IPAddress? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
        return parts.count == 1 || Int(parts[1]) == address.bytes.count * 8 ? address : nil
    }
}

/// The words of a line of `iptables-save`, which quotes comments.
enum RuleWords {
    static func split(_ line: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var isQuoted = false
        var isEscaped = false
        var hasWord = false
        // Not by characters: what is combined with a space or a quote would hide it.
        for character in line.unicodeScalars {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" && isQuoted {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
                hasWord = true
            } else if character == " " && !isQuoted {
                if hasWord { words.append(String(word)) }
                word = String.UnicodeScalarView()
                hasWord = false
            } else {
                word.append(character)
                hasWord = true
            }
        }
        return hasWord ? words + [String(word)] : words
    }
}
