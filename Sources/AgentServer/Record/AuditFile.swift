import ControlProtocol
import FoundationEssentials
import Glibc
import Synchronization
import SystemCalls

/// `audit.jsonl` or its like: lines that each bear their number and the hash of the line before.
///
/// The chain goes on over restarts and over files: one that is full becomes `NAME.1`, and what was that becomes `NAME.2`;
/// the oldest goes. Whoever appends holds `NAME.lock`, so that a second process (root's, beside the agent) may: each looks
/// for the end of the file anew when somebody else has written since. Nobody waits for the lock for longer than 10 s, and the
/// kernel drops it with its holder.
final class AuditFile: Sendable {
    struct Limits: Sendable {
        /// Of one file.
        var bytes = 8 << 20
        /// With the one that is written to.
        var files = 8
    }

    struct Appended: Sendable {
        let head: AuditHead
        /// What was not as it had been left.
        let notice: String?
    }

    /// The file as this process left it.
    private struct Known {
        let inode: UInt64
        let size: Int
        let head: AuditHead
    }

    private struct State {
        var known: Known?
        var lost = 0
    }

    private static let attempts = 1000
    /// A line is far shorter.
    private static let longest = 256 << 10

    let path: String
    private let limits: Limits
    private let state = Mutex(State())
    /// Beside the state, which is held as long as the disk takes.
    private let newest = Mutex<AuditHead?>(nil)

    init(_ path: String, limits: Limits = Limits()) {
        self.path = path
        self.limits = limits
    }

    /// The newest line that this process has written or found; nil before the first.
    var head: AuditHead? { newest.withLock { $0 } }

    /// Finds the newest line that is there; an absent file has none.
    func look() throws(SystemCallError) {
        var found = stat()
        guard lstat(path, &found) == 0 else { return }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let descriptor = try open()
        defer { close(descriptor) }
        found = try attributes(of: descriptor)
        let end = try end(of: descriptor, Int(found.st_size))
        guard end.head.number > 0 else { return }
        state.withLock {
            $0.known = Known(inode: UInt64(found.st_ino), size: end.size, head: end.head)
        }
        newest.withLock { $0 = end.head }
    }

    /// Returns once it is on disk; throws with nothing of it in the file.
    func append(_ entry: AuditEntry) throws(SystemCallError) -> Appended {
        let result = state.withLock { state -> Result<Appended, SystemCallError> in
            do throws(SystemCallError) {
                let appended = try append(entry, &state)
                state.lost = 0
                return .success(appended)
            } catch {
                state.lost += 1
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func append(_ entry: AuditEntry, _ state: inout State) throws(SystemCallError) -> Appended {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var descriptor = try open()
        defer { close(descriptor) }
        var found = try attributes(of: descriptor)
        var size = Int(found.st_size)
        var notice: String?
        let head: AuditHead
        if let known = state.known, known.inode == found.st_ino, known.size == size {
            head = known.head
        } else {
            let end = try end(of: descriptor, size)
            size = end.size
            if end.size < Int(found.st_size) { notice = "cut off a half-written last line" }
            if let known = state.known, end.head.number < known.head.number {
                notice = "its end is gone: the last line was number \(known.head.number)"
                head = known.head
            } else {
                head = end.head
            }
        }
        let line = try encoded(entry, after: head, lost: state.lost)
        if size > 0, size + line.count >= limits.bytes {
            close(descriptor)
            try rotate()
            descriptor = try open()
            found = try attributes(of: descriptor)
            size = Int(found.st_size)
        }
        do throws(SystemCallError) {
            try DescriptorOutput.write([UInt8](line) + [UInt8(ascii: "\n")], to: descriptor)
            guard fsync(descriptor) == 0 else { throw .last("fsync") }
        } catch {
            // Half a line would be glued to the next; what cannot be taken back is cut off by the next append.
            ftruncate(descriptor, off_t(size))
            throw error
        }
        let new = AuditHead(of: line, number: head.number + 1)
        state.known = Known(inode: UInt64(found.st_ino), size: size + line.count + 1, head: new)
        newest.withLock { $0 = new }
        return Appended(head: new, notice: notice)
    }

    private func encoded(_ entry: AuditEntry, after head: AuditHead, lost: Int) throws(SystemCallError)
        -> Data
    {
        var entry = entry
        (entry.number, entry.previous) = (head.number + 1, head.hash)
        entry.lost = lost > 0 ? lost : nil
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return try encoder.encode(entry)
        } catch {
            throw SystemCallError(call: "encode a line of", code: EINVAL)
        }
    }

    private func lock() throws(SystemCallError) -> FileLock {
        for attempt in 1... {
            do throws(FileLock.Failure) {
                return try FileLock(path + ".lock", whenHeld: .refuse)
            } catch {
                switch error {
                case .held where attempt < Self.attempts: usleep(10_000)
                case .held: throw SystemCallError(call: "lock", code: ETIMEDOUT)
                case .unopened(let code), .unlockable(let code):
                    throw SystemCallError(call: "lock", code: code)
                }
            }
        }
        throw SystemCallError(call: "lock", code: ETIMEDOUT)
    }

    private func open() throws(SystemCallError) -> Int32 {
        let flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw .last("open") }
        return descriptor
    }

    private func attributes(of descriptor: Int32) throws(SystemCallError) -> stat {
        var found = stat()
        guard fstat(descriptor, &found) == 0 else { throw .last("examine") }
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw SystemCallError(call: "write to (it is no plain file)", code: EINVAL)
        }
        return found
    }

