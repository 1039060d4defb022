import Glibc

/// How large the content of a snapshot may be that takes so many bytes on the disk.
///
/// A server keeps it all in memory, so that gigabytes are real. What is real never packs well: every node has a path and
/// numbers of its own, and 200,000 nodes with the same 600 bytes take a fortieth of their size. Deflate goes to 1:1032 and a
/// hole to nothing; a file that gives more than both of these limits allow was made to.
struct ContentLimit: Hashable, Sendable {
    var floor: Int64 = 1 << 30
    var ratio: Int64 = 200

    func largest(onDisk: Int64) -> Int64 {
        let (scaled, isTooLarge) = onDisk.multipliedReportingOverflow(by: ratio)
        return max(floor, isTooLarge ? .max : scaled)
    }
}

/// One snapshot file on the way from its beginning to its end, over as many looks as that takes.
///
/// What is read is read once, in pieces: it takes the same memory whatever the file says of itself, and a look that has no
/// more time ends between two pieces.
final class SnapshotReading {
    enum Verdict: Hashable, Sendable {
        case complete
        case incomplete
        /// There was no time for more of it.
        case unfinished
    }

    private let file: OpenFile
    private let form: SnapshotFile.Form
    private let limit: Int64
    private let onDisk: Int64
    private let input: SequentialBytes
    private let content: any Unpacking
    private var seal = SnapshotSeal()
    private var head: [UInt8] = []
    private(set) var count: Int64 = 0
    private var verdict = Verdict.unfinished

    init(
        _ file: consuming OpenFile,
        _ form: SnapshotFile.Form,
        limit: ContentLimit = ContentLimit()
    ) throws(FileError) {
        let attributes = try file.attributes()
        let size = Int64(attributes.st_size)
        // Blocks of 512 bytes; what was only just written may have none yet.
        let allocated = max(Int64(attributes.st_blocks) * 512, form == .plain ? 0 : size)
        onDisk = min(size, allocated)
        self.limit = limit.largest(onDisk: onDisk)
        self.form = form
        let input = SequentialBytes(file)
        self.input = input
        content =
            switch form {
            case .plain: PlainBytes(input)
            case .gzip: Inflate(input)
            case .snappy: SnappyBlocks(input)
            }
        if try !SnapshotFile.hasMarks(file, form) { verdict = .incomplete }
        self.file = file
        if form == .plain, size > self.limit, verdict == .unfinished { throw tooLarge() }
    }

    /// Reads on; what was found out stays so.
    func goOn(until end: ContinuousClock.Instant? = nil) throws(FileError) -> Verdict {
        while verdict == .unfinished {
            let step = content.next { self.take($0) }
            guard input.code == 0 else {
                throw .unavailable(operation: "read", path: file.path, code: input.code)
            }
            guard count <= limit else { throw tooLarge() }
            switch step {
            case .more: break
            case .malformed: verdict = .incomplete
            case .end: verdict = isWhole ? .complete : .incomplete
            }
            if let end, ContinuousClock.now >= end { break }
        }
        return verdict
    }

    private func take(_ bytes: ArraySlice<UInt8>) {
        count += Int64(bytes.count)
        if head.count < SnapshotFile.magic.count {
            head += bytes.prefix(SnapshotFile.magic.count - head.count)
        }
        seal.update(bytes)
    }

    private var isWhole: Bool {
        head == SnapshotFile.magic && seal.isRight(digestMayEnd: form != .plain)
    }

    private func tooLarge() -> FileError {
        let verb = form == .plain ? "is" : "unpacks to"
        return .notWhatItSeems(
            path: file.path,
            reason: "it \(verb) more than \(limit >> 20) MiB, and takes \(onDisk >> 10) KiB on the disk: "
                + "no server's snapshot is like that"
        )
    }
}
