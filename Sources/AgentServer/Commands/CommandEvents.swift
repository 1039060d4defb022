import ControlProtocol
import Synchronization
import SystemCalls

/// The answer to one command as it comes about.
///
/// It never stays silent for longer than `pulse`, so a caller can tell a slow command from a lost agent. Nobody
/// needs to listen: a command that has begun does not wait for its reader.
struct CommandEvents: Sendable {
    private let continuation: AsyncStream<CommandEvent>.Continuation
    private let ticker: Task<Void, Never>
    private let started = ContinuousClock.now
    private let reader = Reader()

    /// Whether whoever reads them is still there.
    private final class Reader: Sendable {
        let hasLeft = Atomic(false)
    }

    /// The stream goes to the caller and is kept nowhere else: with its last reference the caller has left.
    static func make(pulse: Duration) -> (events: CommandEvents, stream: AsyncStream<CommandEvent>) {
        let (stream, continuation) = AsyncStream<CommandEvent>.makeStream()
        return (CommandEvents(pulse, continuation), stream)
    }

    private init(_ pulse: Duration, _ continuation: AsyncStream<CommandEvent>.Continuation) {
        let started = started
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
        continuation.onTermination = { [reader] ending in
            if case .cancelled = ending { reader.hasLeft.store(true, ordering: .relaxed) }
        }
    }

    /// False once the caller has hung up, as far as the network tells.
    var isWanted: Bool { !reader.hasLeft.load(ordering: .relaxed) }

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

    /// Ends it without an outcome, where nobody shall hear of one.
    func leave() {
        ticker.cancel()
        continuation.finish()
    }
}
