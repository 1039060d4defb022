import Glibc

/// What the worker leaves behind, however it ends: the input that it was at, and how far it had come.
///
/// A file mapped by both; the numbers are read while they change, for which nobody asks more than that they are recent.
///
/// `@unchecked Sendable`: the worker alone writes; the supervisor reads words that may be a moment old.
final class SharedPage: @unchecked Sendable {
    enum Field: Int {
        case executions
        case passed
        /// KiB, once the seeds have been gone through.
        case memoryAtStart
        case memoryNow
        case length
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let limit = 1 << 20
    private static let head = 64
    private static let size = head + limit
    private let memory: UnsafeMutableRawPointer

    init(path: String) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(description: "\(path): cannot be opened, errno \(errno)") }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(Self.size)) == 0,
            let mapped = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            mapped != MAP_FAILED
        else { throw Failure(description: "\(path): cannot be mapped, errno \(errno)") }
        memory = mapped
    }

    deinit { munmap(memory, Self.size) }

    subscript(_ field: Field) -> Int {
        get { memory.load(fromByteOffset: field.rawValue * 8, as: Int.self) }
        set { memory.storeBytes(of: newValue, toByteOffset: field.rawValue * 8, as: Int.self) }
    }

    var input: [UInt8] {
        get {
            let count = min(max(0, self[.length]), Self.limit)
            return Array(UnsafeRawBufferPointer(start: memory + Self.head, count: count))
        }
        set {
            self[.length] = 0
            newValue.withUnsafeBytes { bytes in
                if let start = bytes.baseAddress {
                    (memory + Self.head).copyMemory(from: start, byteCount: min(bytes.count, Self.limit))
                }
            }
            self[.length] = min(newValue.count, Self.limit)
        }
    }
}
