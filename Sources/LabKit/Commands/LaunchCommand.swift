internal import ArgumentParser

/// Starts a process for the lab, records it and leaves it alone.
struct LaunchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "launch", shouldDisplay: false)

    @Option var namespace: String?
    @Option var record: String
    @Option var log: String
    @Argument(parsing: .postTerminator) var command: [String]

    func run() throws {
        let process = try Launcher(namespace: namespace, log: log).launch(command)
        try RecordFile.write(process, at: record)
    }
}

/// Becomes the container of a host.
struct BootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "boot", shouldDisplay: false)

    @Option var hostDirectory: String

    func run() async throws {
        let path = HostLayout(root: hostDirectory).container
        guard let container = try RecordFile.read(Container.self, at: path) else {
            throw LabError.noLab(path: hostDirectory)
        }
        try await container.boot()
    }
}
