import ArgumentParser
import MutualTLS

extension PKI {
    struct IssueViewer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "viewer",
            abstract: "For a viewer: may read status and metrics, commands nobody."
        )

        @OptionGroup var location: Location
        @OptionGroup var lifetime: Issue.Lifetime

        @Argument(help: "Who holds it; appears in the agents' audit logs.")
        var name: String

        func run() async throws { try Issue.perform(.viewer, name, lifetime: lifetime, in: location) }
    }
}
