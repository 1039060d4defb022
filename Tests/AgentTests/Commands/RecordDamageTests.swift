import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Testing

@testable import AgentServer

@Suite("A command record that was damaged on the disk")
struct RecordDamageTests {
    private static let failed = CommandOutcome.failed(message: "no luck")
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var path: String { directory.path + "/commands.jsonl" }

    private func intent(_ id: String, epoch: UInt64 = 1) throws -> RecordEntry.Intent {
        RecordEntry.Intent(
            id: try Sample.id(id),
            lease: try Sample.lease("run-1", epoch),
            identity: "spiffe://mitosis/coordinator/ops",
            digest: "d1",
            summary: "remove wall",
            at: 1
        )
    }

    private func look(_ record: borrowing CommandRecord, _ id: String, epoch: UInt64 = 1) throws
        -> CommandRecord.Lookup
    {
        try record.look(up: Sample.id(id), under: try Sample.lease("run-1", epoch), digest: "d1")
    }

    /// Two commands that have ended, and one that has not.
    private func write() throws {
        var record = try CommandRecord(directory: directory.path)
        for id in ["a", "b"] {
            try record.begin(intent(id))
            try record.finish(Sample.id(id), Self.failed, at: 2)
        }
        try record.begin(intent("c"))
    }

    private func content() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    private func isDamaged(_ lookup: CommandRecord.Lookup) -> Bool {
        if case .damaged = lookup { true } else { false }
    }

    @Test(
        "a bit that flips anywhere is noticed at the start: no command is repeated, forgotten or answered wrongly"
    )
    func everyByte() throws {
        try write()
        let whole = try content()
        for index in whole.indices {
            var flipped = whole
            flipped[index] ^= 1 << UInt8(index % 8)
            _ = try directory.write("commands.jsonl", flipped)
            let record = try CommandRecord(directory: directory.path)
            let isLast = flipped.last != whole.last
            let (damage, discarded) = (record.damage, record.discarded)
            #expect(damage != nil || isLast && discarded > 0, "byte \(index)")
            for id in ["a", "b"] {
                let found = try look(record, id)
                #expect(found == .finished(outcome: Self.failed) || isDamaged(found), "byte \(index): \(id)")
            }
            if !isLast {
                #expect(isDamaged(try look(record, "c")), "byte \(index)")
                #expect(isDamaged(try look(record, "new")), "byte \(index)")
            }
            // A coordinator that has looked anew is served.
            #expect(try look(record, "later", epoch: 2) == .unknown)
        }
    }

