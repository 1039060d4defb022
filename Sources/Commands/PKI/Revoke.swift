import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import Logging
import Logs
import MutualTLS

extension PKI {
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revokes certificates and writes the new revocation list.",
            discussion:
                "Copy the list to where the agents' and the coordinator's configuration expect it; they re-read it."
        )

        @OptionGroup var location: Location

        @Argument(help: "A name, kind/name (all certificates of that holder), or one serial.")
        var certificate: String

        func run() async throws {
            let directory = location.opened
            for revoked in try directory.revoke(certificate, now: Date()) {
                location.logging.logger.info("certificate revoked", fields: ["serial": revoked.serial])
                Output.write("revoked \(revoked.identity), serial \(revoked.serial)\n")
            }
            Output.write("revocation list: \(directory.revocationListPath)\n")
        }
    }
}
