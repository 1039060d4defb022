import ArgumentParser
import Provisioning

struct AgentsInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract:
            "Install agents: binary, unit, configuration, and a certificate for a key that is made on each host.",
        discussion: """
            One ssh session a host, with the system's own ssh; host keys are never accepted unseen. A host is looked at first, and refused \
            by name before anything is copied. All or nothing on each host; repeating it changes nothing. Ends with 0 only when every \
            agent runs and answers.
            """
    )

    @OptionGroup var options: AgentsOptions
    @OptionGroup var session: SessionOptions
    @OptionGroup var materials: MaterialOptions
    @Flag(help: "Only look, and say what would be done.") var dryRun = false

    func run() async throws {
        let password = try await session.password()
        try await AgentsWork(.install, options, session, materials, isDryRun: dryRun, password: password)
            .run("ready", json: options.json)
    }
}
