import Glibc
import Synchronization

/// A process that cannot be mistaken for a later one with the same pid.
package struct ProcessIdentity: Hashable, Codable, Sendable {
    package let bootID: String
    package let pid: Int32
    /// Clock ticks after boot, rounded down (field 22 of `/proc/PID/stat`).
    package let startTicks: UInt64

    /// Nil when no such process exists, or it is a zombie.
    ///
    /// Not one whose first thread has ended before its others: those still hold its files and connections.
    package init?(pid: Int32) {
        guard let boot = Self.boot, let stat = KernelText.read("/proc/\(pid)/stat"),
            let close = stat.lastIndex(of: ")")
        else { return nil }
        // The second field is the name in parentheses and may itself hold spaces and parentheses.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "X", let ticks = UInt64(fields[19]),
            fields[0] != "Z" || (Int(fields[17]) ?? 1) > 1
        else { return nil }
        bootID = boot
        self.pid = pid
        startTicks = ticks
    }

    package static func isAlive(_ pid: Int32) -> Bool { ProcessIdentity(pid: pid) != nil }

    /// Nanoseconds after boot: the earliest moment at which it can have been started.
    package var startedAfterBoot: Int64 {
        let perSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
        return Int64(startTicks) * (1_000_000_000 / max(1, perSecond))
    }

    /// The same as nanoseconds of Unix time, by the clock as it is set now.
    package var startedAt: Int64 {
        Self.nanoseconds(CLOCK_REALTIME) - Self.nanoseconds(CLOCK_BOOTTIME) + startedAfterBoot
    }

    private static let knownBoot = Mutex<String?>(nil)

    /// The same for as long as this process lives; a look that failed, for want of a descriptor, is taken again.
    private static var boot: String? {
        knownBoot.withLock { known in
            if known == nil {
                known = KernelText.read("/proc/sys/kernel/random/boot_id")
                    .flatMap { $0.split(whereSeparator: \.isWhitespace).first.map(String.init) }
            }
            return known
        }
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}
