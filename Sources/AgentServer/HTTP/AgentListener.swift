import Glibc
package import Logging
package import MutualTLS
package import NIOCore
import NIOPosix
import SystemCalls
package import Topology

/// The agent's one port: TLS, HTTP/1.1, and a task for each connection of a known peer.
package struct AgentListener: Sendable {
    private let underWay: AnswersUnderWay
    private let book: ConnectionBook
    private let tasks: ServingTasks
    private let server: any Channel

    /// Where it listens; the port is the kernel's choice when port 0 was asked for.
    package var address: SocketAddress? { server.localAddress }

    /// Binds at once: a port that is taken stops the agent before it says that it runs.
    package static func bind(
        address: IPAddress,
        port: Int,
        service: AgentService,
        tls: ReloadingTLSContext,
        domain: TrustDomain,
        counters: AgentCounters,
        refusals: RefusalLog,
        log: Logger,
        group: any EventLoopGroup,
        limits: Limits = Limits()
    ) async throws(AgentServerError) -> AgentListener {
        let underWay = AnswersUnderWay()
        let reception = Reception(
            limits: limits,
            tls: tls,
            domain: domain,
            counters: counters,
            refusals: refusals,
            book: ConnectionBook(limits: limits),
            tasks: ServingTasks(),
            connections: ConnectionServer(
                service: service,
                pace: RequestPace(limits.pace),
                bodies: BodyBudget(limits.bodies),
                counters: counters,
                refusals: refusals,
                underWay: underWay
            )
        )
        do {
            let server = try await ServerBootstrap(group: group)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // As much as the kernel grants: a connection for which there is no room comes again a second later.
                .serverChannelOption(.backlog, value: 4096)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        // Without descriptors it waits for some; nothing that goes wrong with one connection ends the listener.
                        try channel.pipeline.syncOperations.addHandler(
                            AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { error in
                                refusals.warning(
                                    "connections cannot be accepted",
                                    key: "accept",
                                    fields: ["reason": "\(error)"]
                                )
                                return .milliseconds(100)
                            }
                        )
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                // What a peer does not take, or sends unasked, waits in its own memory.
                .childChannelOption(.socketOption(.so_sndbuf), value: 64 << 10)
                .childChannelOption(.socketOption(.so_rcvbuf), value: 64 << 10)
                // A caller behind a dead network is noticed.
                .childChannelOption(.tcpOption(userTimeout), value: limits.unread.milliseconds)
                .childChannelOption(
                    .recvAllocator,
                    value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 16384)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try reception.receive(channel) }
                }
                .bind(host: address.description, port: port)
                .get()
            return AgentListener(
                underWay: underWay,
                book: reception.book,
                tasks: reception.tasks,
                server: server
            )
        } catch {
            throw .listen(address: address.description, port: port, reason: "\(error)")
        }
    }

    private static let userTimeout = NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)

    /// Serves until the task is cancelled or the port is closed; then no connection is left.
    package func run() async {
        let server = server
        await withTaskCancellationHandler {
            // How it closed is no matter: nothing listens any more.
            await withCheckedContinuation { resume in
                server.closeFuture.whenComplete { _ in resume.resume() }
            }
        } onCancel: {
            server.close(promise: nil)
        }
        await tasks.end()
        book.closeAll()
    }

    /// Returns at a moment in which every request has its whole answer.
    package func untilAnswered() async { await underWay.untilNone() }

    package func close() { server.close(promise: nil) }
}
