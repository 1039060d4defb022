import ControlProtocol
import Fleet
import Logging
import Procedure
import Settings
import Synchronization
import SystemCalls
import ZooKeeperClient

/// What goes on beside a run: a probe of each side, and looks for what somebody else changes on its hosts.
///
/// None of it keeps a run from going on; what it sees can ask the run to stop at its next safe place.
struct Companions: Sendable {
    private let probing: Probing?
    private let drift: DriftVigil
    private let harm: Harm
    /// What the run is to use, so that its own hands are known.
    let fleet: HandledHosts

    private final class Harm: Sendable {
        let seen: Mutex<SourceHarm>

        init(limit: Duration?) { seen = Mutex(SourceHarm(limit: limit)) }
    }

    init(_ plan: MigrationPlan, fleet: any Fleet, credentials: [Credentials], timing: Timing, log: Logger) {
        let handled = HandledHosts(fleet)
        self.fleet = handled
        probing = Probing(plan, credentials: credentials, timing: timing, log: log)
        drift = DriftVigil(plan, fleet: handled, timing: timing)
        harm = Harm(limit: plan.deadlines.sourceUnserved)
    }

    /// - Parameter course: on the way back the seeds are to be left alone.
    func note(_ event: RunEvent, _ course: Runner.Course) {
        drift.note(event)
        if case .stageStarted(let stage, _) = event.what, course == .forward, stage.isAfterJoin {
            probing?.begin()
        }
    }

    /// Ends when its task is cancelled, and nothing of it stays on any server then.
    func watch(run: RunID, timing: Timing, _ report: @escaping @Sendable (RunEvent) -> Void) async {
        let warn: @Sendable (String, String) -> Void = { title, text in
            let subject = RunEvent.Subject(title: title)
            report(RunEvent(.warning(subject, message: text), at: timing.now(), run: run.description))
        }
        let harm = harm
        async let probed: Void? = probing?.watch { sample in
            report(RunEvent(.probed(sample), at: sample.at, run: run.description))
            if let reason = harm.seen.withLock({ $0.take(sample) }) {
                warn("The source's own clients", reason)
            }
        }
        async let watched: Void = drift.watch { drift in
            warn("Changed by somebody else", "\(drift.host): \(drift.sentence)")
        }
        _ = await (probed, watched)
    }

    /// The more urgent of what the operator asks and of what is seen.
    func stopRequest(_ asked: StopRequest) -> StopRequest {
        guard asked == .none else { return asked }
        if let reason = harm.seen.withLock({ $0.reason }) ?? drift.reason {
            return .atRestingPlace(because: reason)
        }
        return .none
    }
}

extension StageName {
    /// Whether clients may use the seeds.
    fileprivate var isAfterJoin: Bool {
        switch self {
        case .preflight, .join, .rollback, .withdraw, .renewal: false
        case .repoint, .division, .return, .proof, .cleanUp: true
        }
    }
}
