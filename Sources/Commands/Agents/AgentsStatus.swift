import ArgumentParser
import CertificateAuthority
import ControlProtocol
import Fleet
import FoundationEssentials
import MutualTLS
import Printable
import Settings

struct AgentsStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Show every agent's version, certificate and revocation list, as it answers over mutual TLS.",
        discussion: "Ends with 0 only when every agent answers and works with this program."
    )

    @OptionGroup var options: AgentsOptions

    private struct Line: Encodable {
        let host: String
        let isReady: Bool
        var version: String?
        var certificateEnds: String?
        var fingerprint: String?
        var revocationList: String?
        var problem: String?
    }

    func run() async throws {
        let (_, inventory) = try options.inventory()
        let fleet = try AgentFleet(inventory: inventory, log: options.logging.logger, warn: Output.warn)
        let answers = await fleet.observe(inventory.hosts.map(\.host))
        let lines = inventory.hosts.map { line($0.host, answers[$0.host], inventory.pki) }
        if options.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            for line in lines {
                Output.write(
                    PrintableText.json(String(decoding: try encoder.encode(line), as: UTF8.self)) + "\n"
                )
            }
        } else {
            for line in lines { Output.write(text(line) + "\n") }
        }
        guard lines.allSatisfy(\.isReady) else { throw ExitCode(1) }
    }

    private func line(_ host: HostName, _ answer: Observation?, _ pki: FleetPKI) -> Line {
        switch answer {
        case .status(let status):
            let ends = status.credentials.map { Date(timeIntervalSince1970: Double($0.certificate) / 1000) }
            let problem = VersionProblem.text(status)
            return Line(
                host: host.description,
                isReady: problem == nil,
                version: status.agentVersion,
                certificateEnds: ends?.ISO8601Format(),
                fingerprint: fingerprint(host, pki),
                revocationList: status.credentials?.revocationLists?.map(\.number).joined(separator: ","),
                problem: problem
            )
        case .silent(let reason): return Line(host: host.description, isReady: false, problem: reason)
        case nil: return Line(host: host.description, isReady: false, problem: "it was not asked")
        }
    }

    /// Of the newest certificate that the authority signed for the host; nil where it was issued elsewhere.
    private func fingerprint(_ host: HostName, _ pki: FleetPKI) -> String? {
        guard let name = PeerName(host.description) else { return nil }
        let path = PKIDirectory(path: pki.directory).certificatePath(of: .agent(name))
        do throws(TLSError) {
            return try PresentedCertificate(pem: CredentialFile(reading: path).bytes, named: path).fingerprint
        } catch {
            return nil
        }
    }

    private func text(_ line: Line) -> String {
        if let problem = line.problem { return "\(line.host)  not ready: \(problem)" }
        return [
            "\(line.host)  ready", line.version.map { "mitosis-agent \($0)" },
            line.certificateEnds.map { "certificate until \($0)" },
            line.fingerprint.map { String($0.prefix(16)) },
            line.revocationList.map { "revocation list \($0)" },
        ].compactMap(\.self).joined(separator: "  ")
    }
}

/// Whether an agent's version works with this program.
enum VersionProblem {
    static func text(_ status: HostStatus) -> String? {
        guard status.protocolVersion == ControlProtocolVersion.current else {
            return
                "its agent speaks protocol \(status.protocolVersion), this program \(ControlProtocolVersion.current): use `mitosis agents upgrade`, or the mitosis of its version"
        }
        return nil
    }
}
