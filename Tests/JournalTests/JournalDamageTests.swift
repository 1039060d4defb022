import ControlProtocol
import Fleet
import FoundationEssentials
import GRDB
import Glibc
import Procedure
import TestSupport
import Testing

@testable import Journal

@Suite("A journal that was damaged on the disk", .timeLimit(.minutes(10)))
struct JournalDamageTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder.path + "/journal.sqlite" }

    private func write() throws {
        let journal = try SQLiteJournal(path: path, exclusively: true)
        let run = RunRecord(
            id: try #require(RunID("r1")),
            plan: "model",
            planDigest: "digest",
            startedAt: 5,
            survey: Survey(files: []),
            epoch: FencingEpoch(3)
        )
        try journal.begin(run)
        let commands = [HostCommand(try #require(HostName("d1")), .removeWall)]
        for attempt in 1...40 {
            try journal.intent("division.detach", attempt: attempt, commands: commands, at: 10, of: run.id)
            try journal.verdict(
                "division.detach",
                attempt: attempt,
                .failed(reason: "no"),
                at: 11,
                of: run.id
            )
        }
        try journal.setEpoch(FencingEpoch(4), of: run.id)
        try journal.remember(RunFacts(), of: run.id)
        try journal.end(run.id, .stopped, at: 12)
    }

    private func opened() throws -> JournalError? {
        do throws(JournalError) {
            let journal = try SQLiteJournal(path: path, exclusively: true)
            for run in try journal.runs() { _ = try journal.entries(of: run.record.id) }
            return nil
        } catch {
            return error
        }
    }

    private func replace(_ old: String, _ new: String, all: Bool = false) throws {
        var bytes = Array(try Data(contentsOf: URL(filePath: path)))
        let (old, new) = (Array(old.utf8), Array(new.utf8))
        var count = 0
        for start in 0...(bytes.count - old.count) where bytes[start..<start + old.count].elementsEqual(old) {
            bytes.replaceSubrange(start..<start + old.count, with: new)
            count += 1
            if !all { break }
        }
        try #require(count > 0)
        try Data(bytes).write(to: URL(filePath: path))
    }

    @Test("a value that changed is told with its step and attempt, however well it still reads")
    func value() throws {
        try write()
        #expect(try opened() == nil)
        try replace("d1", "d2")
        guard case .damaged(path, let reason)? = try opened() else {
            Issue.record("it is believed")
            return
        }
        #expect(reason.contains("the checksum does not match: step division.detach of run r1, attempt "))
        let text = JournalError.damaged(path: path, reason: reason).description
        #expect(text.contains("the journal was damaged on the disk") && text.contains("mitosis rules list"))
    }

    @Test("a byte that flips anywhere is told, or changes nothing of what is read")
    func everywhere() throws {
        try write()
        let whole = Array(try Data(contentsOf: URL(filePath: path)))
        let sound = try content()
        var told = 0
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = whole
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] ^= UInt8.random(
                in: 1...255,
                using: &random
            )
            try Data(bytes).write(to: URL(filePath: path))
            do {
                let found = try content()
                #expect(found == sound, "byte \(place)")
            } catch is JournalError {
                told += 1
            }
        }
        #expect(told > 20)
    }

    private func content() throws -> [JournalEntry] {
        let journal = try SQLiteJournal(path: path, exclusively: true)
        return try journal.runs().flatMap { try journal.entries(of: $0.record.id) }
    }

    @Test("a file that is no database any more, or half of one, is told to be damaged")
    func pages() throws {
        try write()
        let whole = try Data(contentsOf: URL(filePath: path))
        for content in [
            Data(repeating: 0x41, count: 5000), whole.prefix(whole.count / 2),
            whole.prefix(200) + Data(repeating: 0, count: whole.count - 200),
        ] {
            try content.write(to: URL(filePath: path))
            guard case .damaged? = try opened() else {
                Issue.record("\(content.count) bytes: \(String(describing: try opened()))")
                continue
            }
        }
    }

    @Test("the journal of a version without checksums gets them, and goes on")
    func upgrade() throws {
        try write()
        do {
            let database = try DatabaseQueue(path: path)
            try database.write { database in
                for trigger in ["runBegun", "runChanged", "stepBegun", "stepChanged"] {
                    try database.execute(sql: "DROP TRIGGER \(trigger)")
                }
                try database.execute(sql: "DROP TABLE tally")
                for table in ["run", "step"] {
                    try database.execute(sql: "ALTER TABLE \(table) DROP COLUMN sum")
                }
                try database.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = 'checksums'")
            }
        }
        #expect(try opened() == nil)
        try replace("d1", "d2")
        guard case .damaged? = try opened() else {
            Issue.record("it has no checksums")
            return
        }
    }
}
