package import ControlProtocol
package import Fleet

/// What a look at the fleet says about a gate.
package enum Verdict: Hashable, Sendable {
    /// It holds; the text says what was observed.
    case holds(observed: String)
    /// It has come to its end, not as it should; this is said aloud, and the run goes on.
    case warns(observed: String)
    /// It does not hold yet; look again until the deadline.
    case waiting(reason: String)
    /// It cannot come to hold by waiting: stop here.
    case never(reason: String)
}

/// A condition on observed facts.
///
/// No step begins or ends without one.
package struct Gate: Sendable {
    /// What must be seen, as the plan prints it.
    package private(set) var title: String
    /// What it looks at.
    package private(set) var look: Look
    /// How long it may take to hold.
    package private(set) var deadline: Duration
    /// How many looks in a row must hold.
    ///
    /// More than one where a single look can be a coincidence.
    package private(set) var looks: Int
    /// For how long every look must hold.
    package private(set) var lasting: Duration = .zero
    /// Between two looks; nil looks again almost at once.
    package private(set) var interval: Duration?
    /// Whether the run goes on, with a warning, when the deadline passes.
    ///
    /// Only where stopping would be worse.
    package private(set) var isAdvisory: Bool
    /// Set when it stands for all checks of the preflight, which have findings of their own.
    package private(set) var preflight: Preflight?
    package private(set) var judge: @Sendable (FleetView, RunFacts) -> Verdict

    package init(
        _ title: String,
        looking look: Look,
        deadline: Duration,
        looks: Int = 1,
        interval: Duration? = nil,
        isAdvisory: Bool = false,
        preflight: Preflight? = nil,
        judge: @escaping @Sendable (FleetView, RunFacts) -> Verdict
    ) {
        self.title = title
        self.look = look
        self.deadline = deadline
        self.looks = looks
        self.interval = interval
        self.isAdvisory = isAdvisory
        self.preflight = preflight
        self.judge = judge
    }

    package init(
        _ title: String,
        hosts: [HostName],
        probes: [HostName: [ProbeTarget]] = [:],
        deadline: Duration,
        looks: Int = 1,
        interval: Duration? = nil,
        kafka: KafkaSource? = nil,
        isAdvisory: Bool = false,
        judge: @escaping @Sendable (FleetView, RunFacts) -> Verdict
    ) {
        self.init(
            title,
            looking: Look(hosts: hosts, probes: probes, kafka: kafka),
            deadline: deadline,
            looks: looks,
            interval: interval,
            isAdvisory: isAdvisory,
            judge: judge
        )
    }

    /// Holds when both do; a `never` of either wins over the other's waiting.
    package func and(_ other: Gate) -> Gate {
        combined(with: other) { [judge, otherJudge = other.judge] view, facts in
            switch (judge(view, facts), otherJudge(view, facts)) {
            case (.never(let reason), _), (_, .never(let reason)): .never(reason: reason)
            case (.waiting(let reason), _), (_, .waiting(let reason)): .waiting(reason: reason)
            case (.holds(let first), .holds(let second)):
                .holds(observed: first == second ? first : first + "; " + second)
            case (.warns(let first), .holds(let second)), (.holds(let first), .warns(let second)),
                (.warns(let first), .warns(let second)):
                .warns(observed: first + "; " + second)
            }
        }
    }

    /// The same where there may be nothing more to ask.
    package func and(_ other: Gate?) -> Gate { other.map { and($0) } ?? self }

    /// Holds when either does; the other is asked only when this one does not hold.
    package func or(_ other: Gate) -> Gate {
        combined(with: other) { [judge, otherJudge = other.judge] view, facts in
            let first = judge(view, facts)
            if case .holds = first { return first }
            if case .holds(let observed) = otherJudge(view, facts) { return .holds(observed: observed) }
            return first
        }
    }

    package func within(_ deadline: Duration) -> Gate {
        var copy = self
        copy.deadline = deadline
        return copy
    }

    /// Looks when the hosts' servers serve, or do not run, rather than again and again.
    package func awaitingServing() -> Gate {
        var copy = self
        copy.look.awaitsServing = true
        return copy
    }

    /// Holds only when this many looks in a row do.
    package func seen(inARow looks: Int) -> Gate {
        var copy = self
        copy.looks = looks
        return copy
    }

    /// Holds only when every look does for so long, however many these are.
    package func seen(for duration: Duration, every interval: Duration?) -> Gate {
        var copy = self
        copy.lasting = duration
        copy.interval = interval
        return copy
    }

    private func combined(
        with other: Gate,
        judge: @escaping @Sendable (FleetView, RunFacts) -> Verdict
    ) -> Gate {
        let both = Gate(
            title + "; " + other.title,
            looking: look.merging(other.look),
            deadline: max(deadline, other.deadline),
            looks: max(looks, other.looks),
            interval: longer(than: other),
            isAdvisory: isAdvisory && other.isAdvisory,
            judge: judge
        )
        return both.seen(for: max(lasting, other.lasting), every: both.interval)
    }

    private func longer(than other: Gate) -> Duration? {
        guard let interval, let second = other.interval else { return interval ?? other.interval }
        return max(interval, second)
    }
}
