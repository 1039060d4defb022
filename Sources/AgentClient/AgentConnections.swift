import ControlProtocol
import Logging
import Logs
import MutualTLS
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Topology

/// The connections to one agent: made when needed, kept while they are good for another call.
final class AgentConnections: Sendable {
    struct Connection: Sendable {
        let channel: any Channel
        let failure: FailureNote
        /// What the agent's certificate was judged by.
        let context: TLSContext
    }

    private struct Idle: Sendable {
        let connection: Connection
        let since: ContinuousClock.Instant
    }

    private struct Opened: Sendable {
        let connection: Connection
        let ready: EventLoopFuture<Void>
    }

    struct Checkout: Sendable {
        let connection: Connection
        /// The agent may have hung up on it without our knowing yet.
        let isReused: Bool
    }

    /// The agent hangs up on a connection after 120 s.
    private static let longestIdle = Duration.seconds(60)
    private static let most = 2

    private let host: HostName
    private let identity: PeerIdentity
    private let address: String
    private let port: Port
    private let tls: ReloadingTLSContext
    private let group: any EventLoopGroup
    private let patience: Patience
    private let log: Logger
    private let idle = Mutex<[Idle]>([])

    init(
        host: HostName,
        identity: PeerIdentity,
        address: String,
        port: Port,
        tls: ReloadingTLSContext,
        group: any EventLoopGroup,
        patience: Patience,
        log: Logger
    ) {
        self.log = log
        self.host = host
        self.identity = identity
        self.address = address
        self.port = port
        self.tls = tls
        self.group = group
        self.patience = patience
    }

    deinit { closeIdle() }

    func closeIdle() {
        let entries = idle.withLock { idle in
            defer { idle = [] }
            return idle
        }
        for entry in entries { entry.connection.channel.close(promise: nil) }
    }

    /// A connection that was judged by certificate files that have been replaced since is not taken again: its agent's
    /// certificate may be revoked.
    ///
    /// - Parameter freshness: how long a connection may have been idle to be taken again.
    func take(freshness: Duration) async throws(AgentClientError) -> Checkout {
        let context = await tls.current()
        if let connection = reuse(freshness, judgedBy: context) {
            return Checkout(connection: connection, isReused: true)
        }
        do {
            let connection = try await connect(context)
            log.debug("connected to an agent", fields: place)
            return Checkout(connection: connection, isReused: false)
        } catch {
            let failure = classify(error)
            log.info("no connection to an agent: \(failure)")
            throw failure
        }
    }

    private var place: KeyValuePairs<String, String> {
        ["host": host.description, "address": address, "port": port.description]
    }

    func giveBack(_ connection: Connection) {
        let isKept = idle.withLock { idle in
            guard connection.channel.isActive, idle.count < Self.most else { return false }
            idle.append(Idle(connection: connection, since: .now))
            return true
        }
        if !isKept { connection.channel.close(promise: nil) }
    }

    private func reuse(_ freshness: Duration, judgedBy context: TLSContext) -> Connection? {
        let limit = min(freshness, Self.longestIdle)
        let (found, stale) = idle.withLock { idle in
            var stale: [any Channel] = []
            while let last = idle.popLast() {
                if last.connection.channel.isActive, last.connection.context === context,
                    ContinuousClock.now - last.since < limit
                {
                    return (Optional(last.connection), stale)
                }
                stale.append(last.connection.channel)
            }
            return (nil, stale)
        }
        for channel in stale { channel.close(promise: nil) }
        return found
    }

    private func connect(_ context: TLSContext) async throws -> Connection {
        let timeout = TimeAmount(patience.connect)
        // The handshake may be over, either way, before this task hears of the connection.
        let opened = try await ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: address, port: Int(port.number)) { [identity] channel in
                channel.eventLoop.makeCompletedFuture {
                    let ready = channel.eventLoop.makePromise(of: Void.self)
                    let failure = FailureNote()
                    let pipeline = channel.pipeline.syncOperations
                    do {
                        try pipeline.addHandler(
                            MutualTLSHandler(
                                context: context,
                                expecting: .server(identity),
                                deadlines: TLSDeadlines(handshake: timeout)
                            )
                        )
                        try pipeline.addHTTPClientHandlers()
                        try pipeline.addHandler(ExchangeHandler(ready: ready, failure: failure))
                    } catch {
                        ready.fail(error)
                        throw error
                    }
                    let connection = Connection(channel: channel, failure: failure, context: context)
                    return Opened(connection: connection, ready: ready.futureResult)
                }
            }
        do {
            try await opened.ready.get()
        } catch {
            opened.connection.channel.close(promise: nil)
            throw error
        }
        return opened.connection
    }

    private func classify(_ error: any Error) -> AgentClientError {
        guard let error = error as? TLSError else { return .unreachable(host: host, reason: reason(error)) }
        return error.isAboutIdentity
            ? .identity(host: host, reason: error.description)
            : .unreachable(host: host, reason: error.description)
    }

    private func reason(_ error: any Error) -> String {
        guard let error = error as? NIOConnectionError else { return "\(error)" }
        if let dns = error.dnsAError ?? error.dnsAAAAError { return "\(dns)" }
        let failures = error.connectionErrors.map { "\($0.target): \($0.error)" }
        return failures.isEmpty ? "\(error)" : failures.joined(separator: "; ")
    }
}

extension TLSError {
    /// Whether it says that the two sides do not accept each other, and not that they could not talk.
    var isAboutIdentity: Bool {
        switch self {
        case .certificateRefused, .refusedByPeer, .notTLS, .plainHTTP, .olderTLS: true
        case .unreadable, .keyExposed, .malformed, .keyDoesNotFit, .notP256, .notAnAuthority, .notOurs,
            .ended, .notBegun, .noRevocationList, .revocationListTakenBack, .unkept, .library,
            .exchangeFailed, .handshakeTimedOut, .closedDuringHandshake, .truncated:
            false
        }
    }
}
