package import ControlProtocol

/// What of an order is undone when no coordinator comes, and how far that is.
package struct Lapse: Hashable, Sendable, Codable {
    package var phase: OrderPhase
    package let seconds: Int
    package var files: [FileWrite]
    /// Links between them are followed.
    package let allowed: [String]
    /// Services, or units where systemd starts them, that run again afterwards.
    package var starting: [String]
    /// Why it does not come to its end.
    package var problem: String?

    package init(_ request: LapseRequest, phase: OrderPhase, allowed: [String], starting: [String]) {
        self.phase = phase
        seconds = request.seconds
        files = request.files
        self.allowed = allowed
        self.starting = request.starts ? starting : []
    }

    /// Committed: only since when a coordinator is missed is still of interest.
    package func kept() -> Lapse {
        var kept = self
        kept.phase = .kept
        (kept.files, kept.starting, kept.problem) = ([], [], nil)
        return kept
    }
}
