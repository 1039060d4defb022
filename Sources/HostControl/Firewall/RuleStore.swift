import ControlProtocol

/// One backend's place for our rules.
protocol RuleStore: Sendable {
    var backend: FirewallBackend { get }
    /// The first program it needs that this host lacks; nil when it can be used.
    var missingProgram: String? { get }
    func read() async throws(FirewallError) -> StoredRules
    func install(_ wall: Wall) async throws(FirewallError)
    /// Needs no earlier read; nothing to remove is success.
    func remove() async throws(FirewallError)
    func preview(_ wall: Wall) throws(FirewallError) -> String
}

/// What one backend holds of ours.
struct StoredRules: Sendable {
    /// Nil when there is nothing, or when it is not exactly what installing a wall makes.
    let wall: Wall?
    /// Our rules and the jumps to them; a table or chain of ours without rules counts as one.
    let count: Int
    let counters: [InstalledRules.Counter]
    let listing: String

    static let none = StoredRules(wall: nil, count: 0, counters: [], listing: "")
}
