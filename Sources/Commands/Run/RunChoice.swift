import ControlProtocol
import Fleet
import Procedure
import Settings
import SystemCalls

/// Which run it is that goes on, or that begins.
extension Conductor {
    func runToPerform(_ course: Runner.Course, _ epoch: FencingEpoch) async throws -> RunRecord {
        switch course {
        case .forward: try await runGoingForward(epoch)
        case .back(let goal): try runGoingBack(to: goal, epoch)
        }
    }

    /// A run of this journal that was cut off, while agents hold no leases but of such runs; nil otherwise.
    ///
    /// Whoever has the journal open performs every run in it, so that nobody performs that one any more; its leases would lapse
    /// within a minute.
    func runThatLeftLeases() async throws -> RunID? {
        let own = Set(try journal.runs().map(\.record.id))
        guard !own.isEmpty else { return nil }
        let view = await fleet.observe(plan.agents.map(\.host))
        let holders = view.values.compactMap { observation -> RunID? in
            switch observation {
            case .status(let status): status.lease.current?.runID
            case .silent: nil
            }
        }
        return holders.allSatisfy(own.contains) ? holders.first : nil
    }

    /// Goes on with an unfinished run that has changed something; begins a new one otherwise.
    private func runGoingForward(_ epoch: FencingEpoch) async throws -> RunRecord {
        if let (run, history) = try unfinished(epoch) {
            guard !history.isOnTheWayBack else {
                throw Complaint(
                    "run \(run.id) is on the way back to the joint ensemble; let `mitosis rollback --to joint \(plan.file)` "
                        + "come to its end first"
                )
            }
            guard history.standing != .withdrawing else {
                throw Complaint(
                    "run \(run.id) is on the way back to what was before it; let `mitosis rollback \(plan.file)` come to its "
                        + "end first, then `mitosis run` begins anew"
                )
            }
            return run
        }
        if let last = try journal.runs().first(where: { $0.record.plan == plan.name }),
            last.ending == .finished
        {
            throw Complaint(
                "run \(last.record.id) of plan \(plan.name) has finished, nothing is left to do; "
                    + "another migration needs a plan with another name"
            )
        }
        let started = timing.now()
        let name = "\(started)-\(plan.name)"
        guard let id = RunID(name) else { throw Complaint("\(plan.file): '\(plan.name)' gives no run id") }
        let run = RunRecord(
            id: id,
            plan: plan.name,
            planDigest: plan.digest,
            startedAt: started,
            survey: await Survey.take(of: plan, through: fleet),
            epoch: epoch
        )
        try journal.begin(run)
        return run
    }

    private func runGoingBack(to goal: Runner.Goal, _ epoch: FencingEpoch) throws -> RunRecord {
        guard let (run, history) = try unfinished(epoch) else {
            throw Complaint(
                "plan \(plan.name) has no unfinished run that changed anything: nothing is to be taken back"
            )
        }
        switch (history.standing, goal) {
        case (.dividing, _), (.rollingBack, _): return run
        case (.joining, .untouched), (.joint, .untouched), (.withdrawing, .untouched): return run
        case (.joining, .joint), (.joint, .joint), (.withdrawing, .joint):
            throw Complaint(
                "run \(run.id) is \(history.standing), not dividing: nothing is to be taken back to the joint ensemble, nothing was "
                    + "changed; \(history.standing.advice)"
            )
        case (.untouched, _), (.divided, _), (.apart, _):
            throw Complaint(
                "run \(run.id) is \(history.standing), and is not taken back: \(history.standing.advice)"
            )
        }
    }

    /// The run with what its operator accepts: the proof that it stopped at.
    func accepting(_ run: RunRecord) throws -> RunRecord {
        guard let acceptance else { return run }
        guard let last = try journal.entries(of: run.id).last, case .failed = last.verdict,
            run.facts.proofs[last.step.description] != nil
        else {
            throw Complaint(
                "--accept: run \(run.id) did not stop at a smoke test, a comparison or a test of your own: nothing is to be accepted"
            )
        }
        var accepted = run
        accepted.facts.accepted[last.step.description] = acceptance
        return accepted
    }

    /// The unfinished run of this plan that has changed something, with what its journal says of it.
    func unfinished(_ epoch: FencingEpoch) throws -> (run: RunRecord, history: RunHistory)? {
        guard var run = try journal.unfinishedRun(plan: plan.name) else { return nil }
        let history = RunHistory(try journal.entries(of: run.id))
        guard history.hasActed else { return nil }
        guard run.planDigest == plan.digest else {
            let beginning = try journal.beginning(of: run.id)
            let wayOut = beginning != nil && history.standing.isTakenBack
            throw Complaint(
                "\(plan.file): changed since run \(run.id) began, which has not finished; put back the file as it was"
                    + (wayOut ? "; or `mitosis rollback \(plan.file)`, which goes by the plan as it was" : "")
                    + PlanChange.text(from: beginning, to: plan)
            )
        }
        run.epoch = epoch
        return (run, history)
    }
}

extension Standing {
    /// Whether `mitosis rollback` may take a run back that stands there.
    fileprivate var isTakenBack: Bool {
        switch self {
        case .joining, .joint, .dividing, .rollingBack, .withdrawing: true
        case .untouched, .divided, .apart: false
        }
    }
}
