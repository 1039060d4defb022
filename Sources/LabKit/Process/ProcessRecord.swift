internal import FoundationEssentials
private import Glibc

/// A process named by its pid and the moment it started, so that a recycled pid is never signalled.
package struct ProcessRecord: Codable, Hashable, Sendable {
    package let pid: Int32
    /// Field 22 of `/proc/PID/stat`: clock ticks since boot.
    package let startTicks: UInt64

    /// Nil when there is no such process any more (a zombie has ended).
    package init?(pid: Int32) {
        guard let found = Self.read(pid) else { return nil }
        self = found
    }

    private init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    package var isRunning: Bool { Self.read(pid) == self }

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
        // Its first thread may be dead while others still end: a child cannot be collected before they have.
        while !reap(), ContinuousClock.now < deadline {
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return true }
        }
        return true
    }

    /// Collects the process if it happens to be a child of this one; false as long as that is to come.
    @discardableResult
    private func reap() -> Bool { waitpid(pid, nil, WNOHANG) != 0 }

    private static func read(_ pid: Int32) -> ProcessRecord? {
        guard let text = ProcFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        // What follows the command's name starts with field 3, the state.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X", let ticks = UInt64(fields[19]) else {
            return nil
        }
        return ProcessRecord(pid: pid, startTicks: ticks)
    }
}

/// Reading the kernel's small text files.
package enum ProcFile {
    /// Nil when the file is not there (the process has ended).
    package static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk.prefix(count))
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
