internal import ArgumentParser

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Set the lab up; the source serves, the destination is empty and stopped."
    )

    @OptionGroup var options: LabOptions
    @OptionGroup var size: SizeOptions

    func run() async throws {
        _ = try await size.bringUp(options)
    }
}

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "End every process of the lab and remove its namespaces; logs and data stay."
    )

    @OptionGroup var options: LabOptions

    @Flag(help: "Remove the folder with the logs and the data, too.")
    var purge = false

    func run() async throws {
        try await options.remains().down(purge: purge)
    }
}