    private struct End {
        let size: Int
        let head: AuditHead
    }

    /// Where the last whole line ends, and what follows it; an empty file goes on with the one before.
    private func end(of descriptor: Int32, _ size: Int) throws(SystemCallError) -> End {
        let (tail, start) = try tail(of: descriptor, size)
        let newline = UInt8(ascii: "\n")
        guard let last = tail.lastIndex(of: newline) else {
            if size > 0, start == 0 { ftruncate(descriptor, 0) }
            guard start == 0 else { throw SystemCallError(call: "find the last line of", code: EBADMSG) }
            return End(size: 0, head: try endOfOlder())
        }
        let whole = start + last + 1
        if whole < size { ftruncate(descriptor, off_t(whole)) }
        let begin = tail[..<last].lastIndex(of: newline).map { $0 + 1 } ?? 0
        return End(size: whole, head: Self.head(of: Data(tail[begin..<last])))
    }

    private func endOfOlder() throws(SystemCallError) -> AuditHead {
        let descriptor = Glibc.open(path + ".1", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .last("open the file before") }
            return .beginning
        }
        defer { close(descriptor) }
        let (tail, _) = try tail(of: descriptor, Int(try attributes(of: descriptor).st_size))
        let lines = tail.split(separator: UInt8(ascii: "\n"))
        return lines.last.map { Self.head(of: Data($0)) } ?? .beginning
    }

    private func tail(of descriptor: Int32, _ size: Int) throws(SystemCallError) -> ([UInt8], start: Int) {
        let start = max(0, size - Self.longest)
        guard lseek(descriptor, off_t(start), SEEK_SET) == start else { throw .last("seek in") }
        return (try BoundedFile.content(of: descriptor, limit: 2 * Self.longest), start)
    }

    /// A line that is no line is followed like any other: whoever walks the trail stops there.
    private static func head(of line: Data) -> AuditHead {
        var number: UInt64 = 0
        do {
            number = try JSONDecoder().decode(AuditEntry.self, from: line).number ?? 0
        } catch {
            // Its hash says enough.
        }
        // No trail gets so long; one that says so begins anew, and the walk stops at it.
        return AuditHead(of: line, number: number < Bound.lines.upperBound / 2 ? number : 0)
    }

    private func rotate() throws(SystemCallError) {
        for number in (1..<max(2, limits.files - 1)).reversed() {
            let result = rename("\(path).\(number)", "\(path).\(number + 1)")
            guard result == 0 || errno == ENOENT else { throw .last("rotate") }
        }
        guard rename(path, path + ".1") == 0 else { throw .last("rotate") }
        try DurableFile.flushDirectory(of: path)
    }
}
