import ArgumentParser
import Commands
import Logging
import Logs
import Terminal

@main
struct Mitosis {
    static func main() async {
        LoggingSystem.bootstrap { _ in LineLogHandler.standardError(level: .warning) }
        await MitosisCommand.runProgram()
    }
}
