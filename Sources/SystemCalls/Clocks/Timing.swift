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
