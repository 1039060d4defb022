import AgentServer
import ControlProtocol
import Glibc
import Logging
import Logs
import NIOPosix

/// One host's agent: watches it, and does to it what a coordinator may ask for.
@main
struct MitosisAgent {
    static func main() async {
        LoggingSystem.bootstrap { _ in LineLogHandler.standardError() }
        var log = Logger(label: "mitosis-agent")
        do {
            switch try AgentArguments(Array(CommandLine.arguments.dropFirst())) {
            case .help: print(AgentArguments.usage)
            case .version: print(ProgramVersion.line(of: "mitosis-agent"))
            case .check(let path):
                let configuration = try AgentConfigurationReader.readOwn(path: path)
                try AgentProgram.check(configuration)
                print("\(path) can be used\n\(configuration.summary)")
            case .run(let path):
                let configuration = try AgentConfigurationReader.readOwn(path: path)
                log.logLevel = configuration.logLevel.threshold
                try await serve(configuration, log)
            }
        } catch let mistake as AgentArguments.Mistake {
            log.error("\(mistake)")
            exit(64)
        } catch {
            // A configuration may have several mistakes, a line each.
            for line in "\(error)".split(separator: "\n") { log.error("\(line)") }
            exit(1)
        }
    }

    private static func serve(
        _ configuration: AgentConfiguration,
        _ log: Logger
    ) async throws(AgentServerError) {
        let signals = StopSignals()
        let agent = try await AgentProgram.start(
            configuration: configuration,
            host: LocalHost(configuration: configuration, log: log),
            clock: .system,
            log: log,
            // One loop is plenty: what takes time never runs on it.
            group: MultiThreadedEventLoopGroup(numberOfThreads: 1)
        )
        switch await agent.run(until: { await signals.first() }) {
        case .asked: return
        case .listenerEnded: exit(1)
        }
    }
}
