import CZlib

/// Decompresses the deflated content of a gzip file (RFC 1952) as far as it goes, with the system's zlib.
enum Inflate {
    private static let pieceSize = 256 << 10

    /// Gives the content to `sink`, piece by piece; what the file says of its content's checksum is not looked at, as
    /// ZooKeeper stops reading before it.
    ///
    /// False when it is malformed; a file that ends early just ends.
    static func gunzip(_ input: SequentialBytes, _ sink: (ArraySlice<UInt8>) -> Void) -> Bool {
        // Ten bytes; what more gzip allows, Java does not write.
        guard let header = input.next(10) else { return true }
        guard Array(header.prefix(4)) == [0x1F, 0x8B, 8, 0] else { return false }
        var stream = z_stream()
        guard zlib_inflate_raw_init(&stream) == Z_OK else { return false }
        defer { inflateEnd(&stream) }
        var output = [UInt8](repeating: 0, count: pieceSize)
        while let part = input.nextPart() {
            var part = Array(part)
            let size = UInt32(part.count)
            var left = size
            var status = Z_OK
            repeat {
                var room = UInt32(pieceSize)
                status = part.withUnsafeMutableBufferPointer { from in
                    output.withUnsafeMutableBufferPointer { into in
                        stream.next_in = from.baseAddress.map { $0 + Int(size - left) }
                        stream.avail_in = left
                        stream.next_out = into.baseAddress
                        stream.avail_out = room
                        defer { (left, room) = (stream.avail_in, stream.avail_out) }
                        return inflate(&stream, Z_NO_FLUSH)
                    }
                }
                if room < UInt32(pieceSize) { sink(output[..<(pieceSize - Int(room))]) }
                if status == Z_STREAM_END { return true }
                // Nothing to be done without more input.
                if status == Z_BUF_ERROR { break }
                guard status == Z_OK else { return false }
            } while left > 0 || stream.avail_out == 0
        }
        return true
    }
}
