import ControlProtocol
import Topology

/// One backend's place for our rules.
protocol RuleStore: Sendable {
    var backend: FirewallBackend { get }
    /// The first program it needs that this host lacks; nil when it can be used.
    var missingProgram: String? { get }
    /// Whether the kernel's rule set generation tells of every change to these rules.
    var hasGeneration: Bool { get }
    func read() async throws(FirewallError) -> StoredRules
    /// The same rules with the counters of now; only for rules whose generation is unchanged.
    func recount(_ rules: StoredRules) async throws(FirewallError) -> StoredRules
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
    /// Where each counter of the listing belongs, in order; empty where the listing is not read for counters.
    var slots: [CounterSlot] = []

    static let none = StoredRules(wall: nil, count: 0, counters: [], listing: "")
}

extension RuleStore {
    /// Where counters cannot be had without the rest.
    func recount(_ rules: StoredRules) async throws(FirewallError) -> StoredRules { try await read() }
}

/// The chain and address family that a counting rule stands for.
struct CounterSlot: Hashable, Sendable {
    let chain: WallChain
    let family: IPAddress.Family
}
