package import ControlProtocol
package import Fleet

/// One move of the procedure: look, act, look again; and how to take it back.
package struct Step: Sendable {
    package let id: StepID
    package let title: String
    /// What must be seen before it acts.
    package let precheck: Gate?
    package let act: Act
    /// What must be seen before the next step may begin.
    package let verify: Gate
    package let undo: Undo
    /// Whether a run may be left here for a while.
    ///
    /// Not so while clients have no ZooKeeper.
    package let isRestingPlace: Bool
    /// How often it is begun again, each time decided anew, before its failure stops the run.
    package let attempts: Int
    /// Whether what can never come to hold stops the run at once, whatever another attempt would show.
    package let endsWhenRefuted: Bool
    /// Whether a later run of the program does it again although it is done.
    package let repeats: Repetition
    /// Past this it is not done any more: journals of earlier versions lack it.
    package let expiry: Milestone?
    /// What the run remembers of each host's answer, whether or not all hosts succeeded.
    package let noting: (@Sendable (HostName, CommandResult, inout RunFacts) -> Void)?
    /// What the run remembers of each look that its verification makes.
    package let seeing: (@Sendable (FleetView, inout RunFacts) -> Void)?

    package enum Repetition: Hashable, Sendable {
        case never
        /// What it saw or did may not hold any more by then.
        case always
        /// The same, but only as long as this has not been passed.
        case until(Milestone)
    }

    package init(
        _ id: StepID,
        _ title: String,
        precheck: Gate? = nil,
        act: Act = .observeOnly,
        verify: Gate,
        undo: Undo,
        isRestingPlace: Bool = true,
        attempts: Int = 1,
        endsWhenRefuted: Bool = false,
        repeats: Repetition = .never,
        expiry: Milestone? = nil,
        noting: (@Sendable (HostName, CommandResult, inout RunFacts) -> Void)? = nil,
        seeing: (@Sendable (FleetView, inout RunFacts) -> Void)? = nil
    ) {
        self.id = id
        self.title = title
        self.precheck = precheck
        self.act = act
        self.verify = verify
        self.undo = undo
        self.isRestingPlace = isRestingPlace
        self.attempts = attempts
        self.endsWhenRefuted = endsWhenRefuted
        self.repeats = repeats
        self.expiry = expiry
        self.noting = noting
        self.seeing = seeing
    }
}

/// Names a step within its procedure and in the journal, for instance `division.split`.
package struct StepID: Hashable, Sendable, Codable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let description: String

    package init(_ text: String) { description = text }
    package init(stringLiteral text: String) { description = text }
    package init(from decoder: any Decoder) throws {
        description = try decoder.singleValueContainer().decode(String.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// What a step does.
///
/// Commands of one step go out to all its hosts at once; those of one host in their order.
package enum Act: Sendable {
    case observeOnly
    case commands([HostCommand])
    /// Which commands depends on what is seen when the step begins; `summary` is what the plan says of it.
    case decided(
        summary: String,
        by: @Sendable (FleetView, RunFacts) -> Decision,
        looking: Look
    )
}

package enum Decision: Hashable, Sendable {
    /// `because` says why these; `noting` is remembered for later gates.
    case act([HostCommand], because: String, noting: RunFacts)
    case nothingToDo(because: String)
    case wait(because: String)
    case stop(because: String)
}

package enum Undo: Hashable, Sendable {
    case commands([HostCommand], note: String)
    case nothingToUndo
    case none(because: String)
}

package struct Stage: Sendable {
    package let name: StageName
    package let title: String
    /// Asked of the operator before the stage begins.
    package let confirmation: String?
    /// Looked at before the question.
    package let inquiry: Inquiry?
    /// Once this was passed, the question has been answered for good.
    ///
    /// Until then every run asks again.
    package let committedBy: Milestone?
    package let steps: [Step]

    package init(
        _ name: StageName,
        _ title: String,
        confirmation: String? = nil,
        inquiry: Inquiry? = nil,
        committedBy: Milestone? = nil,
        _ steps: [Step]
    ) {
        self.name = name
        self.title = title
        self.confirmation = confirmation
        self.inquiry = inquiry
        self.committedBy = committedBy
        self.steps = steps
    }

    /// What must be seen before the question is asked at all, and what the question then tells of it.
    package struct Inquiry: Sendable {
        package let gate: Gate
        /// What the run remembers of each look.
        package let seeing: @Sendable (FleetView, inout RunFacts) -> Void
        /// Ends the question; empty when there is nothing to tell.
        package let telling: @Sendable (FleetView) -> String

        package init(
            _ gate: Gate,
            seeing: @escaping @Sendable (FleetView, inout RunFacts) -> Void,
            telling: @escaping @Sendable (FleetView) -> String
        ) {
            self.gate = gate
            self.seeing = seeing
            self.telling = telling
        }
    }
}
