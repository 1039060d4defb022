import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import Testing

@Suite("The command record on disk")
struct CommandRecordTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func intent(_ id: String, run: String = "run-1", digest: String = "d1") throws
        -> RecordEntry.Intent
    {
        RecordEntry.Intent(
            id: try Sample.id(id),
            lease: try Sample.lease(run),
            identity: "spiffe://mitosis/coordinator/ops",
            digest: digest,
            summary: "remove wall",
            at: 1
        )
    }

    private func look(
        _ record: borrowing CommandRecord,
        _ id: String,
        run: String = "run-1",
        digest: String = "d1",
        epoch: UInt64 = 1
    ) throws
        -> CommandRecord.Lookup
    {
        try record.look(up: Sample.id(id), under: try Sample.lease(run, epoch), digest: digest)
    }

    @Test("intents and outcomes are found again by the next agent")
    func replay() throws {
        let failed = CommandOutcome.failed(message: "no\nluck")
        do {
            var record = try CommandRecord(directory: directory.path)
            try record.begin(intent("a"))
            try record.finish(Sample.id("a"), failed, at: 2)
            try record.begin(intent("b"))
        }
        let record = try CommandRecord(directory: directory.path)
        #expect(try look(record, "a") == .finished(outcome: failed))
        #expect(try look(record, "b") == .open)
        #expect(try look(record, "c") == .unknown)
        #expect(try look(record, "a", digest: "d2") == .differs)
        #expect(try look(record, "a", run: "run-2") == .differs)
        #expect(record.discarded == 0)
    }

    @Test("a torn last line is cut off and the record goes on", arguments: [1, 20, 60])
    func torn(kept: Int) throws {
        do {
            var record = try CommandRecord(directory: directory.path)
            try record.begin(intent("a"))
        }
        let whole = try directory.read("commands.jsonl")
        _ = try directory.write("commands.jsonl", Array((whole + whole.prefix(kept)).utf8))
        do {
            var record = try CommandRecord(directory: directory.path)
            #expect(record.discarded == kept)
            #expect(try look(record, "a") == .open)
            try record.finish(Sample.id("a"), .failed(message: "x"), at: 3)
        }
        let record = try CommandRecord(directory: directory.path)
        #expect(record.discarded == 0)
        #expect(try look(record, "a") == .finished(outcome: .failed(message: "x")))
    }

    @Test("a third run drops the first one, and the file shrinks")
    func runs() throws {
        var record = try CommandRecord(directory: directory.path)
        for run in ["run-1", "run-2", "run-3"] {
            try record.begin(intent(run + ".x", run: run))
            try record.finish(Sample.id(run + ".x"), .failed(message: run), at: 2)
        }
        #expect(try look(record, "run-1.x") == .unknown)
        #expect(try look(record, "run-2.x", run: "run-2") == .finished(outcome: .failed(message: "run-2")))
        #expect(try look(record, "run-3.x", run: "run-3") == .finished(outcome: .failed(message: "run-3")))
        #expect(try directory.read("commands.jsonl").contains("run-1") == false)
    }

    @Test("the record stays bounded, and keeps the newest")
    func bounded() throws {
        var record = try CommandRecord(directory: directory.path, limits: .init(runs: 2, commands: 10))
        for number in 1...57 {
            try record.begin(intent("c\(number)"))
            try record.finish(Sample.id("c\(number)"), .failed(message: "\(number)"), at: 2)
        }
        #expect(try look(record, "c1") == .unknown)
        #expect(try look(record, "c57") == .finished(outcome: .failed(message: "57")))
        let lines = try directory.read("commands.jsonl").split(separator: "\n").count
        #expect(lines <= 20)
    }

    @Test(
        "on a full disk the removal of a wall is still recorded, and an outcome without room is not lost",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func fullDisk() throws {
        try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=1m") == 0)
        defer { umount2(directory.path, 2) }
        var record = try CommandRecord(directory: directory.path)
        try fill()
        #expect(throws: AgentServerError.self) { try record.begin(intent("wall")) }
        try record.begin(intent("removal"), urgent: true)
        #expect(try look(record, "removal") == .open)
        try fill()
        let outcome = CommandOutcome.failed(message: String(repeating: "x", count: 20_000))
        #expect(throws: AgentServerError.self) { try record.finish(Sample.id("removal"), outcome, at: 2) }
        #expect(try look(record, "removal") == .finished(outcome: outcome))
        try #require(unlink(directory.path + "/ballast") == 0)
        try record.begin(intent("next"))
        let later = try CommandRecord(directory: directory.path)
        #expect(try look(later, "removal") == .finished(outcome: outcome))
        #expect(try look(later, "wall") == .unknown)
    }

    /// Leaves no page of the disk free.
    private func fill() throws {
        let ballast = open(directory.path + "/ballast", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        try #require(ballast >= 0)
        defer { close(ballast) }
        let page = [UInt8](repeating: 1, count: 4096)
        while write(ballast, page, page.count) > 0 {}
        try #require(errno == ENOSPC)
    }
}
