package import MutualTLS
package import NIOCore
import NIOHTTP1
import NIOPosix
package import Topology

/// The agent's one port: TLS, HTTP/1.1, and a task for each connection.
package struct AgentListener: Sendable {
    package struct Limits: Sendable {
        package let connections: Int
        package let idle: Duration
        package let handshake: Duration

        package init(
            connections: Int = 256,
            idle: Duration = .seconds(120),
            handshake: Duration = .seconds(5)
        ) {
            self.connections = connections
            self.idle = idle
            self.handshake = handshake
        }
    }

    private struct Accepted: Sendable {
        let channel: ConnectionServer.Channel
        let peer: PeerRecord
        let address: String
    }

    private let service: AgentService
    private let tls: ReloadingTLSContext
    private let domain: TrustDomain
    private let counters: AgentCounters
    private let log: LineLogger
    private let limits: Limits
    private let underWay = AnswersUnderWay()
    private let server: NIOAsyncChannel<Accepted?, Never>

    /// Where it listens; the port is the kernel's choice when port 0 was asked for.
    package var address: SocketAddress? { server.channel.localAddress }

    /// Binds at once: a port that is taken stops the agent before it says that it runs.
    package static func bind(
        address: IPAddress,
        port: Int,
        service: AgentService,
        tls: ReloadingTLSContext,
        domain: TrustDomain,
        counters: AgentCounters,
        log: LineLogger,
        group: any EventLoopGroup,
        limits: Limits = Limits()
    ) async throws(AgentServerError) -> AgentListener {
        do {
            let server = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 128)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: address.description, port: port) { channel in
                    accept(channel, tls, counters, log, limits)
                }
            return AgentListener(
                service: service,
                tls: tls,
                domain: domain,
                counters: counters,
                log: log,
                limits: limits,
                server: server
            )
        } catch {
            throw .listen(address: address.description, port: port, reason: "\(error)")
        }
    }

    /// Serves until the task is cancelled or the port is closed; then no connection is left.
    package func run() async {
        let server = server
        let connections = ConnectionServer(service: service, log: log, underWay: underWay)
        let domain = domain
        do {
            try await server.executeThenClose { inbound in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await accepted in inbound {
                        guard let accepted else { continue }
                        group.addTask {
                            await connections.serve(accepted.channel) {
                                accepted.peer.caller(at: accepted.address, in: domain)
                            }
                        }
                    }
                    group.cancelAll()
                }
            }
        } catch is CancellationError {
            return
        } catch {
            log.error("no more connections are accepted", ["reason": "\(error)"])
        }
    }

    /// Returns at a moment in which every request has its whole answer.
    package func untilAnswered() async { await underWay.untilNone() }

    package func close() { server.channel.close(promise: nil) }

    private static func accept(
        _ channel: any Channel,
        _ tls: ReloadingTLSContext,
        _ counters: AgentCounters,
        _ log: LineLogger,
        _ limits: Limits
    ) -> EventLoopFuture<Accepted?> {
        let address = channel.remoteAddress.map(text) ?? "unknown"
        guard counters.openConnection(limit: limits.connections) else {
            log.warning("too many connections", ["peer": address, "limit": String(limits.connections)])
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededFuture(nil)
        }
        channel.closeFuture.whenComplete { _ in counters.closeConnection() }
        return channel.eventLoop.makeCompletedFuture {
            let peer = PeerRecord()
            let pipeline = channel.pipeline.syncOperations
            var decoder = NIOHTTPDecoderLimitConfiguration()
            decoder.maxHeaderFieldSize = 16 << 10
            decoder.maxHeaderListSize = 16 << 10
            decoder.maxHeaderFieldCount = 64
            try pipeline.addHandler(IdleStateHandler(allTimeout: TimeAmount(limits.idle)))
            try pipeline.addHandler(
                MutualTLSHandler(
                    context: tls.current(),
                    deadlines: TLSDeadlines(handshake: TimeAmount(limits.handshake))
                )
            )
            try pipeline.configureHTTPServerPipeline(
                withErrorHandling: false,
                withEncoderConfiguration: HTTPResponseEncoder.Configuration(),
                withDecoderLimitConfiguration: decoder
            )
            try pipeline.addHandler(
                ConnectionWatch(peer: peer, address: address, counters: counters, log: log)
            )
            let wrapped = try ConnectionServer.Channel(wrappingChannelSynchronously: channel)
            return Accepted(channel: wrapped, peer: peer, address: address)
        }
    }

    private static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "unknown"
        let port = address.port.map(String.init) ?? "?"
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
