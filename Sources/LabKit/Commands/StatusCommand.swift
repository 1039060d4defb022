internal import ArgumentParser

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the lab's hosts, namespaces, processes and roles."
    )

    @OptionGroup var options: LabOptions

    func run() async throws {
        let lab = try options.open()
        for line in try await lab.statusLines() { Output.say(line) }
    }
}
