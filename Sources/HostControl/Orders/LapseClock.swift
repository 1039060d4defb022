import Glibc
import SystemCalls

/// `orders/lapses`: there for as long as an order may lapse, and by when a coordinator has to be heard.
///
/// systemd starts `mitosis-agent --lapse-watch` while it exists. It is no record: whoever finds it damaged, of another boot or
/// missing gives the coordinator the whole time once more.
package struct LapseClock: Sendable {
    /// Milliseconds since boot, sleep included: no wall clock can be set past it.
    let now: @Sendable () -> Int64
    private let boot: @Sendable () -> String
    package let path: String

    package init(
        stateDirectory: String,
        now: @escaping @Sendable () -> Int64 = { LapseClock.sinceBoot },
        boot: @escaping @Sendable () -> String = { LapseClock.bootID }
    ) {
        path = stateDirectory + "/orders/lapses"
        self.now = now
        self.boot = boot
    }

    package var exists: Bool { access(path, F_OK) == 0 }

    /// Makes it; the folder is there.
    package func begin(seconds: Int) throws(OrderError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("make") }
        defer { close(descriptor) }
        guard write(seconds, to: descriptor) else { throw failure("write") }
    }

    /// A coordinator was heard.
    ///
    /// Makes nothing where there is nothing.
    package func renew(seconds: Int) {
        let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // One that cannot be renewed lapses: the host goes back, and loses nothing.
        _ = write(seconds, to: descriptor)
    }

    /// Milliseconds until it lapses, at most `seconds`; 0 and less when it is due.
    ///
    /// Begins the time anew where it is not known since when it runs.
    package func left(of seconds: Int) -> Int64 {
        let whole = Int64(seconds) * 1000
        guard let words = KernelText.read(path)?.split(whereSeparator: \.isWhitespace), words.count == 2,
            words[0] == boot(), let deadline = Int64(words[1]), deadline <= now() + whole
        else {
            do throws(OrderError) { try begin(seconds: seconds) } catch {
                // Nothing lapses on a disk that takes nothing; it is tried again.
            }
            return whole
        }
        return deadline - now()
    }

    /// None is fine.
    package func end() throws(OrderError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove") }
    }

    func secondsLeft(of seconds: Int) -> Int { max(0, Int((left(of: seconds) + 999) / 1000)) }

    private func write(_ seconds: Int, to descriptor: Int32) -> Bool {
        let deadline = String(now() + Int64(seconds) * 1000)
        let text = "\(boot()) \(String(repeating: " ", count: max(0, 20 - deadline.count)))\(deadline)\n"
        return Array(text.utf8).withUnsafeBytes { bytes in
            pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count
        }
    }

    private func failure(_ operation: String) -> OrderError {
        .storage(path: path, operation: operation, reason: systemReason())
    }

    package static var sinceBoot: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package static var bootID: String {
        KernelText.read("/proc/sys/kernel/random/boot_id")?.split(whereSeparator: \.isWhitespace).first.map(
            String.init
        )
            ?? "unknown"
    }
}
