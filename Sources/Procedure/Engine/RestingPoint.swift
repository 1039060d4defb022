/// Between which two stages a run ends that its operator gave an end.
package enum RestingPoint: Hashable, Sendable {
    case after(StageName)
    case before(StageName)

    package var stage: StageName {
        switch self {
        case .after(let name), .before(let name): name
        }
    }

    /// The stage that is not begun, by its place; nil when none of them is that stage, or none is left behind it.
    func firstLeft(of stages: [Stage]) -> Int? {
        guard let index = stages.firstIndex(where: { $0.name == stage }) else { return nil }
        switch self {
        case .before: return index
        case .after: return stages.indices.contains(index + 1) ? index + 1 : nil
        }
    }
}
