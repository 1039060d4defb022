/// Whether the source has left its own clients unserved for longer than the plan allows, by what its probe sees.
package struct SourceHarm: Sendable {
    private let limit: Duration?
    /// Why the run is to stop at its next safe place; nil while it need not.
    package private(set) var reason: String?

    package init(limit: Duration?) { self.limit = limit }

    /// Gives the reason once: with the sample that shows it first.
    package mutating func take(_ sample: ProbeSample) -> String? {
        guard let limit, reason == nil, sample.side == .source, .milliseconds(sample.gap) > limit else {
            return nil
        }
        let seconds = Double(sample.gap) / 1000
        let tenths = (seconds * 10).rounded() / 10
        let text =
            "the source has acknowledged no write of its probe for \(tenths) s, and the plan's source_unserved_seconds is "
            + "\(limit.components.seconds)"
        reason = text
        return text
    }
}
