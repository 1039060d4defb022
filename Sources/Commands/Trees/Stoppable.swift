import Trees
import ZooKeeperClient

/// Work that ends at the first Ctrl-C; what it has done stands, and the same command goes on.
enum Stoppable {
    static func perform<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        StopSignal.install()
        let work = Task { try await body() }
        let stop = Task {
            for await _ in StopSignal.asked() { work.cancel() }
        }
        defer { stop.cancel() }
        do {
            return try await work.value
        } catch TreesError.zooKeeper(.cancelled) {
            throw Complaint("stopped; the same command goes on")
        }
    }
}
