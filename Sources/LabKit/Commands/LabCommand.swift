package import ArgumentParser
private import Glibc
import SystemCalls

/// The example set-up, from the command line.
package struct LabCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "mitosis-lab",
        abstract: "An example set-up on this machine: network namespaces, real ZooKeeper, real agents.",
        subcommands: [
            UpCommand.self, RunCommand.self, RehearseCommand.self, FaultCommand.self, DownCommand.self,
            StatusCommand.self,
            ServiceCommand.self,
            LaunchCommand.self, BootCommand.self,
        ]
    )

    package init() {}
}

/// The folder that names a lab.
struct LabOptions: ParsableArguments {
    @Option(help: "The lab's name, a-z and 0-9.")
    var name = "demo"

    @Option(help: "The folder for everything it writes (default: /var/tmp/mitosis-lab/NAME).")
    var directory: String?

    var folder: String { directory ?? "/var/tmp/mitosis-lab/\(name)" }

    /// The lab to take down: even without its folder, its namespaces can be found by its name.
    func remains() throws -> Lab {
        do {
            return try open()
        } catch LabError.noLab {
            let configuration = try LabConfiguration(name: name, directory: folder)
            return Lab(configuration, binaries: try Binaries.find(), report: Output.say)
        }
    }

    func open() throws -> Lab { try Lab.open(folder, binaries: try Binaries.find(), report: Output.say) }
}

/// How many hosts, and what runs on them.
struct SizeOptions: ParsableArguments {
    enum Hosts: String, ExpressibleByArgument, CaseIterable {
        case auto
        case systemd
        case processes
    }

    @Option(help: "How many source hosts.")
    var source = 3

    @Option(help: "How many destination hosts.")
    var destination = 3

    @Option(help: "How many Kafka brokers (0 for none; KAFKA_HOME names another Kafka than 0.8.1.1).")
    var brokers = 0

    @Option(help: "How many other clients that move, each with a file of another kind.")
    var applications = 0

    @Option(help: "How the destination joins the source: participants or observers.")
    var strategy = LabConfiguration.Strategy.participants

    @Option(help: "What runs a host's programs: systemd in a container, or plain processes.")
    var hosts = Hosts.auto

    @Option(
        help: ArgumentHelp(
            "The servers' version, or source's and destination's as 3.4.6,3.8.0 (default: Debian's).",
            discussion: "ZOOKEEPER_HOME and ZOOKEEPER_DESTINATION_HOME name unpacked distributions instead."
        )
    )
    var zookeeper: String?

    @Option(help: "Megabytes of heap for each ZooKeeper.")
    var heap = 128

    @Option(help: "How many nodes are in the tree before anything begins.")
    var znodes = 0

    @Option(help: "How many bytes each of them has.")
    var znodeSize = 100

    @Option(help: "How many sessions hold an ephemeral node each, to the lab's end.")
    var sessions = 0

    @Option(help: "A check that the lab's plan waives, as CHECK=REASON; may be repeated.")
    var waive: [String] = []

    @Flag(inversion: .prefixedNo, help: "Run an agent on every ZooKeeper and broker host.")
    var agents = true

    /// Sets the lab up; without a choice, under systemd where this machine can, saying why where it cannot.
    func bringUp(_ options: LabOptions) async throws -> Lab {
        switch hosts {
        case .processes: return try await up(options, .processes)
        case .systemd: return try await up(options, .systemd)
        case .auto:
            if let obstacle = Lab.systemdObstacle() {
                Output.say("hosts run plain processes: \(obstacle)")
                return try await up(options, .processes)
            }
            do {
                return try await up(options, .systemd)
            } catch LabError.unbootable(let host, let reason) {
                Output.say("hosts run plain processes: \(host) did not boot: \(reason)")
                return try await up(options, .processes)
            }
        }
    }

    private func waivers() throws(LabError) -> [String: String] {
        var waivers: [String: String] = [:]
        for text in waive {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw .invalid(
                    reason: "--waive '\(text)': write CHECK=REASON, for instance clocks='no NTP here'"
                )
            }
            waivers[parts[0]] = parts[1]
        }
        return waivers
    }

    private func up(_ options: LabOptions, _ mode: LabConfiguration.HostMode) async throws -> Lab {
        let configuration = try LabConfiguration(
            name: options.name,
            directory: options.folder,
            sources: source,
            destinations: destination,
            mode: mode,
            agents: agents,
            brokers: brokers,
            applications: applications,
            strategy: strategy,
            zooKeeper: try zookeeper.map { try ZooKeeperPair($0) } ?? ZooKeeperPair(),
            heap: heap,
            filling: try TreeFilling(znodes: znodes, znodeSize: znodeSize, sessions: sessions),
            waivers: try waivers()
        )
        let lab = Lab(configuration, binaries: try Binaries.find(), report: Output.say)
        do {
            try await lab.up()
        } catch {
            // Nothing half made is left running; the logs stay.
            try await lab.down()
            throw error
        }
        return lab
    }
}

extension LabConfiguration.Strategy: ExpressibleByArgument {}

/// Lines on standard output, each shown at once.
enum Output {
    @Sendable static func say(_ line: String) { DescriptorOutput.tell(line + "\n", to: STDOUT_FILENO) }
}
