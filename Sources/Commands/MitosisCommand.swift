package import ArgumentParser

/// `mitosis`, from the command line.
package struct MitosisCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "mitosis",
        abstract: "Moves a Kafka cluster's ZooKeeper data to an ensemble of its own, without downtime.",
        subcommands: [
            PlanCommand.self, PreflightCommand.self, RunCommand.self, RollbackCommand.self,
            StatusCommand.self, RulesCommand.self,
            HistoryCommand.self,
            PKI.self,
        ]
    )

    package init() {}
}
