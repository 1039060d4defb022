package import NIOCore

/// The first TLS record of a connection, gathered before anything is spent on the peer.
///
/// A whole TLS session costs some 60 KiB, and an announced hello makes OpenSSL take as much as it announces. So a peer that says
/// nothing, or drips, costs its bytes; and a hello must stand in one record, as every client's does.
package struct FirstRecord {
    package enum Judgement: Hashable, Sendable {
        case incomplete
        case whole
        case refused(TLSError)
    }

    private static let recordHeader = 5
    private static let messageHeader = 4
    private static let longest = 1 << 14
    private static let handshake: UInt8 = 22
    private static let clientHello: UInt8 = 1

    /// Everything that came, the record and what followed it.
    package private(set) var bytes = ByteBuffer()

    package init() {}

    package mutating func append(_ more: ByteBuffer) { bytes.writeImmutableBuffer(more) }

    package var judgement: Judgement {
        guard bytes.readableBytes >= Self.recordHeader, let type = byte(0) else { return .incomplete }
        // What is no TLS at all OpenSSL names better.
        guard type == Self.handshake, byte(1) == 3 else { return .whole }
        let length = number(at: 3, width: 2)
        guard length >= Self.messageHeader, length <= Self.longest else { return .refused(Self.odd) }
        guard bytes.readableBytes >= Self.recordHeader + Self.messageHeader else { return .incomplete }
        let message = number(at: Self.recordHeader + 1, width: 3)
        guard byte(Self.recordHeader) == Self.clientHello, Self.messageHeader + message <= length else {
            return .refused(Self.odd)
        }
        return bytes.readableBytes >= Self.recordHeader + length ? .whole : .incomplete
    }

    private static let odd = TLSError.exchangeFailed(
        detail: "the connection does not begin with a client's hello in one record"
    )

    private func byte(_ offset: Int) -> UInt8? { bytes.getInteger(at: bytes.readerIndex + offset) }

    private func number(at offset: Int, width: Int) -> Int {
        (0..<width).reduce(0) { $0 << 8 | Int(byte(offset + $1) ?? 0) }
    }
}
