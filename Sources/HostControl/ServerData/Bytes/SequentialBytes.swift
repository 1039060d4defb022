import Glibc

/// A file's bytes from a place on, one after another.
final class SequentialBytes {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    private var index = 0
    private var count = 0
    private var offset: Int
    /// Why reading ended before the file did; 0 when it did not.
    private(set) var code: Int32 = 0

    /// The file must stay open for as long as this is used.
    init(_ file: borrowing OpenFile, from start: Int = 0) {
        descriptor = file.descriptor
        offset = start
    }

    /// Nil at the end.
    func next() -> UInt8? {
        if index == count, !fill() { return nil }
        defer { index += 1 }
        return buffer[index]
    }

    /// Nil when fewer are left.
    func next(_ wanted: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < wanted {
            if index == count, !fill() { return nil }
            let taken = min(wanted - bytes.count, count - index)
            bytes += buffer[index..<index + taken]
            index += taken
        }
        return bytes
    }

    /// What was read already and not given, or what is read next; nil at the end.
    func nextPart() -> ArraySlice<UInt8>? {
        if index == count, !fill() { return nil }
        defer { index = count }
        return buffer[index..<count]
    }

    private func fill() -> Bool {
        (index, count) = (0, 0)
        while true {
            let got = pread(descriptor, &buffer, buffer.count, offset)
            if got < 0, errno == EINTR { continue }
            if got < 0 { code = errno }
            guard got > 0 else { return false }
            offset += got
            count = got
            return true
        }
    }
}
