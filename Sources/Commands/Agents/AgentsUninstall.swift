import ArgumentParser
import Provisioning

struct AgentsUninstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Remove agents and everything that belongs to them, and prove that nothing is left.",
        discussion: """
            Refused where a rule of ours stands, in any backend. Revoke the certificates afterwards (mitosis pki revoke agent/HOST).
            """
    )

    @OptionGroup var options: AgentsOptions
    @OptionGroup var session: SessionOptions
    @OptionGroup var materials: MaterialOptions
    @Flag(help: "Only look, and say what would be removed.") var dryRun = false

    func run() async throws {
        let password = try await session.password()
        try await AgentsWork(.uninstall, options, session, materials, isDryRun: dryRun, password: password)
            .run("removed", json: options.json)
    }
}
