import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import Logging
import Logs
import MutualTLS

extension PKI {
    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Creates a new authority.")

        @OptionGroup var location: Location

        @Option(help: "Name that all certificates of this installation share.")
        var trustDomain = "mitosis"

        func run() async throws {
            guard let domain = TrustDomain(trustDomain) else {
                throw PKIError.badTrustDomain(text: trustDomain)
            }
            let directory = location.opened
            let facts = try directory.create(trustDomain: domain, now: Date())
            location.logging.logger.info(
                "authority created",
                fields: ["trust_domain": domain.description, "serial": facts.serial]
            )
            Output.write("authority of \(domain): \(directory.authorityPath)\n")
            Output.write("key, never to leave this machine: \(directory.authorityKeyPath)\n")
            Output.write("revocation list: \(directory.revocationListPath)\n")
            Output.write("expires \(facts.notAfter.ISO8601Format())\n")
        }
    }
}
