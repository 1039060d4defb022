import MutualTLS
import NIOCore
import NIOPosix
import Synchronization

/// Connections that mean an agent no good; one that is closed comes again.
final class HostileCrowd: Sendable {
    enum Kind: CaseIterable, Hashable {
        /// Without a certificate.
        case silent
        case drippingHandshake
        case unfinishedHandshake
        case garbage
        /// With a viewer's.
        case drippingHead
        case halfBody
        case deniedFlood
        case statusFlood
        case neverReading
    }

    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private static let pause = TimeAmount.milliseconds(500)

    private struct State {
        var isOver = false
        var channels: [ObjectIdentifier: any Channel] = [:]
        var opened: [Kind: Int] = [:]
    }

    private let agent: TestAgent
    private let state = Mutex(State())

    init(_ agent: TestAgent) { self.agent = agent }

    /// How many connections of each kind have come about.
    var opened: [Kind: Int] { state.withLock { $0.opened } }

    /// Returns when the first of each have come about.
    func gather(_ count: Int, ofEach kinds: [Kind] = Kind.allCases, identities: Int = 4) async throws {
        let contexts = try (0..<identities).map { try agent.authority.context("viewer/hostile-\($0)").latest }
        for kind in kinds {
            for number in 0..<count { open(kind, contexts[number % identities]) }
        }
        while kinds.contains(where: { opened[$0] ?? 0 < count }) {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func disperse() async {
        let channels = state.withLock { state in
            state.isOver = true
            return Array(state.channels.values)
        }
        for channel in channels {
            channel.close(mode: .all, promise: nil)
            do { try await channel.closeFuture.get() } catch { continue }
        }
    }

    private func open(_ kind: Kind, _ context: TLSContext) {
        guard !state.withLock({ $0.isOver }) else { return }
        ClientBootstrap(group: Self.group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    switch kind {
                    case .silent, .drippingHandshake, .garbage: break
                    case .unfinishedHandshake, .drippingHead, .halfBody, .deniedFlood, .statusFlood,
                        .neverReading:
                        try pipeline.addHandler(Deafness(isDeaf: kind == .unfinishedHandshake))
                        try pipeline.addHandler(
                            MutualTLSHandler(
                                context: context,
                                expecting: .server(TestAuthority.peer("agent/s1"))
                            )
                        )
                    }
                    try pipeline.addHandler(Hostility(kind))
                }
            }
            .connect(host: "127.0.0.1", port: agent.port)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.keep(channel, kind, context)
                case .failure: self.again(kind, context)
                }
            }
    }

    private func keep(_ channel: any Channel, _ kind: Kind, _ context: TLSContext) {
        let isOver = state.withLock { state in
            state.opened[kind, default: 0] += 1
            state.channels[ObjectIdentifier(channel)] = channel
            return state.isOver
        }
        if isOver { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
            self.again(kind, context)
        }
    }

    private func again(_ kind: Kind, _ context: TLSContext) {
        _ = Self.group.next().scheduleTask(in: Self.pause) { self.open(kind, context) }
    }
}

/// Reads nothing more once it is deaf.
private final class Deafness: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny

    var isDeaf: Bool

    init(isDeaf: Bool) { self.isDeaf = isDeaf }

    func read(context: ChannelHandlerContext) {
        if !isDeaf { context.read() }
    }
}

/// What one such connection sends.
private final class Hostility: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let status = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"
    /// A page of several thousand bytes, so that as many as may be asked for at once are more than the sender's buffer ever holds: it
    /// grows to 4 MiB where earlier connections to the same address have taught the kernel that it may.
    private static let metrics = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"
    private static let denied = "GET /v1/commands/x HTTP/1.1\r\nhost: x\r\n\r\n"
    private static let head = "POST /v1/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 1048575\r\n\r\n"

    private let kind: HostileCrowd.Kind
    private var dripping: Scheduled<Void>?
    private var left: [UInt8] = []

    init(_ kind: HostileCrowd.Kind) { self.kind = kind }

    func channelActive(context: ChannelHandlerContext) {
        switch kind {
        case .silent, .unfinishedHandshake: break
        case .drippingHandshake: drip("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}", context)
        case .garbage: send(String(repeating: "garbage", count: 100), context)
        case .drippingHead, .halfBody, .deniedFlood, .statusFlood, .neverReading: break
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        dripping?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is MutualTLSEvent else { return }
        switch kind {
        case .silent, .drippingHandshake, .garbage, .unfinishedHandshake: break
        case .drippingHead: drip("GET /v1/status HTTP/1.1\r\n", context)
        case .halfBody: send(Self.head + String(repeating: "x", count: 1 << 19), context)
        case .deniedFlood: send(Self.denied, context)
        case .statusFlood: send(Self.status, context)
        case .neverReading:
            do { try context.pipeline.syncOperations.handler(type: Deafness.self).isDeaf = true } catch {
                return
            }
            send(String(repeating: Self.metrics, count: 1500), context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch kind {
        case .deniedFlood: send(Self.denied, context)
        case .statusFlood: send(Self.status, context)
        case .silent, .drippingHandshake, .unfinishedHandshake, .garbage, .drippingHead, .halfBody,
            .neverReading:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func send(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    /// A byte at a time, the last for ever.
    private func drip(_ text: String, _ context: ChannelHandlerContext) {
        left = Array(text.utf8)
        drip(context)
    }

    private func drip(_ context: ChannelHandlerContext) {
        guard let byte = left.first else { return }
        if left.count > 1 { left.removeFirst() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [byte])), promise: nil)
        dripping = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(200)) { [self] in
            drip(context)
        }
    }
}
