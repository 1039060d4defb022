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
    /// The same as `read`, the quicker way when rules of ours are there.
    func readBack() async throws(FirewallError) -> StoredRules
    /// The same rules with the counters of now; only for rules whose generation is unchanged.
    func recount(_ rules: StoredRules) async throws(FirewallError) -> StoredRules
    /// - Parameter known: what was there when the kernel was asked last, to make the change shorter; when it fails, or
    ///   makes anything else, it is to be made again without.
    /// - Returns: by how many transactions the kernel's generation has risen.
    func install(_ rules: RuleSet, over known: StoredRules?) async throws(FirewallError) -> Int
    /// Takes away the rules that close ports, and everything when no others are left; needs no earlier read.
    func open() async throws(FirewallError)
    /// Needs no earlier read; nothing to remove is success.
    func remove() async throws(FirewallError)
    /// The same as `remove`, the quicker way when something of ours was there a moment ago.
    func removeFound() async throws(FirewallError)
    /// Whether these names prove that nothing of ours is here; false also where they cannot.
    func isAbsent(from names: RulesetNames) -> Bool
    func preview(_ wall: Wall) throws(FirewallError) -> String
}

/// What one backend holds of ours.
struct StoredRules: Sendable {
    /// Nil when there is nothing, or when it is not exactly what installing makes.
    let rules: RuleSet?
    /// Our rules and the jumps to them; a table or chain of ours without rules counts as one.
    let count: Int
    /// Of the wall's rules alone.
    let counters: [InstalledRules.Counter]
    let listing: String
    /// Also when the rules are not exactly what installing makes, and where it cannot be told.
    var closesPorts = false
    /// Where each counter of the listing belongs, in order; empty where the listing is not read for counters.
    var slots: [CounterSlot] = []
    /// What was read of iptables' tables; empty where there are none, or where one cannot be read.
    var tables: [IPAddress.Family: FilterTable] = [:]

    static let none = StoredRules(rules: nil, count: 0, counters: [], listing: "")
}

extension RuleStore {
    func readBack() async throws(FirewallError) -> StoredRules { try await read() }

    func removeFound() async throws(FirewallError) { try await remove() }

    /// Where counters cannot be had without the rest.
    func recount(_ rules: StoredRules) async throws(FirewallError) -> StoredRules { try await read() }
}

/// The chain and address family that a counting rule stands for.
struct CounterSlot: Hashable, Sendable {
    let chain: WallChain
    let family: IPAddress.Family
}
