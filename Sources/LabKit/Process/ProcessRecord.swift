private import Glibc
private import SystemCalls

/// A process named by its pid and the moment it started, so that a recycled pid is never signalled.
package struct ProcessRecord: Codable, Hashable, Sendable {
    package let pid: Int32
    /// Field 22 of `/proc/PID/stat`: clock ticks since boot.
    package let startTicks: UInt64

    /// Nil when there is no such process any more (a zombie has ended, when none of its threads lives).
    package init?(pid: Int32) {
        guard let found = ProcessIdentity(pid: pid) else { return nil }
        self.pid = pid
        startTicks = found.startTicks
    }

    package var isRunning: Bool { ProcessIdentity(pid: pid)?.startTicks == startTicks }

    /// Signals the process, unless it has ended and its pid means another one now.
    package func signal(_ number: Int32) {
        if isRunning { _ = kill(pid, number) }
    }

    /// Asks the process to end with `first`, then kills it after `grace`; returns when it is gone.
    package func end(first: Int32 = SIGTERM, grace: Duration) async throws(LabError) {
        signal(first)
        if await isGone(within: grace) { return }
        signal(SIGKILL)
        guard await isGone(within: .seconds(10)) else {
            throw .late(what: "the end of process \(pid)", seconds: 10, seen: "still there after SIGKILL")
        }
    }

    /// Whether the process ends within `limit`; looks every few milliseconds, as it is not our child.
    package func isGone(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while isRunning {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return false }
            reap()
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return !isRunning }
        }
        // Seen to have ended a moment before its parent can collect it.
        while !reap(), ContinuousClock.now < deadline {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return true }
        }
        return true
    }

    /// Collects the process if it happens to be a child of this one; false as long as that is to come.
    @discardableResult
    private func reap() -> Bool { waitpid(pid, nil, WNOHANG) != 0 }
}
