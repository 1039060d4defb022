import ControlProtocol
import SystemCalls

/// The answer to one command as it comes about.
///
/// It never stays silent for longer than `pulse`, so a caller can tell a slow command from a lost agent. Nobody
/// needs to listen: the command does not wait for its reader.
struct CommandEvents: Sendable {
    let stream: AsyncStream<CommandEvent>
    private let continuation: AsyncStream<CommandEvent>.Continuation
    private let ticker: Task<Void, Never>
    private let started = ContinuousClock.now

    init(pulse: Duration) {
        let (stream, continuation) = AsyncStream<CommandEvent>.makeStream()
        let started = started
        self.stream = stream
        self.continuation = continuation
        ticker = Task {
            while true {
                do {
                    try await Task.sleep(for: pulse)
                } catch {
                    return
                }
                let elapsed = (ContinuousClock.now - started).milliseconds
                continuation.yield(.progress(message: "still at it", milliseconds: elapsed))
            }
        }
    }

    var milliseconds: Int { (ContinuousClock.now - started).milliseconds }

    func accept(_ id: CommandID) { continuation.yield(.accepted(id: id)) }

    func progress(_ message: String) {
        continuation.yield(.progress(message: message, milliseconds: milliseconds))
    }

    func finish(_ outcome: CommandOutcome) {
        ticker.cancel()
        continuation.yield(.finished(outcome: outcome))
        continuation.finish()
    }
}
