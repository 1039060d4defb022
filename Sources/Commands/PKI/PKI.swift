import ArgumentParser
import CertificateAuthority
import MutualTLS

struct PKI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki",
        abstract:
            "Issues, lists and revokes the certificates by which agents, coordinators and viewers know each other.",
        subcommands: [Init.self, Issue.self, List.self, Revoke.self, Relist.self]
    )

    /// Where the authority is kept.
    struct Location: ParsableArguments {
        @Option(help: "Directory of the authority.")
        var directory = "pki"

        @OptionGroup var logging: LogOptions

        var opened: PKIDirectory { PKIDirectory(path: directory) }
    }
}
