import ArgumentParser
import FoundationEssentials
import MutualTLS

extension PKI {
    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issues a certificate with a new key.",
            subcommands: [IssueAgent.self, IssueCoordinator.self, IssueViewer.self]
        )

        /// Shared by the three kinds.
        static func perform(
            _ kind: PeerIdentity.Kind,
            _ text: String,
            alternativeNames: [AlternativeName] = [],
            in directory: PKIDirectory
        ) throws {
            guard let name = PeerName(text) else { throw PKIError.badName(text: text) }
            let identity = PeerIdentity(kind, name)
            let files = try directory.issue(identity, alternativeNames: alternativeNames, now: Date())
            print(
                "\(identity), serial \(files.facts.serial), expires \(files.facts.notAfter.ISO8601Format())"
            )
            print("certificate: \(files.certificate)")
            print("key: \(files.key)")
        }
    }
}
