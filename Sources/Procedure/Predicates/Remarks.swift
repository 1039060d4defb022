/// What a gate gathers while it goes through the hosts, so that all offending ones are named at once.
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
