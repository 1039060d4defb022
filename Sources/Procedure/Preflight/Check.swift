package import Settings

/// One thing that can be wrong with a set-up, what must be seen in its place, and what to do about it.
///
/// A check speaks of its own trap only. What keeps it from seeing (a silent agent, a server that does not run) is
/// another check's finding, one that cannot be waived; it then judges the hosts that it sees.
package struct Check: Sendable {
    package let name: CheckName
    /// What must be seen.
    package let title: String
    package let remedy: String
    package let look: Look
    /// How long what it sees may be passing.
    package let deadline: Duration
    /// How many looks in a row must hold, and the time between them.
    package let looks: Int
    package let interval: Duration?
    package let judge: @Sendable (FleetView, RunFacts) -> Verdict

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
        self.name = name
        self.title = title
        self.remedy = remedy
        self.look = look
        self.deadline = deadline
        self.looks = looks
        self.interval = interval
        self.judge = judge
    }
}

/// What a check gathers while it goes through the hosts, so that all offending ones are named at once.
struct Remarks: Sendable {
    private var wrong: [String] = []
    private var passing: [String] = []
    private var doubtful: [String] = []

    /// Waiting will not help.
    mutating func refuse(_ text: String) { wrong.append(text) }
    /// It may pass.
    mutating func wait(_ text: String) { passing.append(text) }
    /// It is worth saying, and nothing breaks.
    mutating func warn(_ text: String) { doubtful.append(text) }

    /// `observed`: what is said when there is nothing to remark.
    func verdict(_ observed: String) -> Verdict {
        if !wrong.isEmpty { return .never(reason: Self.list(wrong + passing + doubtful)) }
        if !passing.isEmpty { return .waiting(reason: Self.list(passing + doubtful)) }
        if !doubtful.isEmpty { return .warns(observed: Self.list(doubtful)) }
        return .holds(observed: observed)
    }

    private static func list(_ texts: [String]) -> String {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }.joined(separator: "; ")
    }
}
