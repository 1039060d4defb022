import FoundationEssentials
import Glibc
import SystemCalls

/// An append-only file of lines, each on disk before `append` returns.
struct LineFile: ~Copyable {
    /// Where a line (without its newline) lies in the file.
    struct Extent: Hashable, Sendable {
        let offset: Int
        let length: Int
        /// From 1 on.
        var line = 0
    }

    /// Longer than any line that is ever written.
    private static let longestLine = 32 << 20

    let path: String
    private let descriptor: Int32
    private(set) var size: Int
    private var lines = 0
    /// Set when a failed append could not be undone: more lines would be glued to half a line.
    private var broken = false

    /// Opens the file, creating an empty one where there is none.
    static func opening(_ path: String) throws(SystemCallError) -> LineFile {
        let descriptor = try PlainFile.open(path, O_RDWR | O_CREAT)
        let file = LineFile(path: path, descriptor: descriptor, size: lseek(descriptor, 0, SEEK_END))
        guard file.size >= 0 else { throw .last("seek in") }
        try DurableFile.flushDirectory(of: path)
        return file
    }

    private init(path: String, descriptor: Int32, size: Int) {
        self.path = path
        self.descriptor = descriptor
        self.size = size
    }

    deinit { close(descriptor) }

    /// Throws without having kept any part of the line.
    mutating func append(_ line: Data) throws(SystemCallError) -> Extent {
        guard !broken else { throw SystemCallError(call: "append to (after an earlier failure)", code: EIO) }
        guard lseek(descriptor, size, SEEK_SET) == size else { throw .last("seek in") }
        do throws(SystemCallError) {
            try DescriptorOutput.write([UInt8](line) + [UInt8(ascii: "\n")], to: descriptor)
            guard fsync(descriptor) == 0 else { throw .last("fsync") }
        } catch {
            broken = ftruncate(descriptor, size) != 0
            throw error
        }
        lines += 1
        let extent = Extent(offset: size, length: line.count, line: lines)
        size += line.count + 1
        return extent
    }

    func read(_ extent: Extent) throws(SystemCallError) -> Data {
        var content = Data(count: extent.length)
        var done = 0
        while done < extent.length {
            let count = content.withUnsafeMutableBytes { bytes in
                pread(
                    descriptor,
                    bytes.baseAddress?.advanced(by: done),
                    extent.length - done,
                    extent.offset + done
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("read") }
            guard count > 0 else { throw SystemCallError(call: "read the end of", code: EIO) }
            done += count
        }
        return content
    }

    /// Calls `body` with every complete line, then cuts off what follows the last newline.
    ///
    /// Of a line that is longer than `limit` only the extent is given: nothing of the sort was ever written.
    ///
    /// Such a tail is a line whose writing was interrupted: nobody was told that it had been written.
    /// - Returns: how many bytes were cut off.
    mutating func replay(
        limit: Int = 16 << 20,
        _ body: (Extent, Data?) -> Void
    ) throws(AgentServerError) -> Int {
        var line = Data()
        var length = 0
        var offset: Int = 0
        var position: Int = 0
        while position < size {
            let chunk: Data
            do {
                chunk = try read(Extent(offset: position, length: min(65_536, size - position)))
            } catch {
                throw .storage(path: path, operation: error.call, reason: error.reason)
            }
            position += chunk.count
            var rest = chunk[...]
            while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
                length += newline - rest.startIndex
                if length <= limit { line.append(rest[..<newline]) }
                lines += 1
                body(Extent(offset: offset, length: length, line: lines), length <= limit ? line : nil)
                offset += length + 1
                (line, length) = (Data(), 0)
                rest = rest[(newline + 1)...]
            }
            length += rest.count
            if length <= limit { line.append(rest) }
        }
        guard length > 0 else { return 0 }
        guard ftruncate(descriptor, offset) == 0, fsync(descriptor) == 0 else {
            throw .storage(path: path, operation: "truncate", reason: systemReason())
        }
        size = offset
        return length
    }
}
