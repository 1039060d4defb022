import ControlProtocol
import Topology

/// A server's answer to `cons`: its connections with their sessions, in the forms of ZooKeeper 3.4 to 3.9.
///
/// ` /10.0.0.7:4711[1](queued=0,recved=12,sent=12,sid=0x1000a8c5b9d0000,lop=PING,est=...,to=18000,...)`
enum SessionListing: Equatable {
    case sessions([ClientsReport.Session], areWhole: Bool)
    /// Why the server does not tell.
    case silent(reason: String)

    /// - Parameter isCut: whether the answer is longer than what was read of it.
    static func parse(_ text: String, isCut: Bool = false) -> SessionListing {
        if text.contains("not in the whitelist") {
            return .silent(reason: "its 4lw.commands.whitelist does not allow 'cons'")
        }
        if text.contains("not currently serving requests") {
            return .silent(reason: "it does not serve at the moment")
        }
        var sessions: [ClientsReport.Session] = []
        var areWhole = !isCut
        for line in text.split(whereSeparator: \.isNewline) where !line.allSatisfy(\.isWhitespace) {
            switch read(line) {
            case .session(let session): sessions.append(session)
            case .nobody: break
            // One end of a connection that closes just now, or words of somebody else.
            case .unknown: areWhole = false
            }
        }
        return .sessions(
            sessions.sorted { ($0.id, $0.address) < ($1.id, $1.address) },
            areWhole: areWhole
        )
    }

    private enum Line {
        case session(ClientsReport.Session)
        /// A connection without a session: another four-letter word, or a client that has only just come.
        case nobody
        case unknown
    }

    private static func read(_ line: Substring) -> Line {
        // An address of IPv6 may have brackets itself: what describes the connection begins with the last one.
        guard line.utf8.count <= 1000, line.last == ")", let end = line.firstRange(of: "]("),
            let open = line[..<end.lowerBound].lastIndex(of: "["),
            line[line.index(after: open)..<end.lowerBound].allSatisfy(\.isHexDigit),
            let address = address(line[..<open])
        else { return .unknown }
        let fields = line[end.upperBound...].dropLast().split(
            separator: ",",
            omittingEmptySubsequences: false
        )
        guard fields.allSatisfy({ $0.contains("=") }), fields.first?.hasPrefix("queued=") == true else {
            return .unknown
        }
        let named = fields.filter { $0.hasPrefix("sid=") }
        guard let field = named.first else { return .nobody }
        guard named.count == 1, let id = SessionNumber(hexadecimal: field.dropFirst(4)) else {
            return .unknown
        }
        return .session(ClientsReport.Session(id: id, address: address, timeout: timeout(fields)))
    }

    /// A session that is only just being opened has none.
    private static func timeout(_ fields: [Substring]) -> Int? {
        let named = fields.filter { $0.hasPrefix("to=") }
        guard named.count == 1, let timeout = Int(named[0].dropFirst(3)), timeout > 0,
            Bound.span.contains(timeout)
        else { return nil }
        return timeout
    }

    /// `/10.0.0.7:4711`, `name/10.0.0.7:4711`, `/0:0:0:0:0:0:0:1:4711` or `/[fe80:0:0:0:0:0:0:1%eth0]:4711`, as Java writes them.
    private static func address(_ text: Substring) -> IPAddress? {
        guard let slash = text.lastIndex(of: "/") else { return nil }
        let place = text[text.index(after: slash)...]
        guard let colon = place.lastIndex(of: ":"),
            let port = Int(place[place.index(after: colon)...]), Port(port) != nil
        else { return nil }
        var name = place[..<colon]
        if name.first == "[", name.last == "]" { name = name.dropFirst().dropLast() }
        // A zone says which interface the connection came over; the address is the same.
        if let zone = name.firstIndex(of: "%") { name = name[..<zone] }
        guard let address = IPAddress(String(name)) else { return nil }
        return IPAddress(wire: address.bytes[...])
    }
}