    @Test("the damage is named with file and line, the damaged file is kept, and the next start knows of it")
    func named() throws {
        try write()
        var bytes = try content()
        let second = try #require(bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 40 })
        bytes[second] ^= 4
        _ = try directory.write("commands.jsonl", bytes)
        for _ in 0..<2 {
            let record = try CommandRecord(directory: directory.path, fence: FencingEpoch(7))
            let found = record.damage
            let damage = try #require(found)
            let copy = try #require(damage.copy)
            #expect(damage.epoch == FencingEpoch(7) && damage.count == 1 && damage.line == 2)
            #expect(damage.text.contains("\(copy):2: its checksum does not match"))
            #expect(Array(try Data(contentsOf: URL(filePath: copy))) == bytes)
            guard case .damaged(let reason) = try look(record, "new", epoch: 7) else {
                Issue.record("it would be carried out")
                continue
            }
            #expect(reason.contains("a higher epoch"))
            #expect(try look(record, "b") == .finished(outcome: Self.failed))
            #expect(try look(record, "new", epoch: 8) == .unknown)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names.filter { $0.hasPrefix("commands.jsonl.damaged-") }.count == 1)
    }

    @Test("a bit that flips while the agent runs is noticed by whoever asks for that command, with its line")
    func whileRunning() throws {
        try write()
        let record = try CommandRecord(directory: directory.path)
        let file = open(path, O_RDWR)
        defer { close(file) }
        let lines = try content().split(separator: UInt8(ascii: "\n"))
        let place = lines[0].count + 1 + lines[1].count / 2
        let flipped: [UInt8] = [lines[1][lines[1].startIndex + lines[1].count / 2 - 1] ^ 1]
        try #require(pwrite(file, flipped, 1, place - 1) == 1)
        guard case .damaged(let reason) = try look(record, "a") else {
            Issue.record("it was answered")
            return
        }
        #expect(reason.contains("commands.jsonl:2: its checksum does not match"))
        #expect(try look(record, "b") == .finished(outcome: Self.failed))
        #expect(throws: AgentServerError.self) { try record.outcome(of: Sample.id("a")) }
    }

    @Test("the record of an earlier version is read once, and has checksums from then on")
    func upgrade() throws {
        try write()
        let lines = try content().split(separator: UInt8(ascii: "\n"))
        let old = lines.flatMap { line -> [UInt8] in
            guard case .sound(let object) = SealedJSON.open(line) else { return [] }
            return object + [UInt8(ascii: "\n")]
        }
        #expect(!String(decoding: old, as: UTF8.self).contains("crc32c"))
        _ = try directory.write("commands.jsonl", old)
        let record = try CommandRecord(directory: directory.path)
        let (damage, discarded) = (record.damage, record.discarded)
        #expect(damage == nil && discarded == 0)
        #expect(try look(record, "a") == .finished(outcome: Self.failed))
        #expect(try look(record, "c") == .open)
        let rewritten = try content().split(separator: UInt8(ascii: "\n"))
        #expect(rewritten == lines)
    }

    @Test("a line without a checksum among others is one that lost it")
    func stripped() throws {
        try write()
        var lines = try directory.read("commands.jsonl").split(separator: "\n").map(String.init)
        lines[2] = "{" + lines[2].dropFirst(#"{"crc32c":"00000000","#.count)
        _ = try directory.write("commands.jsonl", Array((lines.joined(separator: "\n") + "\n").utf8))
        let record = try CommandRecord(directory: directory.path)
        let damage = record.damage
        #expect(damage?.line == 3)
    }

    @Test("a file of gigabytes, and a line that has no end, are set aside and not read into memory")
    func absurd() throws {
        try write()
        try #require(truncate(path, 8 << 30) == 0)
        do {
            let record = try CommandRecord(directory: directory.path, fence: FencingEpoch(3))
            let damage = record.damage
            #expect(damage?.reason.contains("8192 MiB long") == true)
            #expect(isDamaged(try look(record, "new", epoch: 3)))
        }
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 17 << 20) + [UInt8(ascii: "\n")]
        _ = try directory.write("commands.jsonl", long)
        let record = try CommandRecord(directory: directory.path)
        let damage = record.damage
        #expect(damage?.reason.contains("bytes long") == true)
    }

    @Test("after a rewriting that the disk did not confirm, lines go to the file that has the name")
    func unconfirmedRewriting() throws {
        let isFailing = directory.path + "/failing"
        var record = try CommandRecord(
            directory: directory.path,
            limits: .init(runs: 2, commands: 4),
            fence: FencingEpoch(0)
        ) {
            (path, content) throws(SystemCallError) in
            try DurableFile.replace(path, with: content)
            if access(isFailing, F_OK) == 0 {
                throw SystemCallError(call: "fsync the directory of", code: EIO)
            }
        }
        for id in ["a", "b", "c", "d"] { try record.begin(intent(id)) }
        _ = try directory.write("failing", [])
        #expect(throws: AgentServerError.self) { try record.begin(intent("e")) }
        try #require(unlink(isFailing) == 0)
        try record.begin(intent("f"))
        try record.finish(Sample.id("f"), Self.failed, at: 3)
        let next = try CommandRecord(directory: directory.path)
        #expect(try look(next, "f") == .finished(outcome: Self.failed))
        #expect(try look(next, "e") == .unknown)
    }
}

@Suite("A lease file that was damaged on the disk")
struct LeaseDamageTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func record() throws -> LeaseRecord {
        LeaseRecord(
            latest: try Sample.lease("run-1", 16),
            current: .init(holder: "ops", expiresAt: 5, secondsToLive: 30)
        )
    }

    @Test("a digit of the epoch that changes is noticed")
    func digit() throws {
        let store = LeaseStore(directory: directory.path)
        try store.write(record())
        #expect(try store.read() == record())
        let text = try directory.read("lease.json")
        #expect(text.contains(#""epoch":16"#))
        let changed = text.replacing(#""epoch":16"#, with: #""epoch":17"#)
        _ = try directory.write("lease.json", Array(changed.utf8))
        let error = #expect(throws: AgentServerError.self) { _ = try store.read() }
        #expect(error?.description.contains("lease.json: its checksum does not match") == true)
    }

    @Test("an earlier version's is read, and has a checksum once an agent has started with it")
    func upgrade() throws {
        let old =
            #"{"current":{"expiresAt":5,"holder":"ops","secondsToLive":30},"latest":{"epoch":16,"runID":"run-1"}}"#
        _ = try directory.write("lease.json", Array((old + "\n").utf8))
        let store = LeaseStore(directory: directory.path)
        #expect(try store.read() == record())
        // Whoever only looks changes nothing beside an agent that may be writing.
        #expect(try directory.read("lease.json") == old + "\n")
        #expect(try store.adopt() == record())
        #expect(try directory.read("lease.json").hasPrefix(#"{"crc32c":""#))
        #expect(try store.read() == record())
    }
}
