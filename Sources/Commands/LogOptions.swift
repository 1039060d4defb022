import ArgumentParser
import Logging
import Logs

/// How much a command says of what it does, besides its output: on standard error, in the agent's line format.
struct LogOptions: ParsableArguments {
    @Option(help: "Log what is done, from this level on, to standard error.")
    var logLevel = LogLevel.warning

    var logger: Logger {
        var logger = Logger(label: "mitosis")
        logger.logLevel = logLevel.threshold
        return logger
    }
}

extension LogLevel: ExpressibleByArgument {}
