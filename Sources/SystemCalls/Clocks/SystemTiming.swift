import Glibc

extension Timing {
    /// The machine's clocks.
    package static var system: Timing {
        let clock = ContinuousClock()
        let origin = clock.now
        return Timing(
            now: {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
            },
            monotonic: { clock.now - origin },
            sleep: { duration in
                do { try await clock.sleep(for: duration) } catch { return }
            }
        )
    }
}
