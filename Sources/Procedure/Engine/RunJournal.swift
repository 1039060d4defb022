package import ControlProtocol
package import Fleet

/// The coordinator's memory: intent before, verdict after.
package protocol RunJournal: Sendable {
    /// The run of this plan that has neither finished nor been withdrawn, if any: one that has changed something before all others, then
    /// the newest.
    func unfinishedRun(plan name: String) throws(JournalError) -> RunRecord?
    func begin(_ run: RunRecord) throws(JournalError)
    func setEpoch(_ epoch: FencingEpoch, of run: RunID) throws(JournalError)
    /// Returns once the commands may be sent.
    func intent(_ step: StepID, attempt: Int, commands: [HostCommand], at: Int64, of run: RunID)
        async
        throws(JournalError)
    func verdict(_ step: StepID, attempt: Int, _ verdict: StepVerdict, at: Int64, of run: RunID)
        async
        throws(JournalError)
    func remember(_ facts: RunFacts, of run: RunID) throws(JournalError)
    func end(_ run: RunID, _ ending: RunEnding, at: Int64) throws(JournalError)
    func entries(of run: RunID) throws(JournalError) -> [JournalEntry]
    /// Keeps what a program printed, here alone: it is no part of what others need to go on with the run.
    func keep(_ output: StepOutput, of run: RunID) throws(JournalError)
}

/// What a program of the operator's printed in one attempt at a step.
package struct StepOutput: Hashable, Sendable {
    package struct Place: Hashable, Sendable {
        package let step: StepID
        package let attempt: Int

        package init(step: StepID, attempt: Int) {
            self.step = step
            self.attempt = attempt
        }
    }

    package let place: Place
    package let text: String

    package init(place: Place, text: String) {
        self.place = place
        self.text = text
    }
}

package struct RunRecord: Hashable, Sendable, Codable {
    package let id: RunID
    package let plan: String
    /// SHA-256 of the plan file; a run is only continued with the very same file.
    package let planDigest: String
    package let startedAt: Int64
    package let survey: Survey
    package var epoch: FencingEpoch
    package var facts: RunFacts

    package init(
        id: RunID,
        plan: String,
        planDigest: String,
        startedAt: Int64,
        survey: Survey,
        epoch: FencingEpoch,
        facts: RunFacts = RunFacts()
    ) {
        self.id = id
        self.plan = plan
        self.planDigest = planDigest
        self.startedAt = startedAt
        self.survey = survey
        self.epoch = epoch
        self.facts = facts
    }
}

package enum StepVerdict: Hashable, Sendable, Codable {
    case done(observed: String)
    case failed(reason: String)
}

package enum RunEnding: String, Hashable, Sendable, Codable {
    case finished
    /// Stopped, and to be continued by the next `mitosis run`.
    case stopped
    /// Taken back as a whole: nothing is left to be continued.
    case withdrawn
}

package struct JournalEntry: Hashable, Sendable, Codable {
    package let step: StepID
    package let attempt: Int
    package let commands: [HostCommand]
    package let intendedAt: Int64
    package let verdict: StepVerdict?
    package let decidedAt: Int64?

    package init(
        step: StepID,
        attempt: Int,
        commands: [HostCommand],
        intendedAt: Int64,
        verdict: StepVerdict?,
        decidedAt: Int64?
    ) {
        self.step = step
        self.attempt = attempt
        self.commands = commands
        self.intendedAt = intendedAt
        self.verdict = verdict
        self.decidedAt = decidedAt
    }
}

package enum JournalError: Error, Hashable, Sendable {
    case unusable(path: String, reason: String)
    case locked(path: String)
    /// It does not hold what was written to it.
    case damaged(path: String, reason: String)
    /// A later version has written it; nothing in it was changed.
    case newer(path: String)
}

extension JournalError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unusable(let path, let reason):
            "\(path): the journal cannot be used: \(reason); nothing goes on without it"
        case .damaged(let path, let reason):
            "\(path): the journal was damaged on the disk (\(reason)); nothing goes on with it: put back a copy of it, or "
                + "see with `mitosis status` and `mitosis rules list` what stands, and move the journal away"
        case .locked(let path): "\(path): another mitosis uses this journal; wait for it to end"
        case .newer(let path):
            "\(path): a newer mitosis has written this journal; go on with that version, this one leaves it as it is"
        }
    }
}
