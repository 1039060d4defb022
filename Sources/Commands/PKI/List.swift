import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import Logging
import Logs
import MutualTLS

extension PKI {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists everything ever issued.")

        @OptionGroup var location: Location

        func run() async throws {
            let now = Date()
            let issued = try location.opened.list()
            location.logging.logger.debug("index read", fields: ["certificates": String(issued.count)])
            let rows = issued.map { certificate in
                [
                    certificate.identity.name.description, certificate.identity.kind.rawValue,
                    certificate.serial, certificate.expires.ISO8601Format(), state(of: certificate, now: now),
                ]
            }
            let header = ["NAME", "KIND", "SERIAL", "EXPIRES", "STATE"]
            let widths = header.indices.dropLast().map { column in
                ([header] + rows).map { $0[column].count }.max() ?? 0
            }
            for row in [header] + rows {
                let cells = zip(row, widths + [0]).map { cell, width in
                    cell + String(repeating: " ", count: max(0, width - cell.count))
                }
                print(cells.joined(separator: "  "))
            }
        }

        private func state(of certificate: IssuedCertificate, now: Date) -> String {
            if let revoked = certificate.revoked { return "revoked \(revoked.ISO8601Format())" }
            return certificate.expires <= now ? "expired" : "valid"
        }
    }
}
