/// A zoo.cfg as ZooKeeper reads it, keeping every byte that is not asked to change.
package struct ZooConfiguration: Hashable, Sendable {
    /// What a server line says and where it stands.
    struct Server: Hashable, Sendable {
        let entry: ServerEntry
        let element: Int
    }

    let text: PropertiesText
    let serverLines: [Server]

    /// Refuses what ZooKeeper would refuse, and by name what this tool does not support.
    package init(_ content: some Collection<UInt8>) throws(ZooConfigurationError) {
        text = try PropertiesText(Array(content))
        var servers: [Server] = []
        var lines: [ServerID: Int] = [:]
        for (index, element) in text.elements.enumerated() {
            guard case .setting(let key, let value) = element.content else { continue }
            // ZooKeeper trims some keys and others not.
            guard key == key.trimmingBlanks() else { throw .blankInKey(key: key, line: element.line) }
            if key.utf8.starts(with: "group".utf8) || key.utf8.starts(with: "weight".utf8) {
                throw .hierarchicalQuorum(key: key, line: element.line)
            }
            guard key.utf8.starts(with: "server.".utf8) else { continue }
            let entry = try ServerEntry(key: key, value: value.trimmingBlanks(), line: element.line)
            if let first = lines.updateValue(element.line, forKey: entry.member.id) {
                throw .repeatedServer(id: entry.member.id, line: element.line, firstLine: first)
            }
            servers.append(Server(entry: entry, element: index))
        }
        serverLines = servers
        try checkSettings()
    }

    package var content: [UInt8] { text.elements.flatMap(\.bytes) }

    /// In the order of the file.
    package var servers: [ServerEntry] { serverLines.map(\.entry) }
    package var members: [Member] { serverLines.map(\.entry.member) }
    func serverLine(of id: ServerID?) -> Server? { serverLines.first { $0.entry.member.id == id } }

    /// Each once, in the order of the file.
    package var keys: [String] {
        var known: Set<String> = []
        return text.elements.compactMap { element in
            guard case .setting(let key, _) = element.content, known.insert(key).inserted else { return nil }
            return key
        }
    }

    /// The effective value of any key: the last one, as in Java's Properties, without blanks around it.
    package subscript(key: String) -> String? { lastSetting(key)?.value }

    /// Classes of `authProvider.NAME` settings.
    package var authProviders: Set<String> {
        Set(
            text.elements.compactMap { element -> String? in
                guard case .setting(let key, let value) = element.content,
                    key.utf8.starts(with: "authProvider.".utf8)
                else { return nil }
                return value.trimmingBlanks()
            }
        )
    }

    package func line(of key: String) -> Int? { lastSetting(key)?.line }

    func lastSetting(_ wanted: String) -> (value: String, line: Int)? {
        for element in text.elements.reversed() {
            guard case .setting(let key, let value) = element.content, key == wanted else { continue }
            return (value.trimmingBlanks(), element.line)
        }
        return nil
    }
}

extension ZooConfiguration {
    package var clientPort: Port? { integer("clientPort").flatMap { Port($0) } }
    package var secureClientPort: Port? { integer("secureClientPort").flatMap { Port($0) } }
    package var observerMasterPort: Port? { integer("observerMasterPort").flatMap { Port($0) } }
    /// Java takes an IPv6 address with or without brackets.
    package var clientPortAddress: String? { self["clientPortAddress"].map(Self.withoutBrackets) }
    package var dataDir: String? { self["dataDir"] }
    /// Where the transaction log is: ZooKeeper falls back to `dataDir`.
    package var dataLogDir: String? { self["dataLogDir"] ?? dataDir }
    /// The heart beat in milliseconds that every other limit is counted in.
    package var tickTime: Int { integer("tickTime") ?? 3000 }
    package var initLimit: Int? { integer("initLimit") }
    package var syncLimit: Int? { integer("syncLimit") }
    /// Milliseconds: the range that a client's session timeout is clamped to.
    package var minSessionTimeout: Int { negotiated("minSessionTimeout") ?? tickTime.times(saturating: 2) }
    package var maxSessionTimeout: Int { negotiated("maxSessionTimeout") ?? tickTime.times(saturating: 20) }
    package var isObserver: Bool { self["peerType"]?.lowercased() == "observer" }
    package var dynamicConfigFile: String? { self["dynamicConfigFile"] }
    package var reconfigEnabled: Bool { boolean("reconfigEnabled") ?? false }
    package var standaloneEnabled: Bool { boolean("standaloneEnabled") ?? true }
    package var sslQuorum: Bool { boolean("sslQuorum") ?? false }
    package var portUnification: Bool { boolean("portUnification") ?? false }
    package var quorumSASL: Bool { boolean("quorum.auth.enableSasl") ?? false }
    /// Whether an observer keeps what it learns on disk.
    package var syncEnabled: Bool { boolean("syncEnabled") ?? true }

    /// The four-letter words that the file allows, or nil when it leaves that to the version's default.
    package var allowedFourLetterWords: Set<String>? {
        self["4lw.commands.whitelist"].map { text in
            Set(text.split(separator: ",").map { $0.trimmingBlanks() }.filter { !$0.isEmpty })
        }
    }

    private static let ports = ["clientPort", "secureClientPort", "observerMasterPort"]
    private static let integers = [
        "tickTime", "initLimit", "syncLimit", "minSessionTimeout", "maxSessionTimeout",
    ]
    private static let booleans = [
        "reconfigEnabled", "standaloneEnabled", "sslQuorum", "portUnification", "quorum.auth.enableSasl",
        "syncEnabled",
    ]

    private static func withoutBrackets(_ text: String) -> String {
        guard text.hasPrefix("["), text.hasSuffix("]") else { return text }
        let inner = String(text.dropFirst().dropLast())
        return IPAddress(inner)?.family == .ipv6 ? inner : text
    }

    private func integer(_ key: String) -> Int? { self[key].flatMap { Int($0) } }
    private func negotiated(_ key: String) -> Int? { integer(key).flatMap { $0 > 0 ? $0 : nil } }
    private func boolean(_ key: String) -> Bool? { self[key].map { $0.lowercased() == "true" } }

    /// Makes the reads above safe: a value that they would misread never gets past here.
    private func checkSettings() throws(ZooConfigurationError) {
        // ZooKeeper takes 0 as "no such port".
        try check(Self.ports, "a port") { text in
            guard let number = Int(text) else { return false }
            return number == 0 || Port(number) != nil
        }
        // As Java's `Integer.parseInt` takes them.
        try check(Self.integers, "a whole number of 32 bits") { Int32($0) != nil }
        try check(Self.booleans, "true or false") { ["true", "false"].contains($0.lowercased()) }
        try check(["peerType"], "participant or observer") {
            ["participant", "observer"].contains($0.lowercased())
        }
    }

    private func check(
        _ keys: [String],
        _ expected: String,
        _ isValid: (String) -> Bool
    ) throws(ZooConfigurationError) {
        for key in keys {
            guard let (value, line) = lastSetting(key), !isValid(value) else { continue }
            throw .malformedValue(key: key, expected: expected, line: line)
        }
    }
}
