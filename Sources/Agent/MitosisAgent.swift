import AgentServer
import ArgumentParser
import Logging
import Logs
import Terminal

/// One host's agent: watches it, and does to it what a coordinator may ask for.
@main
struct MitosisAgent {
    static func main() async {
        LoggingSystem.bootstrap { _ in LineLogHandler.standardError() }
        await AgentCommand.runProgram()
    }
}
