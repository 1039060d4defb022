import ControlProtocol
import Synchronization

/// What this process installed last and has not been asked to remove: it is to stay as it is.
final class GuardedRules: Sendable {
    struct State: Sendable {
        let rules: RuleSet
        /// The kernel's generation at which they were last seen intact; nil when it is not known.
        var generation: UInt32?
        var seenAt: ContinuousClock.Instant
        /// How many times they were put back.
        var restored = 0
    }

    private struct Watched {
        var state: State?
        var arrivals: AsyncStream<Void>.Continuation?
    }

    private let watched = Mutex(Watched())

    var state: State? { watched.withLock { $0.state } }

    func begin(_ rules: RuleSet, at generation: UInt32?) {
        watched.withLock {
            $0.state = State(rules: rules, generation: generation, seenAt: .now)
            $0.arrivals?.yield()
        }
    }

    /// From now on only the wall is guarded, if there is one.
    func open() {
        watched.withLock {
            guard let wall = $0.state?.rules.wall else {
                $0.state = nil
                return
            }
            $0.state = State(rules: RuleSet(wall: wall), generation: nil, seenAt: .now)
        }
    }

    func end() { watched.withLock { $0.state = nil } }

    func sawIntact(at generation: UInt32?) {
        watched.withLock {
            $0.state?.generation = generation
            $0.state?.seenAt = .now
        }
    }

    func countRestoration() { watched.withLock { $0.state?.restored += 1 } }

    /// An element whenever there may be something to guard, and one at once; for one reader.
    func arrivals() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
        watched.withLock { $0.arrivals = continuation }
        return stream
    }
}
