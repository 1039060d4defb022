import Fleet

extension FleetView {
    /// Whether the canaries that were asked for are seen where they must be (trap 8).
    ///
    /// Says first why nothing can be said of them yet.
    func seen(_ question: CanaryQuestion, _ judge: ([CanarySighting]) -> Verdict) -> Verdict {
        switch canaries[question] {
        case nil: .waiting(reason: "no canary was written")
        case .silent(let reason): .waiting(reason: reason)
        case .seen(let sightings): judge(sightings)
        }
    }
}
