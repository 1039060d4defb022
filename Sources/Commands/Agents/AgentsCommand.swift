import ArgumentParser

struct AgentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents",
        abstract: "Install, configure, upgrade, look at or remove the agents of many hosts, over ssh.",
        subcommands: [
            AgentsInstall.self, AgentsConfigure.self, AgentsUpgrade.self, AgentsStatus.self,
            AgentsUninstall.self,
        ]
    )
}
