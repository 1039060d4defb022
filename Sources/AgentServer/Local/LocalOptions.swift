import ArgumentParser

/// Where the agent's configuration is, for the agent and for the commands of root on the host.
///
/// One group: the parser lets a command's parent take the option, wherever it stands, and gives the command its value.
struct LocalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The agent's configuration.", valueName: "file"), completion: .file())
    var config = "/etc/mitosis/agent.yaml"

    func validate() throws {
        guard !config.isEmpty else { throw ValidationError("--config needs a file") }
    }
}

/// Says where: these commands have no coordinator and no other host.
struct LocalFlag: ParsableArguments {
    @Flag(help: "This host's kernel, read and changed here, by root.") var local = false

    func validate() throws {
        guard local else {
            throw ValidationError(
                "say --local: this acts on this host alone. For a whole fleet: mitosis rules"
            )
        }
    }
}
