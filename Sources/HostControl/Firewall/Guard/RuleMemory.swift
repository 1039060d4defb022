import ControlProtocol
import Synchronization

/// What each backend was last seen to hold, with what tells whether that can have changed since.
final class RuleMemory: Sendable {
    struct Entry: Sendable {
        let rules: StoredRules
        /// Read before the rules were, so that a change while they were read shows; nil when not known.
        let generation: UInt32?
        /// The same for iptables-legacy.
        let figures: LegacyFigures?
        let readAt: ContinuousClock.Instant
    }

    private let entries = Mutex<[FirewallBackend: Entry]>([:])

    subscript(backend: FirewallBackend) -> Entry? {
        get { entries.withLock { $0[backend] } }
        set { entries.withLock { $0[backend] = newValue } }
    }

    func forget() { entries.withLock { $0 = [:] } }
}
