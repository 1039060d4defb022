package import ControlProtocol

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
    package let title: String
    /// Hosts whose status it looks at.
    package let hosts: [HostName]
    /// Connections to try, by the host that tries them.
    package let probes: [HostName: [ProbeTarget]]
    /// How long it may take to hold.
    package let deadline: Duration
    /// How many looks in a row must hold.
    ///
    /// More than one where a single look can be a coincidence.
    package let looks: Int
    /// Between two looks; nil looks again almost at once.
    package let interval: Duration?
    /// Which ZooKeeper to ask about Kafka, if it looks at it.
    package let kafka: KafkaSource?
    /// Whether the run goes on, with a warning, when the deadline passes.
    ///
    /// Only where stopping would be worse.
    package let isAdvisory: Bool
    package let judge: @Sendable (FleetView, RunFacts) -> Verdict

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
        self.title = title
        self.hosts = hosts
        self.probes = probes
        self.deadline = deadline
        self.looks = looks
        self.interval = interval
        self.kafka = kafka
        self.isAdvisory = isAdvisory
        self.judge = judge
    }

    /// Holds when both do; a `never` of either wins over the other's waiting.
    package func and(_ other: Gate) -> Gate {
        Gate(
            title + "; " + other.title,
            hosts: hosts + other.hosts.filter { !hosts.contains($0) },
            probes: probes.merging(other.probes, uniquingKeysWith: +),
            deadline: max(deadline, other.deadline),
            looks: max(looks, other.looks),
            interval: longer(than: other),
            kafka: kafka ?? other.kafka,
            isAdvisory: isAdvisory && other.isAdvisory
        ) { [judge, otherJudge = other.judge] view, facts in
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

    package func within(_ deadline: Duration) -> Gate {
        Gate(
            title,
            hosts: hosts,
            probes: probes,
            deadline: deadline,
            looks: looks,
            interval: interval,
            kafka: kafka,
            isAdvisory: isAdvisory,
            judge: judge
        )
    }

    /// Holds when either does; the other is asked only when this one does not hold.
    package func or(_ other: Gate) -> Gate {
        Gate(
            title + "; " + other.title,
            hosts: hosts + other.hosts.filter { !hosts.contains($0) },
            probes: probes.merging(other.probes, uniquingKeysWith: +),
            deadline: max(deadline, other.deadline),
            looks: max(looks, other.looks),
            interval: longer(than: other),
            kafka: kafka ?? other.kafka,
            isAdvisory: isAdvisory && other.isAdvisory
        ) { [judge, otherJudge = other.judge] view, facts in
            let first = judge(view, facts)
            if case .holds = first { return first }
            if case .holds(let observed) = otherJudge(view, facts) { return .holds(observed: observed) }
            return first
        }
    }

    private func longer(than other: Gate) -> Duration? {
        guard let interval, let second = other.interval else { return interval ?? other.interval }
        return max(interval, second)
    }
}
