import Logging
import Synchronization
import SystemCalls
import Topology
import ZooKeeperClient

/// One server's copy of the tree, read over a session with that server alone.
///
/// A broken connection is waited for, an ended session opened again, until `patience` has passed without an answer.
final class Replica: Sendable {
    let server: ComparedServer
    private let connect: ConnectString
    private let options: SessionOptions
    private let patience: Duration
    private let timing: Timing
    private let log: Logger
    private let session = Mutex<ZooKeeperSession?>(nil)

    /// Nil for a server that no connect string can name.
    init?(_ server: ComparedServer, options: SessionOptions, patience: Duration, timing: Timing, log: Logger)
    {
        guard let connect = ConnectString(server.server.description) else { return nil }
        self.server = server
        self.connect = connect
        self.options = options
        self.patience = patience
        self.timing = timing
        self.log = log
    }

    /// Later reads see at least what the leader had committed by now.
    func sync() async throws(ZooKeeperError) {
        _ = try await reads(["/"]) { session, _ in
            do throws(ZooKeeperError) {
                try await session.sync("/")
                return [.success(true)]
            } catch {
                return [.failure(error)]
            }
        }
    }

    func whole(_ paths: [String]) async throws(ZooKeeperError) -> [WholeNode?] {
        try await reads(paths) { session, paths in await session.whole(all: paths) }
            .map { $0 ?? nil }
    }

    /// What is below each.
    func children(_ paths: [String]) async throws(ZooKeeperError) -> [Listing] {
        try await reads(paths) { session, paths in
            await session.children(all: paths)
                .map { result in
                    switch result {
                    case .success(let children): return .success(.children(children))
                    case .failure(.noNode): return .success(.gone)
                    case .failure(let error): return .failure(error)
                    }
                }
        }
        .map { $0 ?? .denied }
    }

    enum Listing: Sendable {
        case children(NodeChildren)
        case gone
        case denied

        var children: NodeChildren? {
            switch self {
            case .children(let children): children
            case .gone, .denied: nil
            }
        }

        var isDenied: Bool {
            switch self {
            case .denied: true
            case .children, .gone: false
            }
        }
    }

    func close() async {
        let old = session.withLock { held in
            defer { held = nil }
            return held
        }
        await old?.close()
    }

    /// Repeats what a broken connection left without an answer; nil for what may not be read.
    private func reads<Value: Sendable>(
        _ paths: [String],
        _ read: (ZooKeeperSession, [String]) async -> [Result<Value, ZooKeeperError>]
    ) async throws(ZooKeeperError) -> [Value?] {
        var values = [Value?](repeating: nil, count: paths.count)
        var open = Array(paths.indices)
        var silentSince = timing.monotonic()
        while !open.isEmpty {
            var failure: ZooKeeperError?
            do throws(ZooKeeperError) {
                let session = try await current()
                let results = await read(session, open.map { paths[$0] })
                var left: [Int] = []
                for (index, result) in zip(open, results) {
                    switch result {
                    case .success(let value): values[index] = value
                    case .failure(.noAuth): break
                    case .failure(let error):
                        guard error.mayPass else { throw error }
                        failure = error
                        left.append(index)
                    }
                }
                if left.count < open.count { silentSince = timing.monotonic() }
                open = left
            } catch {
                guard error.mayPass else { throw error }
                failure = error
            }
            guard let failure else { continue }
            guard timing.monotonic() - silentSince < patience, !Task.isCancelled else { throw failure }
            await timing.sleep(.milliseconds(200))
        }
        return values
    }

    private func current() async throws(ZooKeeperError) -> ZooKeeperSession {
        if let held = session.withLock({ $0 }) {
            switch held.state {
            case .connecting, .connected: return held
            case .ended: await close()
            }
        }
        let opened = try await ZooKeeperSession.connect(
            connect,
            timeout: min(patience, .seconds(10)),
            options: options,
            log: log
        )
        session.withLock { $0 = opened }
        return opened
    }
}
