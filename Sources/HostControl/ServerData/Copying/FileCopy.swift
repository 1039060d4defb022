import FoundationEssentials
import Glibc

/// Copies an open file's content into a new one, without what was never written to it.
enum FileCopy {
    // `linux/fs.h` and `unistd.h`: FICLONE (the same number on x86_64 and aarch64), SEEK_DATA, SEEK_HOLE.
    private static let clone = UInt(0x4004_9409)
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4
    private static let step = 1 << 20

    /// Shares the content where the file system can; false, with nothing changed, where it cannot.
    static func shares(_ source: borrowing OpenFile, with copy: borrowing OpenFile) -> Bool {
        ioctl(copy.descriptor, clone, source.descriptor) == 0
    }

    /// Leaves holes where the source has them: a log is allocated ahead by writing its last byte.
    static func copy(_ source: borrowing OpenFile, to copy: borrowing OpenFile) throws(FileError) {
        let size = Int(try source.attributes().st_size)
        var buffer = [UInt8](repeating: 0, count: step)
        var offset = 0
        while offset < size {
            guard let data = try seek(source, from: offset, seekData) else { break }
            let end = min(size, try seek(source, from: data, seekHole) ?? size)
            offset = data
            while offset < end {
                let count = pread(source.descriptor, &buffer, min(buffer.count, end - offset), offset)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else {
                    throw .unavailable(operation: "read", path: source.path, code: errno)
                }
                guard count > 0 else { break }
                try write(buffer, count, to: copy, at: offset)
                offset += count
            }
            offset = max(offset, end)
        }
        guard ftruncate(copy.descriptor, size) == 0 else {
            throw .unavailable(operation: "write", path: copy.path, code: errno)
        }
    }

    /// Nil behind the last of it; a file system that knows no holes has data everywhere.
    private static func seek(_ file: borrowing OpenFile, from offset: Int, _ whence: Int32) throws(FileError)
        -> Int?
    {
        let found = lseek(file.descriptor, offset, whence)
        if found >= 0 { return found }
        switch errno {
        case ENXIO: return nil
        case EINVAL: return whence == seekData ? offset : nil
        case let code: throw .unavailable(operation: "read", path: file.path, code: code)
        }
    }

    private static func write(
        _ buffer: [UInt8],
        _ count: Int,
        to copy: borrowing OpenFile,
        at offset: Int
    ) throws(FileError) {
        var done = 0
        while done < count {
            let written = buffer.withUnsafeBytes { bytes in
                pwrite(copy.descriptor, bytes.baseAddress.map { $0 + done }, count - done, offset + done)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw .unavailable(operation: "write", path: copy.path, code: errno)
            }
            done += written
        }
    }
}
