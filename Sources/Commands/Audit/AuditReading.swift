import ControlProtocol
import FoundationEssentials
import SystemCalls

/// The files of one trail, read and walked along, oldest line first.
struct AuditReading {
    private struct File {
        let path: String
        let lines: [ArraySlice<UInt8>]
        /// Bytes behind the last newline.
        let torn: Int
        let first: UInt64
    }

    /// Far above a full file; what a version before rotation wrote may be long.
    private static let limit = 1 << 30

    private(set) var walk = AuditWalk()
    private(set) var entries: [AuditEntry] = []
    private(set) var heads: [AuditHead] = []
    private(set) var json = ""
    /// File, line and what is wrong with the first line that does not follow the one before.
    private(set) var broken: String?
    let newest: String
    /// Bytes behind the last line of the newest file: a line that a crash cut off, or something else.
    private var torn = 0

    init(_ paths: [String]) throws {
        var files = try Self.withOlder(paths).map(Self.read)
        files.sort { $0.first < $1.first }
        newest = files.last?.path ?? ""
        for file in files {
            for (index, line) in file.lines.enumerated() where broken == nil {
                take(Data(line), "\(file.path):\(index + 1)")
            }
            if file.path == newest { torn = file.torn }
            if broken == nil, file.torn > 0, file.path != newest {
                broken = "\(file.path):\(file.lines.count + 1): it was never written to its end"
            }
        }
    }

    private mutating func take(_ line: Data, _ place: String) {
        switch walk.take(line) {
        case .broken(let reason):
            broken = "\(place): \(reason); \(verdict) before it"
            return
        case .follows(let entry):
            if let head = walk.head { heads.append(head) }
            entries.append(entry)
        case .unchained(let entry): entries.append(entry)
        }
        json += String(decoding: line, as: UTF8.self) + "\n"
    }

    var verdict: String {
        var parts: [String] = []
        if walk.unchained > 0 { parts.append("\(walk.unchained) lines of a version that did not chain them") }
        if let first = walk.first, let head = walk.head {
            parts.append("lines \(first) to \(head.number) follow one another; the last is \(head)")
            if first > 1 { parts.append("those before \(first) are no longer there") }
        }
        if torn > 0 { parts.append("behind them \(torn) bytes that are no whole line") }
        return parts.isEmpty ? "no line" : parts.joined(separator: "; ")
    }

    private static func withOlder(_ paths: [String]) -> [String] {
        guard paths.count == 1, let path = paths.first else { return paths }
        let older = (1...99).map { "\(path).\($0)" }.filter { FileManager.default.fileExists(atPath: $0) }
        return older + paths
    }

    private static func read(_ path: String) throws -> File {
        let bytes: [UInt8]
        do throws(BoundedFile.Failure) {
            bytes = try BoundedFile(reading: path, limit: limit).bytes
        } catch {
            switch error {
            case .unreadable(let failure): throw Complaint("\(path): \(failure.reason)")
            case .notRegular: throw Complaint("\(path): not a plain file")
            case .tooLarge: throw Complaint("\(path): larger than \(limit >> 20) MiB; no audit trail is")
            }
        }
        let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = bytes[..<whole].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var first: UInt64 = 0
        if let line = lines.first {
            do throws(WireProblem) {
                first = try WireJSON.decode(AuditEntry.self, from: Data(line)).number ?? 0
            } catch {
                // It is told where the walk meets it.
            }
        }
        return File(
            path: path,
            lines: whole > 0 ? Array(lines.dropLast()) : [],
            torn: bytes.count - whole,
            first: first
        )
    }
}
