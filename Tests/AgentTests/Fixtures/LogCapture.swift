import AgentServer
import Logging
import Logs
import Synchronization

/// Keeps an agent's log lines, and waits for one that has not come yet.
final class LogCapture: Sendable {
    private struct State {
        var lines: [String] = []
        var waiting: [(text: String, resume: CheckedContinuation<String, Never>)] = []
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }

    var logger: Logger { logger(.info) }

    func logger(_ level: LogLevel) -> Logger {
        Logger(label: "test") { _ in LineLogHandler(level: level) { self.add($0) } }
    }

    /// The first line that has all of `text` in it; a test's time limit bounds the wait.
    func line(with text: String) async -> String {
        await withCheckedContinuation { resume in
            let found = state.withLock { state -> String? in
                if let line = state.lines.first(where: { $0.contains(text) }) { return line }
                state.waiting.append((text, resume))
                return nil
            }
            if let found { resume.resume(returning: found) }
        }
    }

    private func add(_ line: String) {
        let due = state.withLock { state in
            state.lines.append(line)
            let due = state.waiting.filter { line.contains($0.text) }
            state.waiting.removeAll { line.contains($0.text) }
            return due
        }
        for waiter in due { waiter.resume.resume(returning: line) }
    }
}
