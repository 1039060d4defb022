import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite(
    "The reader against ZooKeeper itself",
    .enabled(if: RealZooKeeper.isExpected, "ZooKeeper or Java is not installed"),
    .serialized
)
struct RealLogTests {
    private let loopback = "clientPortAddress=127.0.0.1"

    /// Ends of records that the newest log must have for the tests that cut or spoil one.
    private static let fewest = 6

    /// What a server under load left when it was killed, after eight logs or more.
    ///
    /// `lastWrites`: small ones of a last session.
    private func written(lastWrites: Int = 0) async throws -> RealData {
        let port = try RealZooKeeper.freePort()
        let server = try RealZooKeeper(["clientPort=\(port)", loopback], javaOptions: RealData.snapCount)
        defer { withExtendedLifetime(server) {} }
        let data = RealData(scratch: server.scratch)
        let writer = try RealData.startWriting(to: [port])
        let hasWritten = try await eventually { try data.files(.log).count > 8 }
        RealData.end(writer)
        try #require(hasWritten)
        if lastWrites > 0 { _ = try await RealZooKeeper.write(lastWrites, to: port) }
        try await fill(data, port)
        server.end()
        // Sessions that were left behind end while the server lives: the last of them may have begun another log.
        while try data.newestLog().bounds.count <= Self.fewest {
            let again = try RealZooKeeper(
                ["clientPort=\(port)", loopback],
                javaOptions: RealData.snapCount,
                in: data.scratch
            )
            defer { withExtendedLifetime(again) {} }
            try await fill(data, port)
            again.end()
        }
        return data
    }

    /// The newest log may have been begun only now.
    private func fill(_ data: RealData, _ port: Port) async throws {
        while try data.newestLog().bounds.count <= Self.fewest {
            _ = try await RealZooKeeper.write(1, to: port)
        }
    }

    private func zxids(in path: String) throws -> [Zxid] {
        try TransactionLog.scan(path).runs.flatMap { run in
            (run.first.value...run.last.value).map { Zxid($0) }
        }
    }

    @Test(
        "ZooKeeper's own tool finds the same transactions in every log, and the server loads up to the same one"
    )
    func wholeLogs() async throws {
        let data = try await written()
        for file in try data.files(.log) {
            #expect(try RealData.toolkit(file.path) == zxids(in: file.path), "\(file.name)")
        }
        let found = data.read()
        #expect(found.problems == [] && found.missing == [])
        #expect(try await data.load() == .reaches(#require(found.lastZxid)))
    }

