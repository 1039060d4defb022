import Glibc

/// The part of a file that was read last; files are gone through from front to back.
struct FileWindow {
    private static let step: Int64 = 256 << 10

    let size: Int64
    private var start: Int64 = 0
    private var content: [UInt8] = []

    init(size: Int64) { self.size = size }

    mutating func forget() { content = [] }

    /// Fewer bytes than asked for when the file ends before.
    mutating func bytes(
        of file: borrowing OpenFile,
        at offset: Int64,
        count: Int64
    ) throws(FileError) -> ArraySlice<UInt8> {
        let count = max(0, min(count, size - offset))
        if offset < start || offset + count > start + Int64(content.count) {
            try fill(from: file, at: offset, count: min(max(count, Self.step), max(0, size - offset)))
        }
        let first = Int(offset - start)
        guard first <= content.count else { return [] }
        return content[first..<min(content.count, first + Int(count))]
    }

    private mutating func fill(
        from file: borrowing OpenFile,
        at offset: Int64,
        count: Int64
    ) throws(FileError) {
        var code: Int32 = 0
        content = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
            while filled < buffer.count {
                let got = pread(
                    file.descriptor,
                    buffer.baseAddress.map { $0 + filled },
                    buffer.count - filled,
                    Int(offset) + filled
                )
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                guard got > 0 else { break }
                filled += got
            }
        }
        start = offset
        guard code == 0 else { throw .unavailable(operation: "read", path: file.path, code: code) }
    }
}
