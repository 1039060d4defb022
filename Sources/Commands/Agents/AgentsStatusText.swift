import ControlProtocol
import Fleet
import FoundationEssentials
import Printable

/// What agents say of themselves: a line for each as it answers, and what it comes to; no status is kept.
struct AgentsStatusText {
    private struct Line: Encodable {
        let host: String
        let isReady: Bool
        var version: String?
        var certificateEnds: String?
        var fingerprint: String?
        var revocationList: String?
        var problem: String?
    }

    private let isJSON: Bool
    private var ready = 0
    private var notReady: [HostName] = []

    init(json: Bool) { isJSON = json }

    var isReady: Bool { notReady.isEmpty }

    /// - Parameter fingerprint: of the newest certificate that the authority signed for the host.
    mutating func told(_ host: HostName, _ answer: Observation, fingerprint: String?) -> String {
        let line = Self.line(host, answer, fingerprint)
        if line.isReady { ready += 1 } else { notReady.append(host) }
        guard isJSON else { return PrintableText(Self.text(line)).description + "\n" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return PrintableText.json(String(decoding: try encoder.encode(line), as: UTF8.self)) + "\n"
        } catch {
            return "{\"error\":\"cannot be put into JSON\"}\n"
        }
    }

    /// The hosts in their own order; empty for programs, which count lines.
    func end() -> String {
        guard !isJSON else { return "" }
        let sum = "\(ready + notReady.count) hosts: \(ready) ready, \(notReady.count) not ready\n"
        return notReady.isEmpty ? sum : sum + "not ready: \(notReady.sorted().listed())\n"
    }

    private static func line(_ host: HostName, _ answer: Observation, _ fingerprint: String?) -> Line {
        switch answer {
        case .status(let status):
            let ends = status.credentials.map { Date(timeIntervalSince1970: Double($0.certificate) / 1000) }
            let problem = VersionProblem.text(status)
            return Line(
                host: host.description,
                isReady: problem == nil,
                version: status.agentVersion,
                certificateEnds: ends?.ISO8601Format(),
                fingerprint: fingerprint,
                revocationList: status.credentials?.revocationLists?.map(\.number).joined(separator: ","),
                problem: problem
            )
        case .silent(let reason): return Line(host: host.description, isReady: false, problem: reason)
        }
    }

    private static func text(_ line: Line) -> String {
        if let problem = line.problem { return "\(line.host)  not ready: \(problem)" }
        return [
            "\(line.host)  ready", line.version.map { "mitosis-agent \($0)" },
            line.certificateEnds.map { "certificate until \($0)" },
            line.fingerprint.map { String($0.prefix(16)) },
            line.revocationList.map { "revocation list \($0)" },
        ].compactMap(\.self).joined(separator: "  ")
    }
}