    @Test("wherever the last records are cut, the tool finds the same transactions before the cut")
    func everyCut() async throws {
        let data = try await written(lastWrites: 1)
        let (path, bounds) = try data.newestLog()
        try #require(bounds.count > 3)
        let whole = try Array(content(of: path).prefix(try #require(bounds.last)))
        // A program to start for each: every byte of the last record, every third of the one before.
        let last = bounds[bounds.count - 2]
        let before = stride(from: bounds[bounds.count - 3], to: last, by: 3)
        let cuts = Array(before) + Array(last...whole.count)
        try await withThrowingTaskGroup { group in
            for lane in 0..<3 {
                group.addTask {
                    for (index, cut) in cuts.enumerated() where index % 3 == lane {
                        let file = try data.scratch.file("cut-\(cut)", Array(whole.prefix(cut)))
                        var theirs = try RealData.toolkit(file)
                        // It prints a transaction before it looks for the end mark; a server looks first.
                        if bounds.contains(cut + 1) { theirs.removeLast() }
                        #expect(try zxids(in: file) == theirs, "cut at \(cut)")
                        #expect(try TransactionLog.scan(file).flaw == nil, "cut at \(cut)")
                        unlink(file)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Whether the reader has something to tell though the server starts.
        var isTold = false
        /// Whether other versions than the one that is asked go less far, so that the reader does.
        var isLessElsewhere = false
        let apply: @Sendable (RealData) throws -> Void
    }

    /// The record of the newest log, counted from the end.
    private static func record(
        _ back: Int,
        _ spoil: @escaping @Sendable (String, _ at: Int, _ end: Int) throws -> Void
    )
        -> @Sendable (RealData) throws -> Void
    {
        { data in
            let (path, bounds) = try data.newestLog()
            try #require(bounds.count > back + 1)
            try spoil(path, bounds[bounds.count - 1 - back], bounds[bounds.count - back])
        }
    }

    private static func newest(
        _ kind: DataFile.Kind,
        _ spoil: @escaping @Sendable (String) throws -> Void
    ) -> @Sendable (RealData) throws -> Void {
        { try spoil(try #require(try $0.files(kind).last).path) }
    }

    private static func anotherLog(_ bytes: [UInt8]) -> @Sendable (RealData) throws -> Void {
        { data in
            let next = Zxid(try #require(data.read().lastZxid).value + 1)
            try data.scratch.file("log/version-2/log.\(String(next.value, radix: 16))", bytes)
        }
    }

    private static func removeAll(_ kind: DataFile.Kind) -> @Sendable (RealData) throws -> Void {
        { data in for file in try data.files(kind) { unlink(file.path) } }
    }

    static let changes: [Change] =
        [
            Change(
                testDescription: "a byte flipped in the middle",
                apply: record(3) { path, at, _ in
                    try Spoil.flip(path, at: at + 20)
                }
            ),
            Change(
                testDescription: "a byte flipped in the last record",
                apply: record(1) { path, at, _ in
                    try Spoil.flip(path, at: at + 20)
                }
            ),
            Change(
                testDescription: "an end mark flipped in the middle",
                isTold: true,
                apply: record(3) { path, _, end in
                    try Spoil.flip(path, at: end - 1)
                }
            ),
            Change(
                testDescription: "the last end mark flipped",
                isTold: true,
                apply: record(1) { path, _, end in
                    try Spoil.flip(path, at: end - 1)
                }
            ),
            Change(
                testDescription: "a length flipped in the middle",
                isTold: true,
                apply: record(3) { path, at, _ in
                    try Spoil.flip(path, at: at + 10)
                }
            ),
            Change(
                testDescription: "the last length flipped",
                isTold: true,
                apply: record(1) { path, at, _ in
                    try Spoil.flip(path, at: at + 10)
                }
            ),
            Change(
                testDescription: "the last length far too large",
                apply: record(1) { path, at, _ in
                    try Spoil.flip(path, at: at + 9, 0x80)
                }
            ),
            Change(
                testDescription: "a negative length",
                apply: record(3) { path, at, _ in
                    try Spoil.flip(path, at: at + 8, 0x80)
                }
            ),
            Change(
                testDescription: "a length of -1",
                apply: record(3) { path, at, _ in
                    for offset in 8..<12 { try Spoil.flip(path, at: at + offset, 0xFF) }
                    let found = try content(of: path)[at + 8..<at + 12]
                    for (offset, byte) in found.enumerated() where byte != 0xFF {
                        try Spoil.flip(path, at: at + 8 + offset, byte ^ 0xFF)
                    }
                }
            ),
            Change(
                testDescription: "a checksum flipped",
                apply: record(2) { path, at, _ in
                    try Spoil.flip(path, at: at + 7)
                }
            ),
            Change(
                testDescription: "a page of zeros in the middle",
                isTold: true,
                apply: record(3) { path, at, end in
                    let bytes = try content(of: path)
                    for offset in at..<end where bytes[offset] != 0 {
                        try Spoil.flip(path, at: offset, bytes[offset])
                    }
                }
            ),
            Change(testDescription: "a log that was begun", apply: anotherLog(DataBytes.header)),
            Change(
                testDescription: "a log allocated ahead",
                apply: anotherLog(DataBytes.header + DataBytes.padding)
            ),
            Change(testDescription: "an empty log", apply: anotherLog([])),
            Change(testDescription: "half a header", apply: anotherLog(Array(DataBytes.header.prefix(8)))),
            Change(testDescription: "a log of zeros", apply: anotherLog(DataBytes.padding)),
            Change(
                testDescription: "a log of another version",
                apply: anotherLog(
                    Array("ZKLG".utf8) + DataBytes.big(3, 4) + DataBytes.big(0, 8)
                )
            ),
            Change(testDescription: "no snapshot", apply: removeAll(.snapshot)),
            Change(
                testDescription: "no snapshot, and a log that was begun",
                apply: { data in
                    try removeAll(.snapshot)(data)
                    try removeAll(.log)(data)
                    try data.scratch.file("log/version-2/log.1", DataBytes.header)
                }
            ),
            Change(
                testDescription: "the newest snapshot cut",
                apply: newest(.snapshot) { path in
                    try Spoil.cut(path, at: try content(of: path).count - 1)
                }
            ),
            Change(
                testDescription: "a byte flipped in the newest snapshot",
                apply: newest(.snapshot) { path in
                    try Spoil.flip(path, at: try content(of: path).count / 2)
                }
            ),
            Change(
                testDescription: "every snapshot damaged",
                apply: { data in
                    for file in try data.files(.snapshot) { try Spoil.flip(file.path, at: 0) }
                }
            ),
            Change(
                testDescription: "a snapshot under another name",
                isTold: true,
                isLessElsewhere: true,
                apply: { data in
                    let path = try #require(try data.files(.snapshot).last).path
                    try data.scratch.file("data/version-2/snapshot.7fff.old", content(of: path))
                }
            ),
            Change(
                testDescription: "a log among the snapshots",
                apply: { data in
                    try data.scratch.file("data/version-2/log.1", DataBytes.log([1]))
                }
            ),
            Change(
                testDescription: "a log missing in the middle",
                isTold: true,
                apply: { data in
                    let log = try #require(try data.files(.log).dropLast().last)
                    let snapshots = try data.files(.snapshot)
                    // A busy server leaves some out; an older one must be left, or nothing is reached at all.
                    try #require(snapshots.contains { $0.zxid < log.zxid })
                    for file in snapshots where file.zxid >= log.zxid { try Spoil.flip(file.path, at: 0) }
                    unlink(log.path)
                }
            ),
        ]
        + [0, 1, 7, 8, 11, 12, 13, 40].flatMap { offset in
            [
                Change(
                    testDescription: "cut \(offset) bytes into the last record",
                    apply: record(1) { path, at, _ in
                        try Spoil.cut(path, at: at + offset)
                    }
                ),
                Change(
                    testDescription: "zeros \(offset) bytes into the last record",
                    apply: record(1) { path, at, _ in
                        try Spoil.blank(path, from: at + offset)
                    }
                ),
            ]
        } + [
            Change(
                testDescription: "zeros in place of the last end mark",
                apply: record(1) { path, _, end in
                    try Spoil.blank(path, from: end - 1)
                }
            )
        ]

    @Test(
        "whatever was done to the files, the reader says what the server reaches, or that it does not start"
    )
    func spoilt() async throws {
        let data = try await written()
        for change in Self.changes {
            let copy = try await data.copy()
            try change.apply(copy)
            let found = copy.read()
            let isTold = !found.problems.isEmpty || !found.missing.isEmpty
            switch try await copy.load() {
            case .reaches(let zxid):
                if change.isLessElsewhere {
                    #expect(try #require(found.lastZxid) < zxid, "\(change.testDescription)")
                } else {
                    #expect(found.lastZxid == zxid, "\(change.testDescription)")
                }
                #expect(
                    isTold == change.isTold,
                    "\(change.testDescription): \(found.problems) \(found.missing)"
                )
            case .refuses:
                // That a server of this version does not start from logs alone is judged with the version, by the coordinator.
                let isBare = found.snapshot == nil && !found.isEmpty
                #expect(
                    (!found.problems.isEmpty || isBare) && !change.isTold,
                    "\(change.testDescription): \(found)"
                )
            }
        }
    }
}
