import ControlProtocol
import Synchronization
import SystemCalls

/// The chain that this host keeps, one caller at a time, each waiting for the disk on a thread of its own.
///
/// Nothing of it is needed for the agent to start: it is opened when it is first asked for, and again after it could not be.
final class ChainBook: Sendable {
    private let directory: String
    private let store = Mutex<ChainStore?>(nil)

    init(stateDirectory: String) { directory = stateDirectory + "/chain" }

    func take(_ request: ChainRequest) async throws(AgentServerError) -> ChainState {
        try await onDisk { (store) throws(AgentServerError) in
            try store.take(request.entries, of: request.lease.runID, replacing: request.replacing)
        }
    }

    func page(from number: Int) async throws(AgentServerError) -> (state: ChainState, entries: [ChainLink]) {
        try await onDisk { (store) throws(AgentServerError) in
            let entries = try store.read(from: number)
            return (store.state(), entries)
        }
    }

    private func onDisk<Value: Sendable>(
        _ body: @escaping @Sendable (ChainStore) throws(AgentServerError) -> Value
    ) async throws(AgentServerError) -> Value {
        let result = await BlockingThread.run { () -> Result<Value, AgentServerError> in
            self.store.withLock { store in
                do throws(AgentServerError) {
                    if let store { return .success(try body(store)) }
                    let opened = try ChainStore(directory: self.directory)
                    store = opened
                    return .success(try body(opened))
                } catch {
                    return .failure(error)
                }
            }
        }
        return try result.get()
    }
}
