import ArgumentParser
import Provisioning

struct AgentsUpgrade: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Bring agents to this version, one minor version at a time.",
        discussion: """
            The agent is restarted, walls stay: our rules are read on the host before, during and after, and a host where they \
            were not the same all the time is told as failed.
            """
    )

    @OptionGroup var options: AgentsOptions
    @OptionGroup var session: SessionOptions
    @OptionGroup var materials: MaterialOptions
    @Flag(help: "Only look, and say what would be done.") var dryRun = false

    func run() async throws {
        let password = try await session.password()
        try await AgentsWork(.upgrade, options, session, materials, isDryRun: dryRun, password: password)
            .run("ready", json: options.json)
    }
}
