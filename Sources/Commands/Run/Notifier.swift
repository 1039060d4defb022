import Diagnostics
import Glibc
import Printable
import Procedure
import Reporting
import SystemCalls

/// Tells a program of the operator's of what becomes of a run.
///
/// One call after another, in a task of its own: the run never waits for one but at its end, and a call that fails or takes too
/// long is a line of warning.
final class Notifier: Sendable {
    /// More than a run has of these events.
    private static let mostWaiting = 200
    /// Characters of an event's message that are handed on.
    private static let longestMessage = 4000

    private let waiting: AsyncStream<RunEvent>.Continuation
    private let work: Task<Void, Never>

    init(
        _ argv: [String],
        within limit: Duration = .seconds(10),
        warn: @escaping @Sendable (String) -> Void
    ) {
        let (events, waiting) = AsyncStream<RunEvent>.makeStream(
            bufferingPolicy: .bufferingNewest(Self.mostWaiting)
        )
        self.waiting = waiting
        work = Task {
            for await event in events {
                // What waits in the stream is handed out also after the end was asked for.
                if Task.isCancelled { break }
                if let problem = await Self.tell(argv, of: event, within: limit) {
                    warn("--notify: \(argv[0]): \(event.event.rawValue): \(problem); the run goes on")
                }
            }
        }
    }

    /// What nobody can start is refused before a run begins; a name without a slash is looked up in PATH when it is called.
    static func check(_ argv: [String]) throws {
        guard let program = argv.first, !program.isEmpty else { throw Complaint("--notify: name a program") }
        // One text for all of it would be run by a shell only.
        guard !program.contains(" ") || access(program, X_OK) == 0 else {
            throw Complaint(
                "--notify: '\(program)' is no program: give each argument an option of its own, as in --notify=logger "
                    + "--notify=-t --notify=mitosis"
            )
        }
        guard program.contains("/"), access(program, X_OK) != 0 else { return }
        throw Complaint("--notify: \(program) cannot be run: \(systemReason()); name a program that can")
    }

    func take(_ event: RunEvent) {
        if Self.isOfNote(event.event) { waiting.yield(event) }
    }

    /// Gives what is not told yet a last moment.
    func close(within moment: Duration = .seconds(15)) async {
        waiting.finish()
        let work = work
        let isTold: Void? = await Deadline.cancelling(after: moment) {
            await withTaskCancellationHandler {
                await work.value
            } onCancel: {
                work.cancel()
            }
        }
        _ = isTold
    }

    /// Stages, questions, stops and the end.
    private static func isOfNote(_ kind: RunEvent.Kind) -> Bool {
        switch kind {
        case .runStarted, .runResumed, .stageStarted, .stageFinished, .confirmationNeeded, .runStopped,
            .runFinished:
            true
        case .stepStarted, .stepProgress, .stepWaiting, .stepFinished, .warning, .probed: false
        }
    }

    /// Nil when the program has taken it; else why not.
    private static func tell(_ argv: [String], of event: RunEvent, within limit: Duration) async -> String? {
        let event = event.shortened(to: longestMessage)
        let call = OwnProgram(
            argv,
            within: limit,
            environment: [
                "MITOSIS_EVENT": event.event.rawValue, "MITOSIS_RUN": event.run,
                "MITOSIS_STAGE": event.stage?.rawValue ?? "",
            ],
            input: Array((EventLine.json(event) + "\n").utf8)
        )
        switch await call.run(while: { _ in true }).ending {
        case .exited(status: 0): return nil
        case .exited(let status): return "it exited with \(status)"
        case .signaled(let number): return "signal \(number) ended it"
        case .late, .stopped: return "it had not ended after \(limit.seconds) s, and was ended"
        case .notRun(let reason): return "it could not be run: \(PrintableText(reason, limit: 300))"
        }
    }
}
