package import ControlProtocol

/// What a run tells whoever watches it: terminal, JSON, live view and report are drawn from these alone.
///
/// As JSON it is one flat object (`mitosis run --json`, `--events`), in which what an event lacks has no key.
package struct RunEvent: Hashable, Sendable {
    /// What an event within a stage is about.
    package struct Subject: Hashable, Sendable {
        package let stage: StageName?
        package let step: StepID?
        package let title: String

        /// Without a stage and a step: something that no procedure has, such as the leases.
        package init(stage: StageName? = nil, step: StepID? = nil, title: String) {
            self.stage = stage
            self.step = step
            self.title = title
        }
    }

    package enum What: Hashable, Sendable {
        case runStarted(message: String)
        case runResumed(message: String)
        case stageStarted(StageName, title: String)
        case stepStarted(Subject)
        /// Something worth saying happened within a step.
        case stepProgress(Subject, message: String)
        /// What is waited for just now; of interest only while it lasts.
        case stepWaiting(Subject, message: String)
        /// Something is not as it should be; the run goes on.
        case warning(Subject, message: String)
        case stepFinished(Subject, observed: String, milliseconds: Int)
        case stageFinished(StageName, title: String, milliseconds: Int)
        /// The stage whose question it is; nil for one that is asked before a run goes on.
        case confirmationNeeded(StageName?, question: String)
        /// The step that it stopped in, if any, and where the migration stands.
        case runStopped(StepID?, reason: String, standing: Standing)
        case runFinished(message: String, milliseconds: Int)
        /// What a client that writes all the time has seen.
        case probed(ProbeSample)
    }

    /// An event's name in JSON.
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case runStarted
        case runResumed
        case stageStarted
        case stepStarted
        case stepProgress
        case stepWaiting
        case warning
        case stepFinished
        case stageFinished
        case confirmationNeeded
        case runStopped
        case runFinished
        case probed
    }

    /// Unix milliseconds, by the coordinator's clock.
    package let at: Int64
    /// Empty before there is one.
    package let run: String
    package let what: What

    package init(_ what: What, at: Int64, run: String) {
        self.at = at
        self.run = run
        self.what = what
    }
}

extension RunEvent {
    package var event: Kind {
        switch what {
        case .runStarted: .runStarted
        case .runResumed: .runResumed
        case .stageStarted: .stageStarted
        case .stepStarted: .stepStarted
        case .stepProgress: .stepProgress
        case .stepWaiting: .stepWaiting
        case .warning: .warning
        case .stepFinished: .stepFinished
        case .stageFinished: .stageFinished
        case .confirmationNeeded: .confirmationNeeded
        case .runStopped: .runStopped
        case .runFinished: .runFinished
        case .probed: .probed
        }
    }

    package var stage: StageName? {
        switch what {
        case .stageStarted(let stage, _), .stageFinished(let stage, _, _): stage
        case .confirmationNeeded(let stage, _): stage
        case .runStarted, .runResumed, .runStopped, .runFinished, .probed: nil
        case .stepStarted, .stepProgress, .stepWaiting, .warning, .stepFinished: subject?.stage
        }
    }

    package var step: StepID? {
        switch what {
        case .runStopped(let step, _, _): step
        case .runStarted, .runResumed, .stageStarted, .stageFinished, .confirmationNeeded, .runFinished,
            .probed:
            nil
        case .stepStarted, .stepProgress, .stepWaiting, .warning, .stepFinished: subject?.step
        }
    }

    /// What was observed, or the reason for stopping, or what is asked.
    package var message: String? {
        switch what {
        case .runStarted(let text), .runResumed(let text), .stepProgress(_, let text),
            .stepWaiting(_, let text), .warning(_, let text), .stepFinished(_, let text, _),
            .confirmationNeeded(_, let text), .runStopped(_, let text, _), .runFinished(let text, _):
            text
        case .stageStarted, .stepStarted, .stageFinished, .probed: nil
        }
    }

    /// Of an event that is one.
    package var probe: ProbeSample? {
        switch what {
        case .probed(let sample): sample
        case .runStarted, .runResumed, .stageStarted, .stepStarted, .stepProgress, .stepWaiting, .warning,
            .stepFinished, .stageFinished, .confirmationNeeded, .runStopped, .runFinished:
            nil
        }
    }

    /// Whether it is of interest only while it lasts.
    package var isTransient: Bool {
        switch event {
        case .stepWaiting: true
        case .runStarted, .runResumed, .stageStarted, .stepStarted, .stepProgress, .warning, .stepFinished,
            .stageFinished, .confirmationNeeded, .runStopped, .runFinished, .probed:
            false
        }
    }

