import Glibc
import SystemCalls

/// What the thread of a running ZooKeeper server does that writes transactions to its disk (`SyncThread:ID`).
///
/// Asked of the kernel, not of the server: one that lost its leader serves nobody, and goes on writing what it queued
/// before, or has lost that thread with all that was queued.
package enum LogWriter {
    package enum State: Hashable, Sendable {
        /// The server runs without such a thread: what it had not written it never will.
        case gone
        /// Waits for work and has nothing left to flush, for as long as lay between the two samples.
        case parked
        case busy
        /// No such server, or not enough to go by: samples less than 20 ms apart, a kernel that does not tell.
        case unknown
    }

    /// Samples that are closer to each other say nothing: a thread may just not have been given its turn.
    package static let apart = Duration.milliseconds(20)

    /// What all of a server's writers do at one moment.
    package struct Sample: Hashable, Sendable {
        package let takenAt: ContinuousClock.Instant
        /// More than one after a change of leader: the earlier one is still at work.
        package let threads: [Writer]
        /// Whether threads that every member of an ensemble has were seen by name.
        package let isServer: Bool

        /// What the writers did from an earlier sample of the same process to this one.
        package func state(since earlier: Sample) -> State {
            guard isServer || !threads.isEmpty else { return .unknown }
            guard !threads.isEmpty else { return .gone }
            guard takenAt - earlier.takenAt >= LogWriter.apart else { return .unknown }
            guard threads.allSatisfy({ $0.call != .untold }) else { return .unknown }
            return threads == earlier.threads && threads.allSatisfy(\.waitsForWork) ? .parked : .busy
        }
    }

    package struct Writer: Hashable, Sendable {
        package let id: Int32
        /// As `stat` tells it: S sleeps, R runs, D waits for a disk.
        package let state: Character
        package let call: Call
        /// Voluntary or not: a thread that ran in between was switched to.
        package let switches: UInt64
        /// In user and in system mode, in the kernel's ticks.
        package let ticks: UInt64

        /// A wait without an end: the one with a time limit comes while there is something left to flush, when the
        /// server is told to gather writes (`zookeeper.flushDelay`).
        var waitsForWork: Bool { state == "S" && call == .endlessWait }
    }

    package enum Call: Hashable, Sendable {
        /// On a condition variable, as `java.util.concurrent` does; not the wait of a JVM that stops its threads.
        case endlessWait
        /// Any other, by its number.
        case other(Int)
        /// It runs, or waits for a page.
        case none
        /// This kernel does not say.
        case untold
    }

    /// Nil when there is no such process.
    package static func sample(of pid: Int32) -> Sample? {
        let tasks = "/proc/\(pid)/task"
        let takenAt = ContinuousClock.now
        let ids: [String]
        do throws(FileError) {
            ids = try OpenDirectory(opening: tasks).names()
        } catch {
            return nil
        }
        var (threads, isServer): ([Writer], Bool) = ([], false)
        for id in ids {
            // A thread may end at any moment.
            guard let name = KernelText.read("\(tasks)/\(id)/comm") else { continue }
            if name.hasPrefix("QuorumPeer") { isServer = true }
            guard name.hasPrefix("SyncThread:"), let number = Int32(id),
                let writer = Writer(id: number, in: "\(tasks)/\(id)")
            else { continue }
            threads.append(writer)
        }
        return Sample(takenAt: takenAt, threads: threads.sorted { $0.id < $1.id }, isServer: isServer)
    }

    /// Takes two samples, a little more than 20 ms apart.
    package static func state(of pid: Int32) async -> State {
        guard let first = sample(of: pid) else { return .unknown }
        do {
            try await Task.sleep(for: apart)
        } catch {
            return .unknown
        }
        return sample(of: pid)?.state(since: first) ?? .unknown
    }
}

extension LogWriter.Writer {
    /// Nil when the thread has ended.
    fileprivate init?(id: Int32, in directory: String) {
        // What changes last is read first, so that a thread that wakes up meanwhile is not taken for one that waits.
        let call = KernelText.read(directory + "/syscall")
        guard let stat = KernelText.read(directory + "/stat"),
            let status = KernelText.read(directory + "/status"),
            let close = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 12, let state = fields[0].first, let user = UInt64(fields[11]),
            let system = UInt64(fields[12])
        else { return nil }
        self.id = id
        self.state = state
        self.call = LogWriter.Call(call)
        ticks = user + system
        switches = status.split(separator: "\n").reduce(0) { sum, line in
            let parts = line.split(whereSeparator: \.isWhitespace)
            guard parts.count == 2, parts[0].hasSuffix("voluntary_ctxt_switches:") else { return sum }
            return sum + (UInt64(parts[1]) ?? 0)
        }
    }
}

extension LogWriter.Call {
    #if arch(x86_64)
        private static let futex = 202
    #elseif arch(arm64)
        private static let futex = 98
    #endif
    /// `FUTEX_WAIT_BITSET` without its flags (`linux/futex.h`).
    private static let waitBitset = 9
    private static let flags = 128 | 256

    /// `202 ADDRESS OPERATION VALUE TIMEOUT ...`, or `running`, or `-1` for no call at all.
    init(_ text: String?) {
        guard let fields = text?.split(whereSeparator: \.isWhitespace), let first = fields.first else {
            self = .untold
            return
        }
        guard let number = Int(first), number >= 0 else {
            self = .none
            return
        }
        let arguments = fields.dropFirst().map { field in UInt64(field.dropFirst(2), radix: 16) }
        guard number == Self.futex, arguments.count > 3, let operation = arguments[1],
            let limit = arguments[3],
            Int(truncatingIfNeeded: operation) & ~Self.flags == Self.waitBitset, limit == 0
        else {
            self = .other(number)
            return
        }
        self = .endlessWait
    }
}
