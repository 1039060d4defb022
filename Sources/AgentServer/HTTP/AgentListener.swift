import FoundationEssentials
package import Logging
import Logs
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
        /// Unfinished handshakes, of everybody and of one address.
        package let handshakes: Int
        package let handshakesPerSource: Int
        /// An older connection is closed after its next answer.
        package let age: Duration

        package init(
            connections: Int = 256,
            idle: Duration = .seconds(120),
            handshake: Duration = .seconds(5),
            handshakes: Int = 128,
            handshakesPerSource: Int = 16,
            age: Duration = .seconds(600)
        ) {
            self.connections = connections
            self.idle = idle
            self.handshake = handshake
            self.handshakes = handshakes
            self.handshakesPerSource = handshakesPerSource
            self.age = age
        }
    }

    private struct Accepted: Sendable {
        let channel: ConnectionServer.Channel
        let peer: PeerRecord
        let address: String
        /// What the handshake is judged by.
        let context: TLSContext
        let opened: ContinuousClock.Instant
    }

    private let service: AgentService
    private let tls: ReloadingTLSContext
    private let domain: TrustDomain
    private let counters: AgentCounters
    private let log: Logger
    private let limits: Limits
    private let underWay = AnswersUnderWay()
    private let book: ConnectionBook
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
        log: Logger,
        group: any EventLoopGroup,
        limits: Limits = Limits()
    ) async throws(AgentServerError) -> AgentListener {
        do {
            let book = ConnectionBook(limits: limits)
            let refusals = RefusalLog(log)
            let server = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 128)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: address.description, port: port) { channel in
                    accept(channel, tls, counters, book, refusals, limits)
                }
            return AgentListener(
                service: service,
                tls: tls,
                domain: domain,
                counters: counters,
                log: log,
                limits: limits,
                book: book,
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
        let tls = tls
        let limits = limits
        // One whose context was still looked for when the port closed is handed to nobody.
        defer { book.closeUnfinished() }
        do {
            try await server.executeThenClose { inbound in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await accepted in inbound {
                        guard let accepted else { continue }
                        group.addTask {
                            await connections.serve(
                                accepted.channel,
                                caller: { accepted.peer.caller(at: accepted.address, in: domain) },
                                objection: {
                                    let current = await tls.current()
                                    return accepted.peer.standing(judgedBy: accepted.context, now: current)?
                                        .objection(at: Date())
                                },
                                isOld: { accepted.opened.duration(to: .now) > limits.age }
                            )
                        }
                    }
                    group.cancelAll()
                }
            }
        } catch is CancellationError {
            return
        } catch {
            log.error("no more connections are accepted", fields: ["reason": "\(error)"])
        }
    }

    /// Returns at a moment in which every request has its whole answer.
    package func untilAnswered() async { await underWay.untilNone() }

    package func close() { server.channel.close(promise: nil) }

    private static func accept(
        _ channel: any Channel,
        _ tls: ReloadingTLSContext,
        _ counters: AgentCounters,
        _ book: ConnectionBook,
        _ refusals: RefusalLog,
        _ limits: Limits
    ) -> EventLoopFuture<Accepted?> {
        let address = channel.remoteAddress.map(text) ?? "unknown"
        switch book.admit(channel, from: channel.remoteAddress?.ipAddress ?? "unknown") {
        case .admitted: break
        case .admittedInPlace(let oldest):
            counters.countDrop()
            refusals.warning(
                "connection closed",
                peer: oldest.remoteAddress.map(text) ?? "unknown",
                reason: "its handshake is the oldest of too many unfinished ones: \(limits.handshakes)"
            )
            oldest.close(promise: nil)
        case .refused(let reason):
            counters.countDrop()
            refusals.warning("connection not taken", peer: address, reason: reason)
            channel.close(promise: nil)
            return channel.eventLoop.makeSucceededFuture(nil)
        }
        counters.openConnection()
        channel.closeFuture.whenComplete { _ in
            book.forget(channel)
            counters.closeConnection()
        }
        let looked = channel.eventLoop.makeFutureWithTask { await tls.current() }
        let accepted: EventLoopFuture<Accepted?> = looked.flatMapThrowing { context in
            let peer = PeerRecord()
            let pipeline = channel.pipeline.syncOperations
            var decoder = NIOHTTPDecoderLimitConfiguration()
            decoder.maxHeaderFieldSize = 16 << 10
            decoder.maxHeaderListSize = 16 << 10
            decoder.maxHeaderFieldCount = 64
            try pipeline.addHandler(IdleStateHandler(allTimeout: TimeAmount(limits.idle)))
            try pipeline.addHandler(
                MutualTLSHandler(
                    context: context,
                    expecting: .anyClient,
                    deadlines: TLSDeadlines(handshake: TimeAmount(limits.handshake))
                )
            )
            try pipeline.configureHTTPServerPipeline(
                withErrorHandling: false,
                withEncoderConfiguration: HTTPResponseEncoder.Configuration(),
                withDecoderLimitConfiguration: decoder
            )
            try pipeline.addHandler(
                ConnectionWatch(
                    peer: peer,
                    address: address,
                    counters: counters,
                    book: book,
                    refusals: refusals
                )
            )
            let wrapped = try ConnectionServer.Channel(wrappingChannelSynchronously: channel)
            return Accepted(channel: wrapped, peer: peer, address: address, context: context, opened: .now)
        }
        // Nobody else closes a connection that came to no handlers.
        accepted.whenFailure { _ in channel.close(promise: nil) }
        return accepted
    }

    private static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "unknown"
        let port = address.port.map(String.init) ?? "?"
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
