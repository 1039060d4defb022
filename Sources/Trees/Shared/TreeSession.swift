package import Logging
import Synchronization
package import SystemCalls
package import Topology
package import ZooKeeperClient

/// A session with any of an ensemble's servers, opened again as often as it breaks.
package final class TreeSession: Sendable {
    private let connect: ConnectString
    private let options: SessionOptions
    private let patience: Duration
    private let timing: Timing
    private let opened: @Sendable (SessionID) throws(TreesError) -> Void
    private let log: Logger
    private let session = Mutex<ZooKeeperSession?>(nil)

    /// - Parameters:
    ///   - patience: without an answer of any server, after which nothing is tried any more.
    ///   - opened: told of each new session before anything is asked or written in it.
    package init(
        _ connect: ConnectString,
        credentials: [Credentials],
        patience: Duration = .seconds(60),
        timing: Timing,
        log: Logger,
        opened: @escaping @Sendable (SessionID) throws(TreesError) -> Void = { _ throws(TreesError) in }
    ) {
        var options = SessionOptions()
        options.credentials = credentials
        // Others' requests wait at the server behind what is on its way there.
        options.requestsInFlight = 64
        self.connect = connect
        self.options = options
        self.patience = patience
        self.timing = timing
        self.opened = opened
        self.log = log
    }

    package func close() async {
        let old = session.withLock { held in
            defer { held = nil }
            return held
        }
        await old?.close()
    }

    /// Performs `body`, and again when its connection broke: any of its writes may have happened then.
    func perform<Value>(
        _ body: (ZooKeeperSession) async throws(TreesError) -> Value
    ) async throws(TreesError) -> Value {
        let began = timing.monotonic()
        var isRepeated = false
        while true {
            do throws(TreesError) {
                let session = try await current()
                if isRepeated {
                    // It may have gone on at a server that has not seen yet what was done at the last one.
                    try await orTrees { () throws(ZooKeeperError) in try await session.sync("/") }
                }
                return try await body(session)
            } catch {
                guard case .zooKeeper(let reason) = error, reason.mayPass, !Task.isCancelled,
                    timing.monotonic() - began < patience
                else { throw error }
                isRepeated = true
            }
            await timing.sleep(.milliseconds(200))
        }
    }

    /// The same with an answer for each of many, all of which are asked for again when one of them was lost.
    func performAll<Value>(
        _ body: (ZooKeeperSession) async -> [Result<Value, ZooKeeperError>]
    ) async throws(TreesError) -> [Result<Value, ZooKeeperError>] {
        try await perform { session throws(TreesError) in
            let results = await body(session)
            for case .failure(let error) in results where error.mayPass { throw .zooKeeper(error) }
            return results
        }
    }

    private func current() async throws(TreesError) -> ZooKeeperSession {
        if let held = session.withLock({ $0 }) {
            switch held.state {
            case .connecting, .connected: return held
            case .ended: await close()
            }
        }
        let new = try await orTrees { () throws(ZooKeeperError) in
            try await ZooKeeperSession.connect(
                connect,
                timeout: min(patience, .seconds(10)),
                options: options,
                log: log
            )
        }
        do throws(TreesError) {
            // Its number is not known while it has lost its connection again.
            guard let id = new.sessionID else { throw .zooKeeper(.connectionLoss) }
            try opened(id)
            // What is read from here on is not older than what another server has shown.
            try await orTrees { () throws(ZooKeeperError) in try await new.sync("/") }
        } catch {
            // Let go of, it would close at a time of its own, beside the next ones that are tried.
            await new.close()
            throw error
        }
        session.withLock { $0 = new }
        return new
    }
}

/// The same with the error of this module.
func orTrees<Value>(
    _ body: () async throws(ZooKeeperError) -> Value
) async throws(TreesError) -> Value {
    do throws(ZooKeeperError) { return try await body() } catch { throw .zooKeeper(error) }
}

extension Result where Failure == ZooKeeperError {
    /// The same with the error of this module.
    func orTrees() throws(TreesError) -> Success {
        switch self {
        case .success(let value): return value
        case .failure(let error): throw .zooKeeper(error)
        }
    }
}
