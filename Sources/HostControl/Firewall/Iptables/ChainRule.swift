import ControlProtocol
import Topology

/// One rule of our iptables chains, written as `iptables-save` prints it.
enum ChainRule: Hashable, Sendable {
    /// Resets must pass, see `NftablesTable.passes`.
    case passResets
    /// A packet from or to one of these ports leaves our chain unharmed.
    case passPorts(ports: [Port])
    /// Ports of this host, closed to everybody but the port `exception` of the other end.
    case close(ports: [Port], exception: Port?)
    /// The same for what leaves them, without a word to this host's own sockets.
    case swallow(ports: [Port], exception: Port?)
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
        let closing = chunks(rules.closed?.ports ?? []).map { ports -> ChainRule in
            switch (chain, rules.outbound) {
            case (.output, .dropped): .swallow(ports: ports, exception: rules.closed?.exception)
            case (.input, _), (.output, .reset): .close(ports: ports, exception: rules.closed?.exception)
            }
        }
        return [.passResets] + chunks(protectedPorts).map { .passPorts(ports: $0) } + closing
            + rules.peers(family).flatMap { peer in portLists.map { .reject(peer: peer, ports: $0) } }
    }

    /// The rule without its chain: what follows `-A CHAIN`.
    func specification(in chain: WallChain) -> String {
        switch self {
        case .passResets: return "-p tcp -m tcp --tcp-flags RST RST -j RETURN"
        case .passPorts(let ports): return "-p tcp \(Self.match(ports)) -j RETURN"
        case .close(let ports, let exception):
            return "\(Self.closed(ports, exception, chain)) -j REJECT --reject-with tcp-reset"
        case .swallow(let ports, let exception): return "\(Self.closed(ports, exception, chain)) -j DROP"
        case .reject(let peer, let ports):
            let address = "\(chain.iptablesAddressOption) \(peer)/\(peer.bytes.count * 8)"
            let match = ports.isEmpty ? "" : " \(Self.match(ports))"
            return "\(address) -p tcp\(match) -j REJECT --reject-with tcp-reset"
        }
    }

    private static func closed(_ ports: [Port], _ exception: Port?, _ chain: WallChain) -> String {
        let other = exception.map { " -m tcp ! --\(chain.peerPortField) \($0)" } ?? ""
        return "-p tcp \(match(ports, "\(chain.hostPortField)s"))\(other)"
    }

    /// `--ports` is source or destination.
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
        var closed: [Port] = []
        var exception: Port?
        var matchesResets = false
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
                matchesResets = true
            case "--ports":
                guard let numbers = Self.ports(value) else { return nil }
                ports = numbers
            case "--\(chain.hostPortField)s":
                guard let numbers = Self.ports(value) else { return nil }
                closed = numbers
            case "!":
                guard value == "--\(chain.peerPortField)",
                    let number = words.popFirst().flatMap({ Int($0) }).flatMap({ Port($0) })
                else { return nil }
                exception = number
            case "-j": target = value
            case "--reject-with": guard value == "tcp-reset" else { return nil }
            default: return nil
            }
        }
        switch (target, peer, matchesResets, ports.isEmpty, closed.isEmpty, exception) {
        case ("RETURN", nil, true, true, true, nil): self = .passResets
        case ("RETURN", nil, false, false, true, nil): self = .passPorts(ports: ports)
        case ("REJECT", .some(let peer), false, _, true, nil): self = .reject(peer: peer, ports: ports)
        case ("REJECT", nil, false, true, false, _): self = .close(ports: closed, exception: exception)
        case ("DROP", nil, false, true, false, _) where chain == .output:
            self = .swallow(ports: closed, exception: exception)
        default: return nil
        }
        // Catches what was skipped above: a rule without `-p tcp`, or one with another way to reject.
        let isRejecting = specification.contains("tcp-reset")
        guard specification.contains("-p "), isRejecting == (target == "REJECT") else { return nil }
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
        var word = ""
        var isQuoted = false
        var isEscaped = false
        var hasWord = false
        for character in line {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" && isQuoted {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
                hasWord = true
            } else if character == " " && !isQuoted {
                if hasWord { words.append(word) }
                word = ""
                hasWord = false
            } else {
                word.append(character)
                hasWord = true
            }
        }
        return hasWord ? words + [word] : words
    }
}
