import ArgumentParser
import CertificateAuthority
import ControlProtocol
import Fleet
import MutualTLS
import Settings

struct AgentsStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Show every agent's version, certificate and revocation list, as it answers over mutual TLS.",
        discussion: """
            Hosts are told of as they answer, with --json too: sort by `host` where the order matters. Ends with 0 only when \
            every agent answers and works with this program.
            """
    )

    @OptionGroup var options: AgentsOptions

    func run() async throws {
        let (_, inventory) = try options.inventory()
        let fleet = try AgentFleet(inventory: inventory, log: options.logging.logger, warn: Output.warn)
        var text = AgentsStatusText(json: options.json)
        await fleet.look(at: inventory.hosts.map(\.host)) { host, answer in
            Output.write(text.told(host, answer, fingerprint: fingerprint(host, inventory.pki)))
        }
        Output.write(text.end())
        guard text.isReady else { throw ExitCode(1) }
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
