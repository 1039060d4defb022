import FoundationEssentials
package import Logging
import Logs
package import Procedure
import Synchronization
package import SystemCalls
package import Topology
package import ZooKeeperClient

/// Uses an ensemble lightly, as a client does, for as long as its task goes on: writes a node of its own, and reads it.
///
/// The node is ephemeral, in the root, and goes with the session.
package struct EnsembleProbe: Sendable {
    package struct Options: Sendable {
        /// Between an answer and the next request.
        package var pause = Duration.milliseconds(200)
        /// Between two samples.
        package var interval = Duration.seconds(1)
        package var sessionTimeout = Duration.seconds(6)
        package var credentials: [Credentials] = []

        package init() {}
    }

    /// For a server that answers; another try follows.
    private static let patience = Duration.seconds(5)

    /// Before another session with an ensemble that lets nobody write there.
    private static let rest = Duration.seconds(30)

    private let side: ProbedSide
    private let servers: ConnectString
    private let node: String
    private let options: Options
    private let timing: Timing
    private let log: Logger

    /// - Parameter plan: its name is part of the node's.
    package init(
        _ side: ProbedSide,
        of servers: ConnectString,
        plan: String,
        options: Options = Options(),
        timing: Timing,
        log: Logger
    ) {
        self.side = side
        self.servers = servers
        node = side.node(of: plan)
        self.options = options
        self.timing = timing
        self.log = log
    }

    /// Returns when its task is cancelled, and its session has ended: no node stays behind.
    package func watch(_ tell: @escaping @Sendable (ProbeSample) -> Void) async {
        let count = Count(side)
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    await timing.sleep(options.interval)
                    guard !Task.isCancelled else { break }
                    let sample = count.tally.withLock { $0.sample(timing.now(), at: timing.monotonic()) }
                    if let sample { tell(sample) }
                }
            }
            while !Task.isCancelled {
                let isRefused = await use(count)
                guard !Task.isCancelled else { break }
                count.tally.withLock { $0.fail() }
                // Who may not write there does not open sessions several times a second.
                await timing.sleep(isRefused ? Self.rest : options.pause)
            }
        }
    }

    private final class Count: Sendable {
        let tally: Mutex<ProbeTally>

        init(_ side: ProbedSide) { tally = Mutex(ProbeTally(side)) }
    }

    /// One session, until it ends or the task is cancelled.
    ///
    /// - Returns: whether this program may not write there.
    private func use(_ count: Count) async -> Bool {
        var session = SessionOptions()
        session.credentials = options.credentials
        session.sessionTimeout = options.sessionTimeout
        do throws(ZooKeeperError) {
            let session = try await ZooKeeperSession.connect(
                servers,
                timeout: Self.patience,
                options: session,
                log: log
            )
            var isRefused = false
            do throws(ZooKeeperError) {
                try await write(over: session, count)
            } catch {
                isRefused = error.isRefusal
                log.debug(
                    "a probe's session has ended",
                    fields: ["side": side.rawValue, "reason": "\(error)"]
                )
            }
            await session.close()
            return isRefused
        } catch {
            log.debug("a probe has no session", fields: ["side": side.rawValue, "reason": "\(error)"])
            return error.isRefusal
        }
    }

    /// Throws when the session is over, or cannot be used.
    private func write(over session: ZooKeeperSession, _ count: Count) async throws(ZooKeeperError) {
        while !Task.isCancelled {
            let began = timing.monotonic()
            do throws(ZooKeeperError) {
                let zxid = try await set(over: session)
                let ended = timing.monotonic()
                _ = try await session.exists(node)
                count.tally.withLock { $0.acknowledge(ended - began, at: ended, zxid) }
            } catch {
                // The library keeps a session up over reconnections; an answer that was lost is one failure.
                guard case .connectionLoss = error else { throw error }
                count.tally.withLock { $0.fail() }
            }
            await timing.sleep(options.pause)
        }
    }

    /// Gives the transaction of the write.
    private func set(over session: ZooKeeperSession) async throws(ZooKeeperError) -> Zxid {
        do throws(ZooKeeperError) {
            return try await session.set(node, data: Data("probe of mitosis".utf8)).mzxid
        } catch {
            guard case .noNode = error else { throw error }
        }
        do throws(ZooKeeperError) {
            _ = try await session.create(node, mode: .ephemeral)
        } catch {
            // Of a session before, which has not lapsed yet.
            guard case .nodeExists = error else { throw error }
        }
        return try await session.set(node, data: Data("probe of mitosis".utf8)).mzxid
    }
}

extension ZooKeeperError {
    /// Another try would be refused as well, for as long as nobody changes who may do what.
    fileprivate var isRefusal: Bool {
        switch self {
        case .noAuth, .authenticationFailed, .invalidACL, .noChildrenForEphemerals: true
        case .connectionLoss, .timeout, .sessionExpired, .closed, .cancelled, .noNode, .nodeExists,
            .badVersion,
            .notEmpty, .invalidArguments, .unresolvable, .tlsUnavailable, .other:
            false
        }
    }
}
