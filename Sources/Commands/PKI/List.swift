import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import Logging
import Logs
import MutualTLS
import Tables

extension PKI {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists everything ever issued.")

        @OptionGroup var location: Location

        func run() async throws {
            let now = Date()
            let issued = try location.opened.list()
            location.logging.logger.debug("index read", fields: ["certificates": String(issued.count)])
            Output.write(Self.text(issued, now: now))
        }

        static func text(_ issued: [IssuedCertificate], now: Date) -> String {
            let rows = issued.map { certificate in
                [
                    certificate.identity.name.description, certificate.identity.kind.rawValue,
                    certificate.serial, certificate.expires.ISO8601Format(), state(of: certificate, now: now),
                ]
            }
            let header = ["NAME", "KIND", "SERIAL", "EXPIRES", "STATE"]
            let table = Table([.fitted, .fitted, .fitted, .fitted], gap: 2)
            return table.lines([header] + rows).map { $0 + "\n" }.joined()
        }

        private static func state(of certificate: IssuedCertificate, now: Date) -> String {
            if let revoked = certificate.revoked { return "revoked \(revoked.ISO8601Format())" }
            return certificate.expires <= now ? "expired" : "valid"
        }
    }
}
