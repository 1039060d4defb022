import ArgumentParser
import MutualTLS

extension PKI {
    struct IssueCoordinator: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "coordinator",
            abstract: "For a coordinator: may command every agent."
        )

        @OptionGroup var location: Location
        @OptionGroup var lifetime: Issue.Lifetime

        @Argument(help: "Who holds it; appears in the agents' audit logs.")
        var name: String

        func run() async throws {
            try Issue.perform(.coordinator, name, lifetime: lifetime, in: location)
        }
    }
}
