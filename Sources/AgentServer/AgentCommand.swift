package import ArgumentParser
import ControlProtocol
import Glibc
import HostControl
import Logging
package import Logs
import NIOPosix
import SystemCalls

/// `mitosis-agent`, from the command line.
package struct AgentCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "mitosis-agent",
        abstract: "Watches one host and carries out a coordinator's commands there.",
        version: ProgramVersion.line(of: "mitosis-agent"),
        subcommands: [LocalRulesCommand.self, LeaseCommand.self, OrdersCommand.self, ProvisionCommand.self]
    )

    @OptionGroup var options: LocalOptions

    @Flag(help: "Check the configuration and the certificate, print a summary, and end.")
    package var check = false

    @Flag(help: "Print what narrows the agent's systemd unit to the paths of this configuration, and end.")
    package var printDropIn = false

    @Flag(help: "Print where mitosis-lapse.service may write besides, by this configuration, and end.")
    package var printLapseDropIn = false

    @Option(
        help: ArgumentHelp(
            "Put back the wall that this host must hold to, say whether this unit may start, and end.",
            discussion:
                "For the unit's ExecCondition (see --print-hold), as root. Ends with 1 when it may not, and says why.",
            valueName: "unit"
        )
    )
    package var holdCheck: String?

    @Option(
        help: ArgumentHelp(
            "Print what makes this ZooKeeper's unit use --hold-check, and end.",
            valueName: "unit"
        )
    )
    package var printHold: String?

    @Flag(
        help: ArgumentHelp(
            "Take back what this host must hold to when its coordinator stays away too long, and end.",
            discussion:
                "For mitosis-lapse.service, as root: needs neither an agent nor a configuration. Ends when nothing is left to be taken back."
        )
    )
    package var lapseWatch = false

    @Option(
        help: ArgumentHelp(
            "Where the agent keeps its state: for --hold-check and --lapse-watch, if not in the usual folder; for --print-hold, if not where the configuration says.",
            valueName: "folder"
        )
    )
    package var state: String?

    @Option(help: "Log from this level on, whatever 'log_level' in the configuration says.")
    package var logLevel: LogLevel?

    package init() {}

    package var config: String { options.config }

    package func validate() throws {
        if holdCheck?.isEmpty == true { throw ValidationError("--hold-check needs a unit") }
        if let printHold, !printHold.hasSuffix(".service") || printHold.utf8.contains(where: { $0 <= 0x20 }) {
            throw ValidationError("--print-hold needs the name of a unit: zookeeper.service")
        }
    }

    package func run() async throws {
        if let holdCheck {
            let folder = state ?? LocalPlaces.usualState
            let audit = OwnAudit("--hold-check", state: folder, log: Logger(label: "mitosis-agent"))
            let check = HoldCheck(stateDirectory: folder, report: { await audit.note($0) })
            guard case .refused(let reason) = await check.perform(holdCheck) else { return }
            LocalSession.complain(reason)
            throw ExitCode(1)
        }
        if lapseWatch {
            await LapseWatch(state: state ?? LocalPlaces.usualState, log: Logger(label: "mitosis-agent"))
                .run()
            return
        }
        if let printHold {
            DescriptorOutput.tell(
                HoldDropIn(unit: printHold, state: state ?? LocalPlaces(config: config).state).text,
                to: STDOUT_FILENO
            )
            return
        }
        var log = Logger(label: "mitosis-agent")
        let ending: AgentProgram.Ending
        do throws(AgentServerError) {
            let configuration = try AgentConfigurationReader.readOwn(path: config)
            if check {
                try AgentProgram.check(configuration)
                DescriptorOutput.tell("\(config) can be used\n\(configuration.summary)\n", to: STDOUT_FILENO)
                return
            }
            if printDropIn {
                DescriptorOutput.tell(UnitDropIn(configuration).text, to: STDOUT_FILENO)
                return
            }
            if printLapseDropIn {
                DescriptorOutput.tell(LapseDropIn(configuration).text, to: STDOUT_FILENO)
                return
            }
            log.logLevel = (logLevel ?? configuration.logLevel).threshold
            ending = try await serve(configuration, log)
        } catch {
            // A configuration may have several mistakes, a line each.
            for line in error.description.split(separator: "\n") { log.error("\(line)") }
            throw ExitCode(1)
        }
        switch ending {
        case .asked: return
        case .listenerEnded: throw ExitCode(1)
        }
    }

    private func serve(
        _ configuration: AgentConfiguration,
        _ log: Logger
    ) async throws(AgentServerError) -> AgentProgram.Ending {
        let signals = StopSignals()
        let agent = try await AgentProgram.start(
            configuration: configuration,
            host: LocalHost(configuration: configuration, log: log),
            clock: .system,
            log: log,
            // One loop is plenty: what takes time never runs on it.
            group: MultiThreadedEventLoopGroup(numberOfThreads: 1)
        )
        return await agent.run(until: { await signals.first() })
    }
}

extension LogLevel: ExpressibleByArgument {}
