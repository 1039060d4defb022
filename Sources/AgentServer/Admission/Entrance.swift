import ControlProtocol
import FoundationEssentials
import MutualTLS
import NIOCore
import NIOHTTP1

/// Stands behind TLS: says in the log why a peer was refused, and lets in a known one, for whom alone the rest of the pipeline and
/// a task are made.
final class Entrance: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let id: Int
    private let address: String
    private let source: String
    /// What the handshake is judged by.
    private let context: TLSContext
    private let reception: Reception

    init(id: Int, address: String, source: String, context: TLSContext, reception: Reception) {
        self.id = id
        self.address = address
        self.source = source
        self.context = context
        self.reception = reception
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .established(let peer)? = event as? MutualTLSEvent {
            do {
                guard try letIn(peer, context) else { return }
            } catch {
                ConnectionBook.abort(context.channel)
                return
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError, error != .truncated {
            reception.counters.countTLSRefusal()
            reception.refusals.warning(
                "connection refused",
                key: "tls \(source)",
                fields: ["peer": address, "reason": error.description]
            )
        }
        context.fireErrorCaught(error)
    }

    private func letIn(_ peer: EstablishedPeer, _ context: ChannelHandlerContext) throws -> Bool {
        let caller = caller(of: peer)
        let holder = ConnectionPlaces.Holder(
            identity: caller.identity,
            isCoordinator: caller.role == .coordinator
        )
        switch reception.book.establish(id, for: holder) {
        case .taken: break
        case .takenInPlace(let displaced):
            reception.drop(
                displaced,
                holder.isCoordinator ? .forCoordinator : .forViewer,
                "\(caller.identity) needed its place"
            )
        case .refused(let reason):
            reception.drop(context.channel, .viewers, reason)
            return false
        }
        try serve(caller, peer, context)
        return true
    }

    private func caller(of peer: EstablishedPeer) -> Caller {
        let role: Caller.Role =
            switch peer.identity {
            case .coordinator: .coordinator
            case .viewer: .viewer
            case .agent: .agent
            }
        return Caller(
            role: role,
            name: peer.identity.name.description,
            identity: peer.identity.uri(in: reception.domain),
            serial: peer.serial,
            peer: address
        )
    }

    private func serve(_ caller: Caller, _ peer: EstablishedPeer, _ context: ChannelHandlerContext) throws {
        let pipeline = context.pipeline.syncOperations
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = 16 << 10
        decoder.maxHeaderListSize = 16 << 10
        decoder.maxHeaderFieldCount = 64
        let service = reception.connections.service
        let gate = RequestGate(limits: reception.limits) { [reception, address, source] cause, reason in
            reception.note(cause, reason, at: address, source: source)
            service.noteClosing(nil, by: caller, reason)
        }
        try pipeline.addHandler(gate)
        try pipeline.configureHTTPServerPipeline(
            withErrorHandling: false,
            withEncoderConfiguration: HTTPResponseEncoder.Configuration(),
            withDecoderLimitConfiguration: decoder
        )
        try pipeline.addHandler(
            ConnectionWatch(id: id, caller: caller, source: source, gate: gate, reception: reception)
        )
        let wrapped = try ConnectionServer.Channel(wrappingChannelSynchronously: context.channel)
        let (tls, judged, limit) = (reception.tls, self.context, reception.limits.age)
        let (connections, opened) = (reception.connections, ContinuousClock.now)
        let isStarted = reception.tasks.start {
            await connections.serve(
                wrapped,
                caller: caller,
                objection: {
                    let current = await tls.current()
                    return ConnectionStanding(
                        notAfter: peer.notAfter,
                        isJudgedByCurrentFiles: current === judged
                    )
                    .objection(at: Date())
                },
                isOld: { opened.duration(to: .now) > limit }
            )
        }
        guard !isStarted else { return }
        // The listener has ended; what was wrapped must be ended all the same.
        Task {
            do { try await wrapped.executeThenClose { _, _ in } } catch { return }
        }
    }
}
