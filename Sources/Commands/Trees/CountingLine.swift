import Glibc
import Printable
import Synchronization
import SystemCalls

/// A count that goes on, on one line of a terminal; nothing elsewhere.
final class CountingLine: Sendable {
    private let isLive = isatty(STDERR_FILENO) == 1
    private let word: String
    private let began = ContinuousClock.now
    private let told = Mutex(ContinuousClock.now)

    init(_ word: String) { self.word = word }

    func show(_ count: Int) {
        guard isLive else { return }
        let isDue = told.withLock { told in
            guard told.duration(to: .now) > .milliseconds(500) else { return false }
            told = .now
            return true
        }
        guard isDue else { return }
        let rate = Int(Double(count) / max(0.001, began.duration(to: .now).seconds))
        DescriptorOutput.tell(
            TerminalText("\(word) \(count) nodes, \(rate)/s", after: .clearLine),
            to: STDERR_FILENO
        )
    }

    func clear() {
        if isLive { DescriptorOutput.tell(TerminalText("", after: .clearLine), to: STDERR_FILENO) }
    }
}

/// A question that only `yes` answers.
enum Question {
    static func confirmed(_ yes: Bool) async -> Bool {
        if yes { return true }
        Output.write("Type yes to go on: ")
        return await AnswerReader(input: STDIN_FILENO, stop: StopSignal.descriptor).line() == "yes"
    }
}
