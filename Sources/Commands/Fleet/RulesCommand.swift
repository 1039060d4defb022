import ArgumentParser

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Look at, or clean up, the fleet's netfilter rules.",
        subcommands: [RulesList.self, RulesClean.self]
    )
}
