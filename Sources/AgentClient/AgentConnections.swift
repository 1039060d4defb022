import ControlProtocol
import MutualTLS
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Topology

/// The connections to one agent: made when needed, kept while they are good for another call.
final class AgentConnections: Sendable {
    struct Idle: Sendable {
        let channel: any Channel
        let since: ContinuousClock.Instant
    }

    struct Checkout: Sendable {
        let channel: any Channel
        /// The agent may have hung up on it without our knowing yet.
        let isReused: Bool
    }

    /// The agent hangs up on a connection after 120 s.
    private static let longestIdle = Duration.seconds(60)
    private static let most = 2

    private let host: HostName
    private let address: String
    private let port: Port
    private let tls: ReloadingTLSContext
    private let group: any EventLoopGroup
    private let patience: Patience
    private let idle = Mutex<[Idle]>([])

    init(
        host: HostName,
        address: String,
        port: Port,
        tls: ReloadingTLSContext,
        group: any EventLoopGroup,
        patience: Patience
    ) {
        self.host = host
        self.address = address
        self.port = port
        self.tls = tls
        self.group = group
        self.patience = patience
    }

    deinit {
        for entry in idle.withLock({ $0 }) { entry.channel.close(promise: nil) }
    }

    /// - Parameter freshness: how long a connection may have been idle to be taken again.
    func take(freshness: Duration) async throws(AgentClientError) -> Checkout {
        if let channel = reuse(freshness) { return Checkout(channel: channel, isReused: true) }
        do {
            return Checkout(channel: try await connect(), isReused: false)
        } catch {
            throw classify(error)
        }
    }

    func giveBack(_ channel: any Channel) {
        let isKept = idle.withLock { idle in
            guard channel.isActive, idle.count < Self.most else { return false }
            idle.append(Idle(channel: channel, since: .now))
            return true
        }
        if !isKept { channel.close(promise: nil) }
    }

    private func reuse(_ freshness: Duration) -> (any Channel)? {
        let limit = min(freshness, Self.longestIdle)
        let (found, stale) = idle.withLock { idle in
            var stale: [any Channel] = []
            while let last = idle.popLast() {
                if last.channel.isActive, ContinuousClock.now - last.since < limit {
                    return (Optional(last.channel), stale)
                }
                stale.append(last.channel)
            }
            return (nil, stale)
        }
        for channel in stale { channel.close(promise: nil) }
        return found
    }

    private func connect() async throws -> any Channel {
        let timeout = TimeAmount(patience.connect)
        let tls = tls.current()
        let channel = try await ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(MutualTLSHandler(context: tls, deadlines: TLSDeadlines(handshake: timeout)))
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(ExchangeHandler(ready: channel.eventLoop.makePromise()))
                }
            }
            .connect(host: address, port: Int(port.number))
            .get()
        do {
            let ready = channel.eventLoop.flatSubmit {
                do {
                    return try channel.pipeline.syncOperations.handler(type: ExchangeHandler.self).ready.futureResult
                } catch {
                    // It has left the pipeline: the channel is closed already.
                    return channel.eventLoop.makeFailedFuture(ExchangeFailure.closed)
                }
            }
            try await ready.get()
        } catch {
            channel.close(promise: nil)
            throw error
        }
        return channel
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
        case .unreadable, .keyExposed, .malformed, .keyDoesNotFit, .notP256, .notAnAuthority, .library,
            .exchangeFailed, .handshakeTimedOut, .closedDuringHandshake, .truncated:
            false
        }
    }
}
