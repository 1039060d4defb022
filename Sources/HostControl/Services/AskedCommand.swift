import Synchronization

/// A command under way.
///
/// Left alone it goes on to its end: a start command may be the service itself.
final class AskedCommand: Sendable {
    private final class Ending: Sendable {
        let verdict = Mutex<Result<Void, ServiceError>?>(nil)
    }

    private let ending: Ending
    private let task: Task<Void, Never>

    init(_ body: @escaping @Sendable () async throws(ServiceError) -> Void) {
        let ending = Ending()
        self.ending = ending
        task = Task {
            do throws(ServiceError) {
                try await body()
                ending.verdict.withLock { $0 = .success(()) }
            } catch {
                ending.verdict.withLock { $0 = .failure(error) }
            }
        }
    }

    /// Nil while it has not ended.
    var verdict: Result<Void, ServiceError>? { ending.verdict.withLock { $0 } }

    /// Waits for its end, then kills it with its process group; what even that does not end is left.
    func end(within grace: Duration) async {
        for limit in [grace, .seconds(5)] {
            let begin = ContinuousClock.now
            while verdict == nil, begin.duration(to: .now) < limit {
                do {
                    try await Task.sleep(for: .milliseconds(10))
                } catch {
                    break
                }
            }
            guard verdict == nil else { return }
            task.cancel()
        }
    }
}
