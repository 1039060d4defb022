import ControlProtocol
import Fleet
package import Settings
import Synchronization
package import SystemCalls

/// Notices what somebody else changes on the plan's hosts beside a run that goes on, and has the run stop where a file was changed.
package struct DriftVigil: Sendable {
    /// Between two looks.
    private static let pause = Duration.seconds(3)

    private final class State: Sendable {
        let isPaused = Mutex(false)
        let reason = Mutex<String?>(nil)
    }

    private let plan: MigrationPlan
    private let fleet: HandledHosts
    private let timing: Timing
    private let state = State()

    package init(_ plan: MigrationPlan, fleet: HandledHosts, timing: Timing) {
        self.plan = plan
        self.fleet = fleet
        self.timing = timing
    }

    /// Why the run is to stop at its next safe place; nil while it need not.
    package var reason: String? { state.reason.withLock { $0 } }

    /// In the window nothing is asked but what the run asks itself.
    package func note(_ event: RunEvent) {
        guard let change = event.windowChange else { return }
        state.isPaused.withLock { $0 = change == .opens }
    }

    /// Ends when its task is cancelled.
    package func watch(_ tell: @Sendable (Drift) -> Void) async {
        var board = DriftBoard(plan)
        let hosts = plan.agents.map(\.host)
        var before: Set<HostName> = []
        while !Task.isCancelled {
            if state.isPaused.withLock({ $0 }) {
                // What the window's commands change is theirs, and what else does not show.
                board = DriftBoard(plan)
            } else {
                before.formUnion(fleet.takeHandled())
                let answers = await fleet.observe(hosts)
                // A host that a command has touched since the look before, or during this one.
                let during = fleet.takeHandled()
                if !Task.isCancelled, !state.isPaused.withLock({ $0 }) {
                    for drift in board.look(answers, handled: before.union(during)) { note(drift, tell) }
                }
                // What was under way during this look may have been seen half.
                before = during
            }
            await timing.sleep(Self.pause)
        }
    }

    private func note(_ drift: Drift, _ tell: (Drift) -> Void) {
        tell(drift)
        guard drift.kind == .file else { return }
        state.reason.withLock { reason in
            reason =
                reason
                ?? "\(drift.host): \(drift.sentence), and not by this run: see who did it, and put it right"
        }
    }
}
