import Glibc
import SystemCalls

/// One instant on both of a host's clocks.
package struct Moment: Hashable, Sendable {
    /// Since boot, sleep included; never set back.
    ///
    /// Leases are measured by it.
    package let sinceBoot: Duration
    /// Unix milliseconds, as people and other hosts see it.
    package let unixMilliseconds: Int64

    package init(sinceBoot: Duration, unixMilliseconds: Int64) {
        self.sinceBoot = sinceBoot
        self.unixMilliseconds = unixMilliseconds
    }
}

/// Where the agent takes the time from; tests bring their own.
package struct HostClock: Sendable {
    package let now: @Sendable () -> Moment

    package init(now: @escaping @Sendable () -> Moment) { self.now = now }

    package static let system = HostClock {
        Moment(sinceBoot: read(CLOCK_BOOTTIME), unixMilliseconds: Int64(read(CLOCK_REALTIME).milliseconds))
    }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
