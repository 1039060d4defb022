import FoundationEssentials
import Glibc

/// A process that cannot be mistaken for a later one with the same pid.
struct ProcessIdentity: Hashable, Codable {
    let bootID: String
    let pid: Int32
    /// Clock ticks after boot, rounded down (field 22 of `/proc/PID/stat`).
    let startTicks: UInt64

    /// Nil when no such process exists, or it is a zombie.
    ///
    /// Not one whose first thread has ended before its others: those still hold its files and connections.
    init?(pid: Int32) {
        guard let stat = KernelText.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")"),
            let boot = KernelText.read("/proc/sys/kernel/random/boot_id")
        else { return nil }
        // The second field is the name in parentheses and may itself hold spaces and parentheses.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "X", let ticks = UInt64(fields[19]),
            fields[0] != "Z" || (Int(fields[17]) ?? 1) > 1
        else { return nil }
        bootID = boot.trimmed
        self.pid = pid
        startTicks = ticks
    }

    static func isAlive(_ pid: Int32) -> Bool { ProcessIdentity(pid: pid) != nil }

    /// Nanoseconds after boot: the earliest moment at which it can have been started.
    var startedAfterBoot: Int64 {
        let perSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
        return Int64(startTicks) * (1_000_000_000 / max(1, perSecond))
    }

    /// The same as nanoseconds of Unix time, by the clock as it is set now.
    var startedAt: Int64 {
        Self.nanoseconds(CLOCK_REALTIME) - Self.nanoseconds(CLOCK_BOOTTIME) + startedAfterBoot
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}

/// Short texts that the kernel serves as files.
enum KernelText {
    private static let limit = 64 << 20

    /// Nil when the file does not exist, or the process it belongs to has gone.
    static func read(_ path: String) -> String? {
        do throws(FileError) {
            return String(decoding: try OpenFile(path, O_RDONLY).content(limit: limit), as: UTF8.self)
        } catch {
            return nil
        }
    }
}
