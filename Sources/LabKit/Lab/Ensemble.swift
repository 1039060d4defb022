internal import FoundationEssentials

/// What one server says of itself (`srvr`).
package struct ServerStatus: Codable, Sendable, Hashable {
    package let server: String
    /// Nil when it does not serve.
    package let mode: String?
    package let zxid: String?
    package let nodes: Int?
    package let connections: Int?
    package let error: String?
}

extension Lab {
    /// Asks every server of a side, from the client host.
    package func ensemble(_ side: LabHost.Side) async throws(LabError) -> [ServerStatus] {
        let outcome = try await ask("srvr", side, [])
        return try decode([ServerStatus].self, outcome.output, "the servers' answers")
    }

    /// Returns when exactly one server of the side leads and all others follow it.
    package func waitUntilServing(_ side: LabHost.Side, seconds: Int) async throws(LabError) {
        let outcome = try await ask("srvr", side, ["--serving", String(seconds)])
        guard outcome.succeeded else {
            throw .late(
                what: "one leader and the rest following on the \(side.rawValue) side",
                seconds: seconds,
                seen: outcome.diagnostics
            )
        }
    }

    func ask(_ command: String, _ side: LabHost.Side, _ more: [String]) async throws(LabError) -> Tool.Outcome
    {
        let servers = configuration.hosts(of: side).map(\.clientAddress).joined(separator: ",")
        let argv = ["/usr/bin/python3", layout.script("ensemble.py"), command, "--servers", servers]
        return try await run(argv + more, on: configuration.client)
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ text: String, _ what: String) throws(LabError)
        -> Value
    {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw .failed(step: "reading \(what)", diagnostics: "\(error) in: \(text)")
        }
    }
}
