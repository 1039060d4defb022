import ControlProtocol
import Glibc
import Logging
import Logs
import SystemCalls

/// What root does, looks at and is refused on this host itself: into the agent's audit trail, and into the host's own log.
struct LocalTrail: Sendable {
    let directory: String
    let identity: String
    private let trail: AuditTrail

    init(directory: String, system: SystemLog = SystemLog()) {
        self.directory = directory
        identity = Self.identity()
        let log = Logger(label: "mitosis-agent") { _ in
            LineLogHandler { line in
                system.tell(line)
                // A trail that cannot be written is for whoever sits there, too.
                if line.hasPrefix(Logger.Level.error.rawValue) { LocalSession.complain(line) }
            }
        }
        trail = AuditTrail(directory: directory, log: log)
    }

    /// What was done.
    func note(_ command: String, _ outcome: String) { trail.append(line(command, outcome)) }

    /// What was only looked at, and what came of it.
    func noteLook(_ command: String, _ outcome: String = "answered") {
        // Looking makes nothing: where no agent ever was there is no trail.
        guard access(directory, F_OK) == 0 else { return }
        trail.write(line(command, outcome), isAct: false)
    }

    /// What was not done, and why.
    func noteRefusal(_ command: String, _ reason: String) {
        guard access(directory, F_OK) == 0 else { return }
        trail.append(line(command, "refused: \(reason)", allowed: false))
    }

    private func line(_ command: String, _ outcome: String, allowed: Bool = true) -> AuditTrail.Line {
        LocalAudit.line(
            command,
            by: identity,
            allowed: allowed,
            outcome: outcome,
            at: HostClock.system.now()
        )
    }

    /// By the kernel's word, which no environment can change.
    private static func identity() -> String {
        let login = KernelText.read("/proc/self/loginuid").flatMap { UInt32($0.filter(\.isNumber)) }
        guard let login, login != .max else { return "root on this host" }
        return "root on this host (login uid \(login))"
    }
}
