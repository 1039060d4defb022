import AgentClient
import ControlProtocol
import Synchronization

/// The events of one command as its caller saw them.
final class EventLog: Sendable {
    private let kept = Mutex<[CommandEvent]>([])

    var events: [CommandEvent] { kept.withLock { $0 } }

    func add(_ event: CommandEvent) { kept.withLock { $0.append(event) } }
}

extension AgentClient {
    /// For a caller who only wants the end.
    func perform(_ request: CommandRequest) async throws(AgentClientError) -> CommandOutcome {
        try await perform(request) { _ in }
    }
}
