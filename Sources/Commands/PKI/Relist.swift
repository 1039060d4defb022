import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import Logging
import Logs
import MutualTLS

extension PKI {
    struct Relist: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the revocation list anew, under a higher number, without revoking anything.",
            discussion: """
                For a list that was lost, and after the directory came back from a backup: agents and coordinators refuse a list \
                with a lower number than one that was in force there, and say which that was.
                """
        )

        @OptionGroup var location: Location

        @Option(
            help: "A number that the new one must exceed, for instance one that an agent says it has seen."
        )
        var above: String?

        func run() async throws {
            var least: RevocationNumber?
            if let above {
                guard let number = RevocationNumber(above) else {
                    throw Complaint(
                        "--above '\(above.printable)' is no number of a revocation list: decimal digits"
                    )
                }
                least = number
            }
            let directory = location.opened
            let number = try directory.relist(above: least, now: Date())
            location.logging.logger.info("revocation list written", fields: ["number": number.description])
            Output.write("revocation list number \(number): \(directory.revocationListPath)\n")
        }
    }
}
