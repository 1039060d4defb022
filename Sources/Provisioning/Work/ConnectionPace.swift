package import SystemCalls

/// Spaces new connections: it is their rate that firewalls and sshd's MaxStartups take offence at, not their number.
package actor ConnectionPace {
    private let interval: Duration
    private let timing: Timing
    private var next: Duration?

    package init(perSecond: Int, timing: Timing) {
        interval = .seconds(1) / max(1, perSecond)
        self.timing = timing
    }

    /// Returns when the caller may connect; callers are let go in the order in which they came.
    package func turn() async {
        let now = timing.monotonic()
        let mine = max(next ?? now, now)
        next = mine + interval
        if mine > now { await timing.sleep(mine - now) }
    }
}
