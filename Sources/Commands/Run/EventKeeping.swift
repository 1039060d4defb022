import ControlProtocol
import Procedure
import Synchronization
import SystemCalls

/// Has a run's events kept with its journal: behind the run's back, some at a time, and never within the window, where each
/// write to the disk would keep clients waiting.
///
/// What was told in the window is kept when it is over; a crash in it loses those few events, and none of the journal's steps.
final class EventKeeping: Sendable {
    /// Between two writes.
    private static let pause = Duration.milliseconds(500)
    /// More than any window has.
    private static let mostWaiting = 10_000

    private struct State {
        var waiting: [RunEvent] = []
        var isWindowOpen = false
        /// Told once; nothing is kept from then on.
        var hasFailed = false
    }

    private let journal: any RunArchive
    private let run: RunID
    private let timing: Timing
    private let warn: @Sendable (String) -> Void
    private let state = Mutex(State())
    /// Who writes: a batch that was taken first is written first.
    private let turn = Mutex(())

    /// - Parameters:
    ///   - timing: of the writes alone; not the run's, which nothing here may hold up.
    ///   - warn: told once when no more is kept.
    init(
        _ journal: any RunArchive,
        of run: RunID,
        timing: Timing = .system,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.journal = journal
        self.run = run
        self.timing = timing
        self.warn = warn
    }

    /// Waits for nobody.
    func take(_ event: RunEvent) {
        state.withLock { state in
            switch event.windowChange {
            case .opens: state.isWindowOpen = true
            case .closes: state.isWindowOpen = false
            case nil: break
            }
            guard !event.isTransient, !state.hasFailed, state.waiting.count < Self.mostWaiting else { return }
            state.waiting.append(event)
        }
    }

    /// Writes until it is cancelled.
    func work() async {
        while !Task.isCancelled {
            await timing.sleep(Self.pause)
            if !state.withLock({ $0.isWindowOpen }) { flush() }
        }
    }

    /// Writes what waits.
    func flush() { turn.withLock { _ in write() } }

    private func write() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        guard !waiting.isEmpty else { return }
        let problem: String?
        do throws(JournalError) {
            problem =
                try journal.keep(waiting, of: run) ? nil : "the run has more events than a journal keeps"
        } catch {
            problem = "\(error)"
        }
        guard let problem else { return }
        let isNews = state.withLock { state in
            defer { state.hasFailed = true }
            return !state.hasFailed
        }
        if isNews { warn("its events are kept no more, the run goes on: \(problem)") }
    }
}
