import Synchronization
import SystemCalls

/// Spaces out the requests of one identity: so many at once, then so many a second.
package final class RequestPace: Sendable {
    package struct Limits: Hashable, Sendable {
        package let burst: Int
        package let perSecond: Int
        /// Who would have to wait longer than this is told to come back.
        package let patience: Duration

        package init(burst: Int = 20, perSecond: Int = 10, patience: Duration = .seconds(2)) {
            self.burst = burst
            self.perSecond = perSecond
            self.patience = patience
        }
    }

    package enum Verdict: Hashable, Sendable {
        case now
        case after(wait: Duration)
        case tooMany
    }

    private static let mostIdentities = 256

    private let limits: Limits
    private let interval: Duration
    /// When each identity's requests so far would have been served at an even pace.
    private let served = Mutex<[String: ContinuousClock.Instant]>([:])

    package init(_ limits: Limits) {
        self.limits = limits
        interval = .seconds(1) / max(1, limits.perSecond)
    }

    package func take(_ identity: String, at now: ContinuousClock.Instant = .now) -> Verdict {
        served.withLock { served in
            if served.count >= Self.mostIdentities { served = served.filter { $0.value > now } }
            let even = max(served[identity] ?? now, now)
            let wait = now.duration(to: even) - interval * (limits.burst - 1)
            guard wait <= limits.patience else { return .tooMany }
            served[identity] = even + interval
            return wait > .zero ? .after(wait: wait) : .now
        }
    }
}
