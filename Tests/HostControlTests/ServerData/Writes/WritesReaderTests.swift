import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("Writes into trees, by a server's log")
struct WritesReaderTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.directory("version-2")
    }

    private func put(_ name: String, _ bytes: [UInt8]) throws {
        try scratch.file("version-2/\(name)", bytes)
    }

    private func read(
        _ trees: [String] = ["/app"],
        after: UInt64 = 0x1_0000_0000,
        at place: LogPlace? = nil,
        most: Int64 = WritesReader.most
    ) -> WritesReport {
        let request = WritesRequest(trees: trees, after: Zxid(after), place: place)
        return WritesReader.read(request, logDir: scratch(""), most: most)
    }

    private func create(_ zxid: UInt64, _ path: String) -> [UInt8] {
        LoggedBytes.content(zxid, 1, LoggedBytes.node(path))
    }

    @Test("a write below a tree is told with its path, session and time; one beside it is not")
    func beside() throws {
        let paths = ["/app", "/app/a", "/apple", "/ap", "/other/app", "/"]
        try put(
            "log.100000001",
            LoggedBytes.log(paths.enumerated().map { create(0x1_0000_0001 + UInt64($0), $1) })
        )
        let found = read()
        #expect(found.writes.map(\.path) == ["/app", "/app/a"] && found.count == 2)
        #expect(found.writes.map(\.zxid) == [Zxid(0x1_0000_0001), Zxid(0x1_0000_0002)])
        #expect(found.writes.first?.at == 1_700_000_000_000 && found.writes.first?.kind == .create)
        #expect(found.writes.first?.session == SessionNumber(0x1_0000_A8C5_B9D0))
        #expect(found.first == Zxid(0x1_0000_0001) && found.last == Zxid(0x1_0000_0006))
        #expect(found.gap == nil && !found.hasMore && found.unread == 0 && found.obstacle == nil)
        #expect(read(["/"]).count == paths.count)
        #expect(read(["/app/a", "/other"]).writes.map(\.path) == ["/app/a", "/other/app"])
    }

    @Test("only what is later counts, and the ensemble's own removals are counted apart")
    func later() throws {
        let end = DataBytes.big(1, 4) + LoggedBytes.text("/app/lock")
        try put(
            "log.100000001",
            LoggedBytes.log([
                create(0x1_0000_0001, "/app/old"), LoggedBytes.content(0x1_0000_0002, -11, end),
                LoggedBytes.content(0x1_0000_0003, 20, LoggedBytes.node("/app/box"), session: 0),
                LoggedBytes.content(0x1_0000_0004, 77, []),
                LoggedBytes.content(0x1_0000_0005, 2, LoggedBytes.node("/app/x"), session: 0),
            ])
        )
        let found = read(after: 0x1_0000_0001)
        #expect(found.writes.isEmpty && found.count == 0 && found.expired == 3 && found.unread == 1)
        #expect(read(after: 0x1_0000_0005) == WritesReport(place: found.place))
    }

    @Test("writes of sessions that are to be left out are counted apart, and none of them is told")
    func apart() throws {
        let other = LoggedBytes.content(0x1_0000_0002, 1, LoggedBytes.node("/app/b"), session: 7)
        try put("log.100000001", LoggedBytes.log([create(0x1_0000_0001, "/app/a"), other]))
        let ask = { (apart: [Int64]?) in
            WritesReader.read(
                WritesRequest(
                    trees: ["/app"],
                    after: Zxid(0x1_0000_0000),
                    apart: apart.map { $0.map { SessionNumber($0) } }
                ),
                logDir: scratch("")
            )
        }
        #expect(ask(nil).count == 2 && ask(nil).countApart == nil)
        #expect(ask([]).count == 2 && ask([]).countApart == 0)
        let found = ask([7, 8])
        #expect(found.writes.map(\.path) == ["/app/a"] && found.count == 1 && found.countApart == 1)
        #expect(found.last == Zxid(0x1_0000_0002))
    }

    @Test("what is still being written is looked at when it is finished")
    func tail() throws {
        let whole = LoggedBytes.record(create(0x1_0000_0002, "/app/b"))
        let first = DataBytes.header + LoggedBytes.record(create(0x1_0000_0001, "/app/a"))
        for cut in [0, 1, 8, 12, 13, 40, whole.count - 1] {
            try put("log.100000001", first + whole.prefix(cut) + DataBytes.padding)
            let found = read()
            #expect(found.writes.map(\.path) == ["/app/a"] && found.gap == nil, "\(cut)")
            try put("log.100000001", first + whole + DataBytes.padding)
            let next = read(after: found.last?.value ?? 0, at: found.place)
            #expect(next.writes.map(\.path) == ["/app/b"] && next.gap == nil, "\(cut)")
        }
    }

    @Test("a look goes on where the last one ended, from log to log")
    func rotation() throws {
        try put("log.100000001", LoggedBytes.log([create(0x1_0000_0001, "/app/a")]))
        let first = read()
        #expect(first.writes.map(\.path) == ["/app/a"])
        try put("log.100000002", LoggedBytes.log([create(0x1_0000_0002, "/app/b")]))
        try put("log.200000001", LoggedBytes.log([create(0x2_0000_0001, "/app/c")]))
        let next = read(after: 0x1_0000_0001, at: first.place)
        #expect(next.writes.map(\.path) == ["/app/b", "/app/c"] && next.gap == nil)
        // What it remembers is gone: it looks by the zxid alone.
        try put("log.100000001", LoggedBytes.log([]))
        #expect(read(after: 0x1_0000_0001, at: first.place).writes == next.writes)
        let absurd = LogPlace(log: Zxid(0x1_0000_0002), offset: 1 << 59, zxid: Zxid(9))
        #expect(read(after: 0x1_0000_0001, at: absurd).writes == next.writes)
    }

    @Test("what was purged, skipped or spoilt is said, and the rest is told all the same")
    func gaps() throws {
        try put(
            "log.100000005",
            LoggedBytes.log([create(0x1_0000_0005, "/app/a"), create(0x1_0000_0006, "/app/b")])
        )
        let purged = read(after: 0x1_0000_0001)
        #expect(purged.gap?.contains("begins after 0x100000001") == true && purged.count == 2)
        #expect(read(after: 0x1_0000_0005).gap == nil)
        try put("log.100000009", LoggedBytes.log([create(0x1_0000_0009, "/app/c")]))
        let skipped = read(after: 0x1_0000_0005)
        #expect(skipped.gap?.contains("after 0x100000006 comes 0x100000009") == true && skipped.count == 2)
        try put("log.100000005", Array(repeating: 1, count: 100))
        let spoilt = read(after: 0x1_0000_0005)
        #expect(spoilt.gap?.contains("does not begin like") == true && spoilt.count == 1)
    }

    @Test("a long log is read in parts, none of it twice")
    func parts() throws {
        let contents = (1...500).map { create(0x1_0000_0000 + UInt64($0), "/app/\($0)") }
        try put("log.100000001", LoggedBytes.log(contents))
        var paths: [String] = []
        var after: UInt64 = 0x1_0000_0000
        var place: LogPlace?
        var looks = 0
        while looks < 1000 {
            looks += 1
            let part = read(after: after, at: place, most: 2000)
            #expect(part.gap == nil)
            paths += part.writes.map(\.path)
            (after, place) = (part.last?.value ?? after, part.place)
            if !part.hasMore { break }
        }
        #expect(paths == (1...500).map { "/app/\($0)" } && looks > 10)
        let whole = read()
        #expect(whole.count == 500 && whole.writes.count == WritesReport.most && !whole.hasMore)
    }

    @Test("numbers at the end of what there is trap nobody")
    func edges() throws {
        try put("log.1", LoggedBytes.log([create(.max, "/app/a"), create(0, "/app/b"), create(1, "/app/c")]))
        #expect(read(after: .max).count == 0)
        let found = read(after: 0)
        #expect(found.writes.map(\.path) == ["/app/a", "/app/c"] && found.gap != nil)
        let place = LogPlace(log: Zxid(1), offset: .max, zxid: Zxid(.max))
        #expect(read(after: .max, at: place).obstacle == nil)
    }

    @Test(
        "a path that is no text, or longer than is told, is cut and made harmless; without a log nothing is known"
    )
    func foreign() throws {
        let path = "/app/" + String(repeating: "x", count: 5000)
        let content = LoggedBytes.content(
            0x1_0000_0002,
            5,
            DataBytes.big(7, 4) + Array("/app/".utf8) + [0xFF, 0x1B]
        )
        try put("log.100000001", LoggedBytes.log([create(0x1_0000_0001, path), content]))
        let found = read()
        #expect(found.writes.first?.path.utf8.count == WritesReport.longestPath)
        #expect(found.writes.last?.path == "/app/\u{FFFD}\u{1B}")
        #expect(throws: Never.self) { try found.check() }
        let nowhere = WritesReader.read(
            WritesRequest(trees: ["/app"], after: Zxid(1)),
            logDir: scratch("nowhere")
        )
        #expect(nowhere.obstacle?.contains("holds no log") == true)
    }
}
