/// Work that is waited for only so long.
///
/// Work that may fail gives a `Result`.
package enum Deadline {
    private enum Ending<Value: Sendable>: Sendable {
        case ended(Value)
        case expired
        /// The caller was cancelled, and with it the work.
        case interrupted
    }

    /// Nil when `limit` passed first: the work is then cancelled, and its end awaited.
    package static func cancelling<Value: Sendable>(
        after limit: Duration,
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Ending<Value>.self) { group in
            group.addTask { .ended(await work()) }
            group.addTask { await sleep(limit) }
            for await ending in group {
                switch ending {
                case .ended(let value):
                    group.cancelAll()
                    return value
                case .expired:
                    group.cancelAll()
                    return nil
                case .interrupted: continue
                }
            }
            return nil
        }
    }

    /// Nil when `limit` passed first: the work is then cancelled, and left behind if it does not end.
    package static func abandoning<Value: Sendable>(
        after limit: Duration,
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let (endings, told) = AsyncStream<Ending<Value>>.makeStream()
        let working = Task { told.yield(.ended(await work())) }
        let waiting = Task { told.yield(await sleep(limit) as Ending<Value>) }
        defer {
            working.cancel()
            waiting.cancel()
        }
        switch await endings.first(where: { _ in true }) {
        case .ended(let value): return value
        case .expired, .interrupted, nil: return nil
        }
    }

    private static func sleep<Value: Sendable>(_ limit: Duration) async -> Ending<Value> {
        do {
            try await Task.sleep(for: limit)
            return .expired
        } catch {
            return .interrupted
        }
    }
}
