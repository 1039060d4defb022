package import ControlProtocol
import Glibc
import SystemCalls

/// Tries to connect, all targets at a time, and hangs up at once.
package enum Prober {
    /// In flight at any moment; what is beyond waits for its turn.
    static let concurrency = 64

    /// One answer for each target, in their order; each has a second.
    package static func probe(_ targets: [ProbeTarget]) async -> [ProbeResult] {
        await probe(targets, deadline: .seconds(1))
    }

    static func probe(_ targets: [ProbeTarget], deadline: Duration) async -> [ProbeResult] {
        await BlockingThread.run {
            var attempts = Attempts(targets: targets, deadline: deadline)
            return attempts.run()
        }
    }
}

private struct Attempts {
    private struct Attempt {
        let target: Int
        let descriptor: Int32
        let deadline: ContinuousClock.Instant
    }

    private let targets: [ProbeTarget]
    private let deadline: Duration
    private var answers: [ProbeResult.Answer?]
    private var pending: [Attempt] = []
    private var next = 0

    init(targets: [ProbeTarget], deadline: Duration) {
        self.targets = targets
        self.deadline = deadline
        answers = Array(repeating: nil, count: targets.count)
    }

    mutating func run() -> [ProbeResult] {
        while next < targets.count || !pending.isEmpty {
            while next < targets.count, pending.count < Prober.concurrency { begin() }
            if !pending.isEmpty { advance() }
        }
        return zip(targets, answers).map { ProbeResult(target: $0, answer: $1 ?? .silent) }
    }

    private mutating func begin() {
        let target = targets[next]
        let (descriptor, progress) = Connection.begin(target.address, target.port)
        if progress == .pending, let descriptor {
            pending.append(Attempt(target: next, descriptor: descriptor, deadline: .now + deadline))
        } else {
            answers[next] = Self.answer(progress)
            if let descriptor { close(descriptor) }
        }
        next += 1
    }

    private mutating func advance() {
        var entries = pending.map { pollfd(fd: $0.descriptor, events: Int16(POLLOUT), revents: 0) }
        let first = pending.map(\.deadline).min() ?? .now
        // Rounded up, so that the wait does not end just before the deadline and spin.
        let left = max(0, ContinuousClock.now.duration(to: first).milliseconds + 1)
        _ = poll(&entries, nfds_t(entries.count), Int32(left))
        let now = ContinuousClock.now
        var waiting: [Attempt] = []
        for (attempt, entry) in zip(pending, entries) {
            if entry.revents != 0 {
                answers[attempt.target] = Self.answer(Connection.verdict(of: attempt.descriptor))
            } else if attempt.deadline <= now {
                answers[attempt.target] = .silent
            } else {
                waiting.append(attempt)
                continue
            }
            close(attempt.descriptor)
        }
        pending = waiting
    }

    private static func answer(_ progress: Connection.Progress) -> ProbeResult.Answer {
        switch progress {
        case .connected: .connected
        case .pending, .failed(ETIMEDOUT): .silent
        case .failed(ECONNREFUSED), .failed(ECONNRESET): .refused
        case .failed: .unreachable
        }
    }
}
