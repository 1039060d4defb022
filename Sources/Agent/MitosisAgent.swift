import AgentServer
import ArgumentParser
import NIOPosix

/// One host's agent: watches it, and does to it what a coordinator may ask for.
@main
struct MitosisAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mitosis-agent",
        abstract: "Watches one host and carries out a coordinator's commands there.",
        version: AgentVersion.current
    )

    @Option(help: "The agent's configuration file.")
    var config = "/etc/mitosis/agent.yaml"

    @Flag(help: "Check the configuration and the certificate, print a summary, and end.")
    var check = false

    func run() async throws {
        let log = LineLogger.standardError
        do throws(AgentServerError) {
            let configuration = try AgentConfigurationReader.read(path: config)
            if check {
                try AgentProgram.check(configuration)
                print("\(config) can be used\n\(configuration.summary)")
            } else {
                try await serve(configuration, log)
            }
        } catch {
            log.error(error.description)
            throw ExitCode(1)
        }
    }

    private func serve(
        _ configuration: AgentConfiguration,
        _ log: LineLogger
    ) async throws(AgentServerError) {
        let signals = StopSignals()
        let agent = try await AgentProgram.start(
            configuration: configuration,
            host: LocalHost(configuration: configuration),
            clock: .system,
            log: log,
            // One loop is plenty: what takes time never runs on it.
            group: MultiThreadedEventLoopGroup(numberOfThreads: 1)
        )
        await agent.run(until: { await signals.first() })
    }
}
