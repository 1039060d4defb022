import ControlProtocol
import HostControl
import Logging
import SystemCalls

/// Lines of the audit trail about what the host does by itself: no certificate and no coordinator asked for it.
struct OwnAudit: Sendable {
    let trail: AuditTrail
    /// The agent, or which of its program's other tasks it is that did it.
    let identity: String
    var clock = HostClock.system

    init(_ configuration: AgentConfiguration, clock: HostClock = .system, log: Logger) {
        trail = AuditTrail(directory: configuration.state, log: log)
        identity = configuration.identity
        self.clock = clock
    }

    /// For what runs without an agent and without its configuration.
    init(_ option: String, state: String, log: Logger) {
        trail = AuditTrail(directory: state, log: log)
        identity = "mitosis-agent \(option) on this host"
    }

    func note(_ deed: OwnDeed) async { await note(AuditText.of(deed.act), deed.outcome, run: deed.run) }

    /// Never fails: what cannot be written is logged.
    func note(_ command: String, _ outcome: String, run: RunID? = nil) async {
        let line = AuditTrail.Line(
            time: clock.now().unixMilliseconds,
            identity: identity,
            serial: "-",
            peer: "-",
            run: run,
            command: command,
            outcome: outcome,
            milliseconds: 0
        )
        let trail = trail
        await BlockingThread.run { trail.append(line) }
    }
}
