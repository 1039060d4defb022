import ArgumentParser

struct RulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Look at, clean up, or try out, a fleet's netfilter rules.",
        subcommands: [RulesList.self, RulesClean.self, RulesPilot.self]
    )
}
