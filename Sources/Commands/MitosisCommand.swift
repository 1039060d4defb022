package import ArgumentParser
import ControlProtocol

/// `mitosis`, from the command line.
package struct MitosisCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "mitosis",
        abstract: "Moves a Kafka cluster's ZooKeeper data to an ensemble of its own, without downtime.",
        version: ProgramVersion.line(of: "mitosis"),
        subcommands: [
            InitCommand.self, PlanCommand.self, PreflightCommand.self, RehearseCommand.self,
            RunCommand.self, RollbackCommand.self,
            WatchCommand.self, TakeoverCommand.self,
            CompareCommand.self, SmokeTestCommand.self, LatenciesCommand.self,
            SealCommand.self, RetireCommand.self, RestoreTreeCommand.self,
            StatusCommand.self, ClientsCommand.self, RulesCommand.self, AgentsCommand.self,
            HistoryCommand.self, ReportCommand.self, AuditCommand.self,
            PKI.self,
        ]
    )

    package init() {}
}
