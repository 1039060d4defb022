/// What a run tells whoever watches it; `mitosis run --json` prints one a line.
package struct RunEvent: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        case runStarted
        case runResumed
        case stageStarted
        case stepStarted
        /// Something worth saying happened within a step.
        case stepProgress
        /// What is waited for just now; of interest only while it lasts.
        case stepWaiting
        /// Something is not as it should be; the run goes on.
        case warning
        case stepFinished
        case stageFinished
        case confirmationNeeded
        case runStopped
        case runFinished
    }

    package let event: Kind
    /// Unix milliseconds, by the coordinator's clock.
    package let at: Int64
    package let run: String
    package var stage: String?
    package var step: String?
    package var title: String?
    /// What was observed, or the reason for stopping, or what is asked.
    package var message: String?
    package var milliseconds: Int?
    /// Where the migration stands, when the run has stopped.
    package var standing: Standing?

    package init(
        _ event: Kind,
        at: Int64,
        run: String,
        stage: String? = nil,
        step: String? = nil,
        title: String? = nil,
        message: String? = nil,
        milliseconds: Int? = nil,
        standing: Standing? = nil
    ) {
        self.event = event
        self.at = at
        self.run = run
        self.stage = stage
        self.step = step
        self.title = title
        self.message = message
        self.milliseconds = milliseconds
        self.standing = standing
    }
}
