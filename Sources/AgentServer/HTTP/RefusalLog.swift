package import Logging
import Logs
import Synchronization
import SystemCalls

/// Logs refusals, which anybody can cause, no faster than a few a second, and says how many it kept back.
package final class RefusalLog: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: ContinuousClock.Instant
        var suppressed = 0
    }

    private static let longestValue = 400
    private let log: Logger
    private let burst: Double
    private let perSecond: Double
    private let bucket: Mutex<Bucket>

    package init(_ log: Logger, burst: Int = 50, perSecond: Double = 5) {
        self.log = log
        self.burst = Double(burst)
        self.perSecond = perSecond
        bucket = Mutex(Bucket(tokens: Double(burst), filledAt: .now))
    }

    package func warning(
        _ message: String,
        peer: String,
        reason: String,
        at now: ContinuousClock.Instant = .now
    ) {
        let suppressed = bucket.withLock { bucket -> Int? in
            let passed = bucket.filledAt.duration(to: now)
            let seconds = passed.seconds
            bucket.tokens = min(burst, bucket.tokens + max(0, seconds) * perSecond)
            bucket.filledAt = now
            guard bucket.tokens >= 1 else {
                bucket.suppressed += 1
                return nil
            }
            bucket.tokens -= 1
            defer { bucket.suppressed = 0 }
            return bucket.suppressed
        }
        guard let suppressed else { return }
        let reason =
            reason.count > Self.longestValue ? reason.prefix(Self.longestValue) + "..." : reason[...]
        if suppressed > 0 {
            log.warning("refusals were not logged", fields: ["count": String(suppressed)])
        }
        log.warning(message, fields: ["peer": peer, "reason": String(reason)])
    }
}