    /// The same with no more than so many characters of its message.
    package func shortened(to limit: Int) -> RunEvent {
        let what: What =
            switch what {
            case .runStarted(let text): .runStarted(message: String(text.prefix(limit)))
            case .runResumed(let text): .runResumed(message: String(text.prefix(limit)))
            case .stepProgress(let subject, let text):
                .stepProgress(subject, message: String(text.prefix(limit)))
            case .stepWaiting(let subject, let text):
                .stepWaiting(subject, message: String(text.prefix(limit)))
            case .warning(let subject, let text): .warning(subject, message: String(text.prefix(limit)))
            case .stepFinished(let subject, let text, let milliseconds):
                .stepFinished(subject, observed: String(text.prefix(limit)), milliseconds: milliseconds)
            case .confirmationNeeded(let stage, let text):
                .confirmationNeeded(stage, question: String(text.prefix(limit)))
            case .runStopped(let step, let text, let standing):
                .runStopped(step, reason: String(text.prefix(limit)), standing: standing)
            case .runFinished(let text, let milliseconds):
                .runFinished(message: String(text.prefix(limit)), milliseconds: milliseconds)
            case .stageStarted, .stepStarted, .stageFinished, .probed: what
            }
        return RunEvent(what, at: at, run: run)
    }

    private var subject: Subject? {
        switch what {
        case .stepStarted(let subject), .stepProgress(let subject, _), .stepWaiting(let subject, _),
            .warning(let subject, _), .stepFinished(let subject, _, _):
            subject
        case .runStarted, .runResumed, .stageStarted, .stageFinished, .confirmationNeeded, .runStopped,
            .runFinished, .probed:
            nil
        }
    }
}

extension RunEvent: Codable {
    /// Flat, as programs of operators have always read it.
    private struct Wire: Codable {
        let event: Kind
        let at: Int64
        let run: String
        var stage: StageName?
        var step: StepID?
        var title: String?
        var message: String?
        var milliseconds: Int?
        var standing: Standing?
        var probe: ProbeSample?

        var subject: Subject { Subject(stage: stage, step: step, title: title ?? "") }
    }

    package func encode(to encoder: any Encoder) throws {
        var wire = Wire(event: event, at: at, run: run, stage: stage, step: step, message: message)
        switch what {
        case .runStarted, .runResumed, .confirmationNeeded: break
        case .stageStarted(_, let title): wire.title = title
        case .stepStarted, .stepProgress, .stepWaiting, .warning: wire.title = subject?.title
        case .stepFinished(let subject, _, let milliseconds):
            (wire.title, wire.milliseconds) = (subject.title, milliseconds)
        case .stageFinished(_, let title, let milliseconds):
            (wire.title, wire.milliseconds) = (title, milliseconds)
        case .runStopped(_, _, let standing): wire.standing = standing
        case .runFinished(_, let milliseconds): wire.milliseconds = milliseconds
        case .probed(let sample): wire.probe = sample
        }
        try wire.encode(to: encoder)
    }

    /// Fails for an event that lacks what its kind always has.
    package init(from decoder: any Decoder) throws {
        let wire = try Wire(from: decoder)
        func needed<Value>(_ value: Value?, _ name: String) throws -> Value {
            guard let value else {
                throw DecodingError.dataCorrupted(
                    .init(
                        codingPath: decoder.codingPath,
                        debugDescription: "\(wire.event.rawValue) has no \(name)"
                    )
                )
            }
            return value
        }
        let message = wire.message ?? ""
        let what: What =
            switch wire.event {
            case .runStarted: .runStarted(message: message)
            case .runResumed: .runResumed(message: message)
            case .stageStarted: .stageStarted(try needed(wire.stage, "stage"), title: wire.title ?? "")
            case .stepStarted: .stepStarted(wire.subject)
            case .stepProgress: .stepProgress(wire.subject, message: message)
            case .stepWaiting: .stepWaiting(wire.subject, message: message)
            case .warning: .warning(wire.subject, message: message)
            case .stepFinished:
                .stepFinished(wire.subject, observed: message, milliseconds: wire.milliseconds ?? 0)
            case .stageFinished:
                .stageFinished(
                    try needed(wire.stage, "stage"),
                    title: wire.title ?? "",
                    milliseconds: wire.milliseconds ?? 0
                )
            case .confirmationNeeded: .confirmationNeeded(wire.stage, question: message)
            case .runStopped:
                .runStopped(wire.step, reason: message, standing: try needed(wire.standing, "standing"))
            case .runFinished: .runFinished(message: message, milliseconds: wire.milliseconds ?? 0)
            case .probed: .probed(try needed(wire.probe, "probe"))
            }
        self.init(what, at: wire.at, run: wire.run)
    }
}

extension RunEvent: Bounded {
    package func check() throws(OutOfBounds) {
        try check("at", at, Bound.time)
        switch what {
        case .stepFinished(_, _, let milliseconds), .stageFinished(_, _, let milliseconds),
            .runFinished(_, let milliseconds):
            try check("milliseconds", milliseconds, Bound.span)
        case .probed(let sample):
            try check("probe.at", sample.at, Bound.time)
            try check("probe.writes", sample.writes, Bound.count)
            try check("probe.failures", sample.failures, Bound.count)
            try check("probe.worst", sample.worst, Bound.span)
            try check("probe.gap", sample.gap, Bound.span)
            try check("probe.unavailableSince", sample.unavailableSince, Bound.time)
        case .runStarted, .runResumed, .stageStarted, .stepStarted, .stepProgress, .stepWaiting, .warning,
            .confirmationNeeded, .runStopped:
            break
        }
    }
}
