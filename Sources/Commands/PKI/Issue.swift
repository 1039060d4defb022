import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import Logging
import Logs
import MutualTLS

extension PKI {
    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issues a certificate with a new key.",
            subcommands: [IssueAgent.self, IssueCoordinator.self, IssueViewer.self]
        )

        struct Lifetime: ParsableArguments {
            @Option(help: "How many days the certificate is valid (default: 730 for agents, 365 for others).")
            var days: Int?

            func validate() throws {
                guard days.map({ (1...3650).contains($0) }) ?? true else {
                    throw ValidationError("--days is from 1 to 3650")
                }
            }
        }

        /// Shared by the three kinds.
        static func perform(
            _ kind: PeerIdentity.Kind,
            _ text: String,
            alternativeNames: [AlternativeName] = [],
            lifetime: Lifetime,
            in location: Location
        ) throws {
            guard let name = PeerName(text) else { throw PKIError.badName(text: text) }
            let identity = PeerIdentity(kind, name)
            let files = try location.opened.issue(
                identity,
                alternativeNames: alternativeNames,
                days: lifetime.days,
                now: Date()
            )
            tell(identity, files, location)
        }

        /// For several at once.
        static func perform(
            _ kind: PeerIdentity.Kind,
            _ texts: [String],
            lifetime: Lifetime,
            in location: Location
        ) throws {
            let identities = try texts.map { text in
                guard let name = PeerName(text) else { throw PKIError.badName(text: text) }
                return PeerIdentity(kind, name)
            }
            let issued = try location.opened.issue(identities, days: lifetime.days, now: Date())
            for (identity, files) in zip(identities, issued) { tell(identity, files, location) }
        }

        private static func tell(
            _ identity: PeerIdentity,
            _ files: PKIDirectory.IssuedFiles,
            _ location: Location
        ) {
            location.logging.logger.info(
                "certificate issued",
                fields: ["identity": identity.description, "serial": files.facts.serial]
            )
            Output.write(
                "\(identity), serial \(files.facts.serial), expires \(files.facts.notAfter.ISO8601Format())\n"
            )
            Output.write("certificate: \(files.certificate)\n")
            Output.write("key: \(files.key)\n")
        }
    }
}
