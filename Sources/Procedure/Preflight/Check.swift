package import Settings

/// A gate with a name and a remedy: one thing that can be wrong with a set-up, and what to do about it.
///
/// A check speaks of its own trap only. What keeps it from seeing (a silent agent, a server that does not run) is
/// another check's finding, one that cannot be waived; it then judges the hosts that it sees.
package struct Check: Sendable {
    package let name: CheckName
    package let remedy: String
    /// What must be seen; its deadline says how long what it sees may be passing.
    package let gate: Gate

    init(_ name: CheckName, remedy: String, _ gate: Gate) {
        self.name = name
        self.remedy = remedy
        self.gate = gate
    }

    init(
        _ name: CheckName,
        _ title: String,
        remedy: String,
        looking look: Look,
        deadline: Duration = .seconds(15),
        looks: Int = 1,
        interval: Duration? = nil,
        judge: @escaping @Sendable (FleetView, RunFacts) -> Verdict
    ) {
        self.init(
            name,
            remedy: remedy,
            Gate(
                title,
                looking: look,
                deadline: deadline,
                looks: looks,
                interval: interval,
                judge: judge
            )
        )
    }
}
