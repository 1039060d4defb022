import ControlProtocol
import FoundationEssentials
import SystemCalls

/// Puts requests into the audit trail: all but looks at the status, and commands, which `CommandIntake` tells itself.
struct RequestAudit: Sendable {
    struct Asked: Sendable {
        let route: Route?
        let method: String
        let target: String
        var body = Data()
        let begin = ContinuousClock.now
    }

    let trail: AuditTrail
    let clock: HostClock

    /// Returns once it is on disk, or counted.
    func note(_ asked: Asked, by caller: Caller, _ reply: HTTPReply) async {
        let line = line(asked, caller, reply)
        guard trail.takes(line) else { return }
        let isAct = isAct(asked, line)
        await BlockingThread.run { trail.write(line, isAct: isAct) }
    }

    /// For what is refused before its body is read: nobody waits for the disk.
    func noteRefusal(_ asked: Asked, by caller: Caller, _ reply: HTTPReply) {
        noteSoon(line(asked, caller, reply))
    }

    /// For a connection of a known peer that is closed in the middle of something: of what was asked `asked` is known.
    func noteClosing(_ asked: Asked?, by caller: Caller, _ reason: String) {
        noteSoon(
            AuditEntry(
                time: clock.now().unixMilliseconds,
                identity: caller.identity,
                serial: caller.serial,
                peer: caller.peer,
                command: asked.map {
                    RequestText.of($0.route, method: $0.method, target: $0.target, body: $0.body)
                } ?? "(nothing whole)",
                allowed: false,
                outcome: "refused: connection closed: \(reason)",
                milliseconds: 0
            )
        )
    }

    private func noteSoon(_ line: AuditEntry) {
        if trail.takes(line) { trail.writeSoon(line) }
    }

    private func isAct(_ asked: Asked, _ line: AuditEntry) -> Bool {
        line.allowed != false && (asked.route == .requestLease || asked.route == .releaseLease)
    }

    private func line(_ asked: Asked, _ caller: Caller, _ reply: HTTPReply) -> AuditEntry {
        let isServed =
            reply.status < 400 || asked.route != nil && (reply.status == 404 || reply.status == 500)
        let lease = RequestText.leaseOf(asked.route, asked.body)
        return AuditEntry(
            time: clock.now().unixMilliseconds,
            identity: caller.identity,
            serial: caller.serial,
            peer: caller.peer,
            run: lease?.runID,
            epoch: lease?.epoch,
            command: RequestText.of(
                asked.route,
                method: asked.method,
                target: asked.target,
                body: asked.body
            ),
            allowed: isServed,
            outcome: RequestText.outcome(reply),
            milliseconds: (ContinuousClock.now - asked.begin).milliseconds
        )
    }
}
