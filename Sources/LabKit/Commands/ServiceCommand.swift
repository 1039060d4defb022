internal import ArgumentParser

/// What an init script is on a host without systemd; the lab's agents call it.
struct ServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service",
        abstract: "Start, stop or look at the ZooKeeper or Kafka of one host of a lab.",
        subcommands: [Start.self, Stop.self, Status.self]
    )

    struct Host: ParsableArguments {
        @Option(help: "The host's folder in the lab's.")
        var hostDirectory: String
    }

    struct Start: ParsableCommand {
        @OptionGroup var host: Host

        func run() throws { Output.say("\(try HostService(hostDirectory: host.hostDirectory).start().pid)") }
    }

    struct Stop: AsyncParsableCommand {
        @OptionGroup var host: Host

        func run() async throws { try await HostService(hostDirectory: host.hostDirectory).stop() }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the pid and succeed while it runs; exit with 3 when it is stopped."
        )

        @OptionGroup var host: Host

        func run() throws {
            guard let record = try HostService(hostDirectory: host.hostDirectory).status() else {
                Output.say("stopped")
                throw ExitCode(3)
            }
            Output.say("\(record.pid)")
        }
    }
}
