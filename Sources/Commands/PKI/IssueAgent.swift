import ArgumentParser
import CertificateAuthority
import MutualTLS

extension PKI {
    struct IssueAgent: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "agent",
            abstract: "For the agent of one host: answers coordinators and viewers, commands nobody."
        )

        @OptionGroup var location: Location
        @OptionGroup var lifetime: Issue.Lifetime

        @Option(
            name: .customLong("san"),
            parsing: .upToNextOption,
            help: "Further DNS names and addresses under which clients such as curl reach the agent."
        )
        var alternativeNames: [String] = []

        @Argument(help: "The host, as the agent's configuration and the plan name it.")
        var host: String

        func run() async throws {
            let names = try alternativeNames.map { text in
                guard let name = AlternativeName(text) else { throw PKIError.badAlternativeName(text: text) }
                return name
            }
            try Issue.perform(.agent, host, alternativeNames: names, lifetime: lifetime, in: location)
        }
    }
}
