package import ControlProtocol

/// What a look at the fleet says about a gate.
package enum Verdict: Hashable, Sendable {
    /// It holds; the text says what was observed.
    case holds(observed: String)
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
    package let judge: @Sendable (FleetView, RunFacts) -> Verdict

    package init(
        _ title: String,
        hosts: [HostName],
        probes: [HostName: [ProbeTarget]] = [:],
        deadline: Duration,
        looks: Int = 1,
        judge: @escaping @Sendable (FleetView, RunFacts) -> Verdict
    ) {
        self.title = title
        self.hosts = hosts
        self.probes = probes
        self.deadline = deadline
        self.looks = looks
        self.judge = judge
    }

    /// Holds when both do; a `never` of either wins over the other's waiting.
    package func and(_ other: Gate) -> Gate {
        Gate(
            title + "; " + other.title,
            hosts: hosts + other.hosts.filter { !hosts.contains($0) },
            probes: probes.merging(other.probes, uniquingKeysWith: +),
            deadline: max(deadline, other.deadline),
            looks: max(looks, other.looks)
        ) { [judge, otherJudge = other.judge] view, facts in
            switch (judge(view, facts), otherJudge(view, facts)) {
            case (.never(let reason), _), (_, .never(let reason)): .never(reason: reason)
            case (.waiting(let reason), _), (_, .waiting(let reason)): .waiting(reason: reason)
            case (.holds(let first), .holds(let second)):
                .holds(observed: first == second ? first : first + "; " + second)
            }
        }
    }

    package func within(_ deadline: Duration) -> Gate {
        Gate(title, hosts: hosts, probes: probes, deadline: deadline, looks: looks, judge: judge)
    }

    /// Holds when either does; the other is asked only when this one does not hold.
    package func or(_ other: Gate) -> Gate {
        Gate(
            title + "; " + other.title,
            hosts: hosts + other.hosts.filter { !hosts.contains($0) },
            probes: probes.merging(other.probes, uniquingKeysWith: +),
            deadline: max(deadline, other.deadline),
            looks: max(looks, other.looks)
        ) { [judge, otherJudge = other.judge] view, facts in
            let first = judge(view, facts)
            if case .holds = first { return first }
            if case .holds(let observed) = otherJudge(view, facts) { return .holds(observed: observed) }
            return first
        }
    }
}
