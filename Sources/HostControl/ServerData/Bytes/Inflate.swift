import CZlib

/// Decompresses the deflated content of a gzip file (RFC 1952) as far as it goes, with the system's zlib.
///
/// What the file says of its content's checksum is not looked at, as ZooKeeper stops reading before it.
final class Inflate: Unpacking {
    private static let pieceSize = 256 << 10

    private enum State {
        case new
        case inflating
        case ended
    }

    private let input: SequentialBytes
    private var state = State.new
    /// zlib keeps the address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var part: [UInt8] = []
    /// How much of the part is still to be taken.
    private var left: UInt32 = 0
    /// zlib may have more to give without another byte.
    private var isFull = false
    private var output = [UInt8](repeating: 0, count: pieceSize)

    init(_ input: SequentialBytes) {
        self.input = input
        stream.initialize(to: z_stream())
    }

    deinit {
        if state == .inflating { inflateEnd(stream) }
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    func next(_ sink: (ArraySlice<UInt8>) -> Void) -> UnpackingStep {
        switch state {
        case .ended: return .end
        case .new:
            // Ten bytes; what more gzip allows, Java does not write.
            guard let header = input.next(10) else { return .end }
            guard Array(header.prefix(4)) == [0x1F, 0x8B, 8, 0], zlib_inflate_raw_init(stream) == Z_OK else {
                return .malformed
            }
            state = .inflating
            return .more
        case .inflating: return inflated(sink)
        }
    }

    private func inflated(_ sink: (ArraySlice<UInt8>) -> Void) -> UnpackingStep {
        if left == 0, !isFull {
            guard let taken = input.nextPart() else { return ended(.end) }
            part = Array(taken)
            left = UInt32(part.count)
        }
        let used = part.count - Int(left)
        let status = part.withUnsafeMutableBufferPointer { from in
            output.withUnsafeMutableBufferPointer { into in
                stream.pointee.next_in = from.baseAddress.map { $0 + used }
                stream.pointee.avail_in = left
                stream.pointee.next_out = into.baseAddress
                stream.pointee.avail_out = UInt32(Self.pieceSize)
                return inflate(stream, Z_NO_FLUSH)
            }
        }
        left = stream.pointee.avail_in
        isFull = stream.pointee.avail_out == 0
        let filled = Self.pieceSize - Int(stream.pointee.avail_out)
        if filled > 0 { sink(output[..<filled]) }
        switch status {
        case Z_OK: return .more
        case Z_STREAM_END: return ended(.end)
        case Z_BUF_ERROR:
            // Nothing to be done without more input.
            (left, isFull) = (0, false)
            return .more
        case _: return ended(.malformed)
        }
    }

    private func ended(_ step: UnpackingStep) -> UnpackingStep {
        inflateEnd(stream)
        state = .ended
        return step
    }
}
