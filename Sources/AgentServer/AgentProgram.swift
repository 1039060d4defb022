import ControlProtocol
import FoundationEssentials
import Glibc
package import Logging
import Logs
import MutualTLS
package import NIOCore
import NIOPosix
import SystemCalls
import Topology

/// One agent from start to end: what `mitosis-agent` runs, and what tests run many of.
package struct AgentProgram: Sendable {
    package let listener: AgentListener
    private let intake: CommandIntake
    private let host: any HostActions
    private let restorations: RestorationReport
    private let orders: LocalOrders
    private let state: StateDirectory
    private let log: Logger

    /// Takes the state directory, opens ports that an agent before this one left closed, reads certificates and records, binds
    /// the port; anything wrong stops it here, but for the ports.
    ///
    /// - Parameter port: another port than the configuration's; 0 lets the kernel choose.
    package static func start(
        configuration: AgentConfiguration,
        host: any HostActions,
        clock: HostClock,
        log: Logger,
        group: any EventLoopGroup,
        limits: AgentListener.Limits = AgentListener.Limits(),
        port: Int? = nil
    ) async throws(AgentServerError) -> AgentProgram {
        let state = try StateDirectory(path: configuration.state)
        LocalOrders.discardOld(in: configuration.state, log: log)
        // First of all: files that cannot be used keep no port closed.
        let audit = OwnAudit(configuration, clock: clock, log: log)
        await openPorts(of: host, audit, log)
        await reinstateOrder(of: host, audit, log)
        let credentials = try AgentCredentials(configuration, keepsNumbers: true, log)
        let tls = credentials.context
        let counters = AgentCounters()
        let refusals = RefusalLog(log)
        let intake = try CommandIntake(
            directory: configuration.state,
            allow: configuration.allowList,
            host: host,
            clock: clock,
            counters: counters,
            log: log
        )
        let observer = HostObserver(
            facts: HostObserver.Facts(
                host: configuration.host,
                startedAt: clock.now().unixMilliseconds,
                backend: configuration.backend,
                credentials: { credentials.expiry }
            ),
            actions: host,
            clock: clock
        )
        let service = AgentService(
            intake: intake,
            observer: observer,
            host: host,
            allow: configuration.allowList,
            counters: counters,
            refusals: refusals,
            log: log
        )
        let listener = try await AgentListener.bind(
            address: configuration.address,
            port: port ?? Int(configuration.port.number),
            service: service,
            tls: tls,
            domain: tls.latest.trustDomain,
            counters: counters,
            refusals: refusals,
            log: log,
            group: group,
            limits: limits
        )
        LoadedProgram.letGoOfStartPages()
        log.info(
            "mitosis-agent runs",
            fields: [
                "version": ProgramVersion.current, "host": configuration.host.description,
                "address": configuration.address.description,
                "port": listener.address?.port.map(String.init) ?? "?",
                "identity": configuration.identity,
                "serial": tls.latest.certificate.serial,
            ]
        )
        let restorations = RestorationReport(
            identity: audit.identity,
            serial: { tls.latest.certificate.serial },
            audit: audit.trail,
            counters: counters,
            clock: clock,
            log: log
        )
        return AgentProgram(
            listener: listener,
            intake: intake,
            host: host,
            restorations: restorations,
            orders: LocalOrders(
                directory: configuration.state,
                intake: intake,
                host: host,
                clock: clock,
                log: log
            ),
            state: state,
            log: log
        )
    }

    private static func openPorts(of host: any HostActions, _ audit: OwnAudit, _ log: Logger) async {
        do throws(HostActionError) {
            guard let rules = try await host.openPorts() else { return }
            log.warning(
                "an agent before this one had closed ports, or tried a wall out, and ended; that is undone",
                fields: ["rules": String(rules.count), "wall": rules.wall == nil ? "none" : "stands"]
            )
            await audit.note(
                "open ports that an earlier agent closed, or end its trial of a wall",
                "done: \(rules.count) rules stay, \(rules.wall == nil ? "no wall" : "the wall") among them"
            )
        } catch {
            log.error(
                "it cannot be seen to that no ports are left closed; look at the installed rules",
                fields: ["reason": error.description]
            )
        }
    }

    private static func reinstateOrder(of host: any HostActions, _ audit: OwnAudit, _ log: Logger) async {
        do throws(HostActionError) {
            guard let order = try await host.reinstateOrder() else { return }
            log.warning(
                "a wall that this host must hold to was gone, and was put back",
                fields: ["order": order.description]
            )
            await audit.note("put back wall at the agent's start", "done: \(order)", run: order.run)
        } catch {
            log.error(
                "it cannot be seen to that this host keeps to its order; look at `mitosis-agent orders list`",
                fields: ["reason": error.description]
            )
        }
    }

    /// What made an agent end.
    package enum Ending: Hashable, Sendable {
        case asked
        /// Nothing listens any more: whoever runs the agent should start it again.
        case listenerEnded
    }

    /// Serves until `stop` or the listener ends, then lets the running command finish for at most `grace`.
    @discardableResult
    package func run(
        until stop: @escaping @Sendable () async -> Void,
        grace: Duration = .seconds(30)
    ) async -> Ending {
        let guarding = Task { await host.watchRules { restorations.tell($0) } }
        let obeying = Task { await orders.serve() }
        let vigil = Task { await host.watchOrder(unless: { intake.acting != nil }) }
        let (endings, first) = AsyncStream<Ending>.makeStream()
        let serving = Task {
            await listener.run()
            first.yield(.listenerEnded)
        }
        let asking = Task {
            await stop()
            first.yield(.asked)
        }
        let ending = await endings.first { _ in true } ?? .asked
        asking.cancel()
        switch ending {
        case .asked: break
        case .listenerEnded: log.error("nothing listens any more, so the agent ends")
        }
        log.info(
            "stopping; a command that runs is let finish",
            fields: ["seconds": String(grace.components.seconds)]
        )
        let drained = await drain(within: grace)
        if !drained { log.warning("a command still runs; what came of it will be unknown") }
        listener.close()
        serving.cancel()
        await serving.value
        // The last command may have installed rules; what the guard has begun it finishes.
        guarding.cancel()
        obeying.cancel()
        vigil.cancel()
        await vigil.value
        await guarding.value
        await obeying.value
        log.info("mitosis-agent ends")
        state.release()
        return ending
    }

    /// False when a command still runs after `grace`; it is not waited for any longer.
    private func drain(within grace: Duration) async -> Bool {
        let intake = intake
        let listener = listener
        let isDrained = await Deadline.abandoning(after: grace) {
            await intake.drain()
            await listener.untilAnswered()
            return true
        }
        return isDrained ?? false
    }

    /// Everything that can be checked without taking the port or the state directory.
    package static func check(_ configuration: AgentConfiguration) throws(AgentServerError) {
        _ = try AgentCredentials(configuration, keepsNumbers: false, .silent)
        for file in configuration.files {
            let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
            guard access(directory, W_OK) == 0 || errno == ENOENT else {
                throw .notWritable(directory: directory, reason: systemReason())
            }
        }
    }
}
