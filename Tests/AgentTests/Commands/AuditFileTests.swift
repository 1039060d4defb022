import ControlProtocol
import FoundationEssentials
import Glibc
import Logs
import SystemCalls
import Testing

@testable import AgentServer

/// So that an expectation may change it.
private final class ThrottleBox {
    private var throttle = AuditThrottle()

    var isPending: Bool { throttle.isPending }

    func takes(_ entry: AuditEntry, at now: Duration) -> Bool { throttle.takes(entry, at: now) }

    func due(at now: Duration?) -> [AuditEntry] { throttle.due(at: now) }
}

@Suite("The audit trail on disk", .timeLimit(.minutes(10)))
struct AuditFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var path: String { directory.path + "/audit.jsonl" }

    private func entry(_ command: String, identity: String = "ops", allowed: Bool = true) -> AuditEntry {
        AuditEntry(
            time: 1,
            identity: identity,
            serial: "1",
            peer: "127.0.0.1",
            command: command,
            allowed: allowed,
            outcome: "done",
            milliseconds: 0
        )
    }

    private func lines(_ path: String) throws -> [Data] {
        try Data(contentsOf: URL(filePath: path)).split(separator: UInt8(ascii: "\n"))
    }

    /// All lines of a trail, oldest first, and what is wrong with the first that does not follow.
    private func walk(_ paths: [String]) throws -> (AuditWalk, entries: [AuditEntry], broken: String?) {
        var walk = AuditWalk()
        var entries: [AuditEntry] = []
        for path in paths {
            for line in try lines(path) {
                switch walk.take(line) {
                case .follows(let entry), .unchained(let entry): entries.append(entry)
                case .broken(let reason): return (walk, entries, reason)
                }
            }
        }
        return (walk, entries, nil)
    }

    @Test(
        "a number that no trail reaches ends nothing: the trail begins anew behind it, and the walk stops there",
        arguments: [UInt64.max, UInt64.max - 1, 1 << 53]
    )
    func absurdNumber(number: UInt64) throws {
        var absurd = entry("a")
        (absurd.number, absurd.previous) = (number, String(repeating: "0", count: 64))
        _ = try directory.write("audit.jsonl", Array(try JSONEncoder().encode(absurd) + Data("\n".utf8)))
        let file = AuditFile(path)
        for expected in [UInt64(1), 2, 3] {
            #expect(try file.append(entry("b")).head.number == expected)
        }
        let (_, entries, broken) = try walk([path])
        #expect(entries.count == 1 && broken != nil)
    }

    @Test("lines follow one another, also after a restart and from two processes by turns")
    func chain() throws {
        var heads: [AuditHead] = []
        do {
            let file = AuditFile(path)
            for number in 1...3 { heads.append(try file.append(entry("a\(number)")).head) }
        }
        let (first, second) = (AuditFile(path), AuditFile(path))
        try first.look()
        #expect(first.head == heads.last)
        for number in 4...9 {
            let appended = try (number % 2 == 0 ? first : second).append(entry("a\(number)"))
            #expect(appended.notice == nil)
            heads.append(appended.head)
        }
        let (walk, entries, broken) = try walk([path])
        #expect(broken == nil && walk.head == heads.last && walk.first == 1)
        #expect(entries.map(\.command) == (1...9).map { "a\($0)" })
        #expect(heads.map(\.number) == Array(1...9))
    }

    @Test("many at once, in two trails of the same directory, lose no line")
    func atOnce() async throws {
        let files = [AuditFile(path), AuditFile(path)]
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    await BlockingThread.run {
                        do { _ = try files[number % 2].append(entry("c\(number)")) } catch {
                            Issue.record("\(error)")
                        }
                    }
                }
            }
        }
        let (_, entries, broken) = try walk([path])
        #expect(broken == nil && Set(entries.map(\.command)).count == 40)
    }

    @Test("every line is in the log as well, with its number and hash, whatever the log's threshold")
    func threshold() throws {
        let log = LogCapture()
        let trail = AuditTrail(directory: directory.path, log: log.logger(.error))
        trail.append(entry("remove wall"))
        let head = try #require(trail.head)
        trail.append(entry("write /x", allowed: false))
        #expect(log.lines.count == 2, "\(log.lines)")
        #expect(log.lines.first?.contains(#"command="remove wall""#) == true)
        #expect(log.lines.first?.contains("audit=\(head)") == true)
        #expect(log.lines.last?.hasPrefix("info refused ") == true)
    }

    @Test("a changed, a removed, an added and a moved line are seen")
    func tampering() throws {
        let file = AuditFile(path)
        for number in 1...5 { _ = try file.append(entry("a\(number)")) }
        let whole = try lines(path)
        let changed = Data(String(decoding: whole[2], as: UTF8.self).replacing("a3", with: "b3").utf8)
        let variants: [(String, [Data])] = [
            ("changed", [whole[0], whole[1], changed, whole[3], whole[4]]),
            ("removed", [whole[0], whole[1], whole[3], whole[4]]),
            ("added", [whole[0], whole[1], whole[1], whole[2], whole[3], whole[4]]),
            ("moved", [whole[0], whole[2], whole[1], whole[3], whole[4]]),
            ("garbage", [whole[0], Data("{}".utf8), whole[1]]),
        ]
        for (name, lines) in variants {
            let copy = try directory.write(name, lines.flatMap { Array($0) + [UInt8(ascii: "\n")] })
            #expect(try walk([copy]).broken != nil, "\(name)")
        }
        // The lines alone do not tell of an end that is gone; the head that was told elsewhere does.
        let cut = try directory.write("cut", whole.prefix(3).flatMap { Array($0) + [UInt8(ascii: "\n")] })
        #expect(try walk([cut]).broken == nil)
        #expect(file.head?.number == 5)
    }

    @Test("an end that is cut off while the agent runs is told, and shows in the chain")
    func cutWhileRunning() throws {
        let file = AuditFile(path)
        for number in 1...5 { _ = try file.append(entry("a\(number)")) }
        let whole = try lines(path)
        _ = try directory.write("audit.jsonl", whole.prefix(2).flatMap { Array($0) + [UInt8(ascii: "\n")] })
        let appended = try file.append(entry("a6"))
        #expect(appended.notice == "its end is gone: the last line was number 5")
        #expect(appended.head.number == 6)
        #expect(try walk([path]).broken == "it is number 6, and should be 3")
    }

    @Test("full files are set behind, the chain goes on over them, and the oldest goes")
    func rotation() throws {
        let limits = AuditFile.Limits(bytes: 2000, files: 4)
        for round in 0..<4 {
            let file = AuditFile(path, limits: limits)
            for number in 0..<20 { _ = try file.append(entry("r\(round).\(number)")) }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(
            names == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3", "audit.jsonl.lock"]
        )
        let paths = [".3", ".2", ".1", ""].map { path + $0 }
        for path in paths { #expect(try Data(contentsOf: URL(filePath: path)).count <= 2000) }
        let (walk, entries, broken) = try walk(paths)
        #expect(broken == nil && walk.head?.number == 80 && entries.last?.command == "r3.19")
        #expect(try #require(walk.first) > 40)
        #expect(try self.walk([paths[0], paths[2], paths[3]]).broken != nil)
        // As when somebody has moved the newest away, or the agent died between two renamings.
        try #require(unlink(path) == 0)
        let head = try AuditFile(path, limits: limits).append(entry("next")).head
        #expect(try self.walk(paths).broken == nil)
        #expect(head.number > 60)
    }

    @Test("what a version without chains wrote is followed by the chain")
    func upgrade() throws {
        let old = """
            {"command":"remove wall","identity":"i","milliseconds":1,"outcome":"done","peer":"p","serial":"s","time":5}

            """
        _ = try directory.write("audit.jsonl", Array((old + old).utf8))
        let file = AuditFile(path)
        for number in 1...2 { _ = try file.append(entry("a\(number)")) }
        let (walk, entries, broken) = try walk([path])
        #expect(broken == nil && walk.unchained == 2 && walk.first == 1 && walk.head?.number == 2)
        #expect(entries.count == 4)
        let bare = try directory.write("bare", Array(try lines(path).reversed().flatMap { Array($0) + [10] }))
        #expect(try self.walk([bare]).broken != nil)
    }

    @Test("half a line, of a crash, is cut off and never glued to the next")
    func torn() throws {
        _ = try AuditFile(path).append(entry("a1"))
        let whole = try directory.read("audit.jsonl")
        _ = try directory.write("audit.jsonl", Array((whole + whole.prefix(60)).utf8))
        let appended = try AuditFile(path).append(entry("a2"))
        #expect(appended.notice == "cut off a half-written last line")
        #expect(try walk([path]).broken == nil)
        #expect(try lines(path).count == 2)
    }

    @Test(
        "on a full disk nothing of a line stays, nobody waits, and the next line tells how many are missing",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func fullDisk() throws {
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=64k") == 0)
        defer { umount2(directory.path, 2) }
        let file = AuditFile(path)
        var written = 0
        let long = String(repeating: "x", count: 3000)
        while true {
            do { _ = try file.append(entry(long)) } catch { break }
            written += 1
        }
        #expect(throws: SystemCallError.self) { try file.append(entry(long)) }
        #expect(try directory.read("audit.jsonl").hasSuffix("\n"))
        #expect(try lines(path).count == written)
        try #require(unlink(path) == 0)
        let late = try file.append(entry("late"))
        #expect(try lines(path).count == 1)
        let last = try JSONDecoder().decode(AuditEntry.self, from: lines(path)[0])
        #expect(last.lost == 2 && late.head.number == UInt64(written) + 1)
    }

    @Test("a lock that somebody holds delays a line, and does not hold it up for ever")
    func heldLock() throws {
        let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(lock) }
        try #require(flock(lock, LOCK_EX) == 0)
        let begin = ContinuousClock.now
        #expect(throws: SystemCallError(call: "lock", code: ETIMEDOUT)) {
            try AuditFile(path).append(entry("a1"))
        }
        #expect(ContinuousClock.now - begin > .seconds(5))
    }

    @Test("a FIFO, a device and a link in its place are refused")
    func foreignFiles() throws {
        try #require(mkfifo(path, 0o600) == 0)
        #expect(throws: SystemCallError.self) { try AuditFile(path).append(entry("a1")) }
        try #require(unlink(path) == 0)
        try #require(symlink("/dev/null", path) == 0)
        #expect(throws: SystemCallError.self) { try AuditFile(path).append(entry("a1")) }
    }

    @Test("of what one identity asks for again and again, a line a minute tells; others keep theirs")
    func throttle() {
        let throttle = ThrottleBox()
        let flood = entry("GET /x", identity: "viewer", allowed: false)
        #expect(throttle.takes(flood, at: .seconds(0)))
        for _ in 0..<10_000 { #expect(!throttle.takes(flood, at: .seconds(1))) }
        #expect(throttle.takes(entry("GET /y", identity: "other"), at: .seconds(2)))
        #expect(throttle.due(at: .seconds(59)) == [])
        let due = throttle.due(at: .seconds(60))
        #expect(due.map(\.count) == [10_000] && due.first?.command == "GET /x")
        #expect(!throttle.isPending)
        #expect(throttle.takes(flood, at: .seconds(61)))
        // Ever other requests.
        let written = (0..<5000).filter {
            throttle.takes(entry("GET /\($0)", identity: "z"), at: .seconds(70))
        }
        #expect(written.count == 20)
        #expect(throttle.due(at: nil).compactMap(\.count).reduce(0, +) == 4980)
        // Once a minute is not again and again.
        for minute in 2..<10 { #expect(throttle.takes(flood, at: .seconds(minute * 61 + 100))) }
        let many = (0..<5000).filter { throttle.takes(entry("GET /", identity: "i\($0)"), at: .seconds(900)) }
        #expect(many.count <= 101)
    }
}
