/// The value of one `server.N` line.
package struct ServerEntry: Hashable, Sendable {
    package let member: Member
    /// What follows the semicolon, if anything: `2181` or `address:2181`.
    package let clientAddress: String?
    package let clientPort: Port?
    /// With its semicolon, as the line has it; empty without one.
    let suffix: String

    init(key: String, value: String, line: Int) throws(ZooConfigurationError) {
        let malformed = ZooConfigurationError.malformedServer(key: key, line: line)
        guard !value.contains("|") else { throw .severalAddresses(key: key, line: line) }
        guard let number = Int(key.dropFirst("server.".count)), let id = ServerID(number) else {
            throw malformed
        }
        let parts = Self.parts(value, separator: ";")
        guard (1...2).contains(parts.count), let fields = Self.fields(parts[0]),
            (3...4).contains(fields.count),
            !fields[0].isEmpty, !fields[0].contains(where: \.isWhitespace),
            let quorum = Int(fields[1]).flatMap({ Port($0) }),
            let election = Int(fields[2]).flatMap({ Port($0) }),
            let role = Self.role(fields.count == 4 ? fields[3] : "participant")
        else { throw malformed }
        member = Member(
            id: id,
            address: fields[0],
            quorumPort: quorum,
            electionPort: election,
            role: role
        )
        guard parts.count == 2 else {
            (clientAddress, clientPort, suffix) = (nil, nil, "")
            return
        }
        guard let client = Self.fields(parts[1]), (1...2).contains(client.count),
            let port = client.last.flatMap({ Int($0) }).flatMap({ Port($0) })
        else { throw malformed }
        clientAddress = client.count == 2 ? client[0] : nil
        clientPort = port
        suffix = ";" + parts[1]
    }

    /// The line's value for a member that the file did not have, in the form that every version reads.
    static func value(of member: Member) -> String {
        let address = member.address.contains(":") ? "[\(member.address)]" : member.address
        let role =
            switch member.role {
            case .participant: ""
            case .observer: ":observer"
            }
        return "\(address):\(member.quorumPort):\(member.electionPort)\(role)"
    }

    /// Splits at colons.
    ///
    /// An IPv6 address stands in brackets, which are dropped; nil when they do not pair.
    private static func fields(_ text: Substring) -> [String]? {
        guard text.hasPrefix("[") else { return parts(text, separator: ":").map(String.init) }
        guard let close = text.firstIndex(of: "]") else { return nil }
        let address = String(text[text.index(after: text.startIndex)..<close])
        let rest = text[text.index(after: close)...]
        guard rest.hasPrefix(":"), IPAddress(address)?.family == .ipv6 else { return nil }
        return [address] + parts(rest.dropFirst(), separator: ":").map(String.init)
    }

    /// Splits as Java does, and therefore ZooKeeper: empty parts at the end do not count.
    private static func parts(_ text: some StringProtocol, separator: Character) -> [Substring] {
        var parts = Substring(text).split(separator: separator, omittingEmptySubsequences: false)
        while parts.last?.isEmpty ?? false { parts.removeLast() }
        return parts
    }

    private static func role(_ text: String) -> Member.Role? {
        switch text.trimmingBlanks().lowercased() {
        case "participant": .participant
        case "observer": .observer
        default: nil
        }
    }
}

extension StringProtocol {
    /// As Java's `trim`: the space and all below it go, and nothing else that looks like one.
    func trimmingBlanks() -> String {
        var scalars = Substring(self).unicodeScalars
        while let first = scalars.first, first.value <= 0x20 { scalars.removeFirst() }
        while let last = scalars.last, last.value <= 0x20 { scalars.removeLast() }
        return String(scalars)
    }
}
