import NIOCore
import NIOTLS

@testable import MutualTLS

/// What one end of a connection saw, from its beginning to its end.
struct Transcript: Sendable {
    var peer: EstablishedPeer?
    var handshakes = 0
    var errors: [String] = []
    var received = ByteBuffer()
    var sawInputClosed = false

    var text: String { String(buffer: received) }
    var error: String? { errors.first }
}

/// What an end does, beside writing down what it sees.
enum Part: Sendable {
    case echo
    /// Sends back everything at once when the peer has finished sending.
    case echoAtEnd
    /// Closes as soon as the peer is known.
    case farewell
    /// Sends this, reads as much again, closes.
    case expectEcho(ByteBuffer)
    /// Sends this, finishes sending, and reads to the end.
    case sendAndFinish(ByteBuffer)
    /// Sends this over a connection without TLS and reads to the end.
    case raw(ByteBuffer)
    /// Sends one byte again and again.
    case drip
    /// Sends the beginning of a record and closes.
    case vanish
    /// Sends this after the peer's first bytes, then closes.
    case answer(ByteBuffer)
}

/// The last handler of a test's pipeline.
final class Recorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let part: Part
    private let finished: @Sendable (Transcript) -> Void
    private var transcript = Transcript()

    init(_ part: Part, finished: @escaping @Sendable (Transcript) -> Void) {
        self.part = part
        self.finished = finished
    }

    func channelActive(context: ChannelHandlerContext) {
        switch part {
        case .raw(let bytes): context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        case .drip:
            let record: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + Array(repeating: 7, count: 500)
            drip(record[...], context)
        case .vanish:
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [0x16, 3, 1])), promise: nil)
            context.close(promise: nil)
        case .echo, .echoAtEnd, .farewell, .expectEcho, .sendAndFinish, .answer: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case MutualTLSEvent.established(let peer):
            transcript.peer = peer
            begin(context)
        case TLSUserEvent.handshakeCompleted: transcript.handshakes += 1
        case ChannelEvent.inputClosed:
            transcript.sawInputClosed = true
            if case .echoAtEnd = part {
                context.writeAndFlush(wrapOutboundOut(transcript.received), promise: nil)
            }
            context.close(promise: nil)
        default: break
        }
    }

    private func begin(_ context: ChannelHandlerContext) {
        switch part {
        case .farewell: context.close(promise: nil)
        case .expectEcho(let bytes): context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        case .sendAndFinish(let bytes):
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            context.close(mode: .output, promise: nil)
        case .echo, .echoAtEnd, .raw, .drip, .vanish, .answer: break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if case .echo = part { context.write(wrapOutboundOut(bytes), promise: nil) }
        transcript.received.writeBuffer(&bytes)
        if case .answer(let reply) = part {
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
            context.close(promise: nil)
        }
        if case .expectEcho(let sent) = part, transcript.received.readableBytes >= sent.readableBytes {
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        transcript.errors.append("\(error)")
    }

    func channelInactive(context: ChannelHandlerContext) { finished(transcript) }

    private func drip(_ bytes: ArraySlice<UInt8>, _ context: ChannelHandlerContext) {
        guard context.channel.isActive, let first = bytes.first else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [first])), promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { [self] in
            drip(bytes.dropFirst(), context)
        }
    }
}
