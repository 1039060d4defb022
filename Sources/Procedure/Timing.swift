/// Clocks as the runner sees them, injected so that tests need not wait.
package struct Timing: Sendable {
    /// Unix milliseconds.
    package let now: @Sendable () -> Int64
    /// Time since some fixed moment; never goes back.
    package let monotonic: @Sendable () -> Duration
    package let sleep: @Sendable (Duration) async -> Void

    package init(
        now: @escaping @Sendable () -> Int64,
        monotonic: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async -> Void
    ) {
        self.now = now
        self.monotonic = monotonic
        self.sleep = sleep
    }
}

/// How urgently the operator asked a run to stop.
package enum StopRequest: Hashable, Sendable {
    case none
    /// At the next place where it may rest.
    case atRestingPlace
    /// Where it is. What is under way on the hosts goes on to its end.
    case now
}
