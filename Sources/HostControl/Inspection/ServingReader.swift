import ControlProtocol
import FoundationEssentials
import Printable
import Topology

/// What a server says about itself, read from `srvr` and, for a leader that allows it, `mntr`.
enum ServingReader {
    /// Blocks for at most two deadlines.
    static func ask(_ address: IPAddress, _ port: Port) -> Serving {
        let serving: Serving
        switch FourLetterWord.ask("srvr", at: address, port) {
        case .unreachable(let reason): return .unreachable(reason: reason)
        case .text(let text): serving = parse(srvr: text)
        }
        guard case .yes(let stats) = serving, stats.role == .leader,
            case .text(let text) = FourLetterWord.ask("mntr", at: address, port)
        else { return serving }
        return .yes(
            stats: ServerStats(
                version: stats.version,
                role: stats.role,
                zxid: stats.zxid,
                connections: stats.connections,
                outstanding: stats.outstanding,
                nodeCount: stats.nodeCount,
                syncedFollowers: syncedFollowers(mntr: text),
                sessions: sessions(mntr: text)
            )
        )
    }

    /// Reads the answer to `srvr` in the forms of ZooKeeper 3.4 to 3.9.
    static func parse(srvr text: String) -> Serving {
        if text.contains("not currently serving requests") { return .looking }
        var values: [Substring: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            values[line[..<colon]] = String(line[line.index(after: colon)...]).trimmed
        }
        guard let version = values["Zookeeper version"].flatMap(shortVersion),
            let role = values["Mode"].flatMap({ ServerStats.Role(rawValue: $0) }),
            let zxid = values["Zxid"].flatMap({ Zxid(hexadecimal: $0) }),
            let connections = count(values["Connections"]),
            let outstanding = count(values["Outstanding"]),
            let nodeCount = count(values["Node count"])
        else {
            let words = text.isEmpty ? "it closed the connection" : "it said '\(said(text))'"
            return .unreachable(reason: "the answer to 'srvr' is not ZooKeeper's: \(words)")
        }
        return .yes(
            stats: ServerStats(
                version: version,
                role: role,
                zxid: zxid,
                connections: connections,
                outstanding: outstanding,
                nodeCount: nodeCount,
                syncedFollowers: nil
            )
        )
    }

    /// Nil for what no server can count; some versions lose count of requests that end twice, and go below zero.
    private static func count(_ text: String?) -> Int? {
        text.flatMap { Int($0) }.map { max(0, $0) }.flatMap { Bound.count.contains($0) ? $0 : nil }
    }

    /// Nil when the server does not allow the question, or does not lead.
    static func syncedFollowers(mntr text: String) -> Int? { figure("zk_synced_followers", mntr: text) }

    /// Of the whole ensemble; nil when the server does not allow the question, or is older than 3.6.
    static func sessions(mntr text: String) -> Int? { figure("zk_global_sessions", mntr: text) }

    private static func figure(_ name: String, mntr text: String) -> Int? {
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(whereSeparator: \.isWhitespace)
            // A decimal in some versions: 2.0.
            if fields.count == 2, fields[0] == name {
                return Double(fields[1]).flatMap { Int(exactly: $0) }.flatMap {
                    Bound.count.contains($0) ? $0 : nil
                }
            }
        }
        return nil
    }

    /// `3.5.4-beta-7f51e5b..., built on ...` is 3.5.4-beta: the commit and the date go.
    ///
    /// Nil for what is no version: somebody else may listen there.
    private static func shortVersion(_ text: String) -> ServerVersion? {
        let parts = text.prefix { $0 != "," }.split(separator: "-")
        let named = parts.dropFirst().first.map { $0 == "alpha" || $0 == "beta" } ?? false
        return ServerVersion(parts.prefix(named ? 2 : 1).joined(separator: "-"))
    }

    /// Whoever it is that listens there chose these words.
    private static func said(_ text: String) -> String {
        PrintableText(SecretValues.hidden(in: String(text.unicodeScalars.prefix(1000)).trimmed), limit: 200)
            .description
    }
}
