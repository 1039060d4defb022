import ControlProtocol
import Logging
import Logs
import SystemCalls

/// Obeys root on this host while the agent runs.
struct LocalOrders: Sendable {
    private static let lookout = Duration.seconds(1)

    private let directory: String
    private let mailbox: LocalMailbox
    private let intake: CommandIntake
    private let host: any HostActions
    private let clock: HostClock
    private let log: Logger

    init(directory: String, intake: CommandIntake, host: any HostActions, clock: HostClock, log: Logger) {
        self.directory = directory
        mailbox = LocalMailbox(directory: directory)
        self.intake = intake
        self.host = host
        self.clock = clock
        self.log = log
    }

    /// Until the task is cancelled.
    func serve() async {
        do throws(SystemCallError) {
            let watch = try DirectoryWatch(directory)
            // One may have come before the watch began.
            await obeyNext()
            for await _ in watch.arrivals { await obeyNext() }
            withExtendedLifetime(watch) {}
        } catch {
            log.warning(
                "the state directory cannot be watched; it is looked into every second",
                fields: ["path": directory, "reason": error.reason]
            )
            while !Task.isCancelled {
                await obeyNext()
                do { try await Task.sleep(for: Self.lookout) } catch { return }
            }
        }
    }

    /// Whoever had asked an agent before this one has given up, and may have done it without any.
    static func discardOld(in directory: String, log: Logger) {
        do throws(AgentServerError) {
            guard let old = try LocalMailbox(directory: directory).take() else { return }
            log.warning("an order to an earlier agent is not obeyed", fields: ["order": old.command])
        } catch {
            log.warning("an order to an earlier agent is not obeyed", fields: ["reason": "\(error)"])
        }
    }

    private func obeyNext() async {
        let order: LocalOrder
        do throws(AgentServerError) {
            guard let found = try mailbox.take() else { return }
            order = found
        } catch {
            log.error("an order by root on this host cannot be read", fields: ["reason": "\(error)"])
            return
        }
        let problem = await obey(order)
        log.warning(
            "ordered by root on this host",
            fields: ["order": order.command, "by": order.by, "problem": problem ?? "-"]
        )
        await intake.note(
            LocalAudit.line(
                order.command,
                by: order.by,
                outcome: problem.map { "failed: \($0)" } ?? order.outcome ?? "done",
                at: clock.now()
            )
        )
        do throws(AgentServerError) {
            try mailbox.put(LocalAnswer(id: order.id, problem: problem))
        } catch {
            log.error("an order by root on this host cannot be answered", fields: ["reason": "\(error)"])
        }
    }

    private func obey(_ order: LocalOrder) async -> String? {
        switch order.wish {
        case .forgetRules: await host.forgetRules()
        case .resetLease(let epoch):
            do throws(AgentServerError) { try await intake.resetLease(to: epoch) } catch { return "\(error)" }
        case .note: break
        }
        return nil
    }
}

/// Lines of the audit trail for what root does on the host itself: the one place where they are made.
enum LocalAudit {
    static func line(
        _ command: String,
        by identity: String,
        allowed: Bool = true,
        outcome: String,
        at now: Moment
    ) -> AuditTrail.Line {
        AuditTrail.Line(
            time: now.unixMilliseconds,
            identity: identity,
            serial: "-",
            peer: "local",
            run: nil,
            epoch: nil,
            id: nil,
            command: command,
            allowed: allowed,
            outcome: outcome,
            milliseconds: 0
        )
    }
}
