import ControlProtocol
import Synchronization
import SystemCalls

/// What a look through all processes and some files has found, kept for a moment: it takes a few milliseconds.
final class RecentPrograms: Sendable {
    private struct Look {
        let found: [RuleManager]
        let at: ContinuousClock.Instant
    }

    private let patience: Duration
    private let look: @Sendable () -> [RuleManager]
    private let last = Mutex<Look?>(nil)

    init(within patience: Duration, _ look: @escaping @Sendable () -> [RuleManager]) {
        self.patience = patience
        self.look = look
    }

    /// No older than `patience`.
    func found() async -> [RuleManager] {
        await BlockingThread.run {
            self.last.withLock { last in
                if let last, ContinuousClock.now - last.at < self.patience { return last.found }
                let found = self.look()
                last = Look(found: found, at: .now)
                return found
            }
        }
    }
}

extension ProcessList {
    /// Processes of the agent's network namespace, by what `name` makes of their pid and the name that the kernel keeps.
    static func programs(_ name: (Int32, String) -> String?) -> [RuleManager] {
        guard let own = NetworkNamespace.of("self") else { return [] }
        return pids().compactMap { pid in
            guard let kept = KernelText.read("/proc/\(pid)/comm")?.trimmed, let program = name(pid, kept),
                NetworkNamespace.of("\(pid)") == own
            else { return nil }
            return RuleManager(name: program, pid: pid)
        }
        .sorted { ($0.name, $0.pid ?? 0) < ($1.name, $1.pid ?? 0) }
    }
}

extension NetworkNamespace {
    /// Whether process 1, whose systemd and whose files are the host's, uses the agent's network; a lab's hosts share a machine.
    static var isHosts: Bool {
        guard let own = of("self") else { return false }
        return of("1") == own
    }
}
