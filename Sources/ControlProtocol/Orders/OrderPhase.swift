/// How far an order binds its host; docs/division.md has the life of one.
package enum OrderPhase: String, Hashable, Sendable, Codable, CaseIterable {
    /// The host undoes it by itself when no coordinator comes for too long.
    case provisional
    /// It stands until a coordinator, or root on the host, ends it.
    case kept
    /// No coordinator came: the host is undoing it, and nobody keeps it from that.
    case lapsing
    /// The host has undone it; its server runs as before the division.
    case lapsed

    /// Whether the wall must stand.
    package var walls: Bool {
        switch self {
        case .provisional, .kept: true
        case .lapsing, .lapsed: false
        }
    }

    /// Whether the host has decided to go back by itself.
    package var isGivenUp: Bool { !walls }
}
