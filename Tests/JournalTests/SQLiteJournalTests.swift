import ControlProtocol
import Fleet
import FoundationEssentials
import GRDB
import Glibc
import Procedure
import TestSupport
import Testing

@testable import Journal

@Suite("The journal on disk", .timeLimit(.minutes(10)))
struct SQLiteJournalTests {
    private static func record(_ id: String, plan: String = "model") throws -> RunRecord {
        RunRecord(
            id: try #require(RunID(id)),
            plan: plan,
            planDigest: "digest",
            startedAt: 5,
            survey: Survey(files: []),
            epoch: FencingEpoch(3)
        )
    }

    @Test("a second coordinator is refused by name until the first has ended; a reader beside it is not")
    func locks() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        do {
            let first = try SQLiteJournal(path: path, exclusively: true)
            try first.begin(try Self.record("r1"))
            #expect(throws: JournalError.locked(path: path + ".lock")) {
                _ = try SQLiteJournal(path: path, exclusively: true)
            }
            let reader = try SQLiteJournal(path: path, exclusively: false)
            #expect(try reader.runs().map(\.record.id.description) == ["r1"])
            try first.begin(try Self.record("r2"))
            #expect(try reader.runs().map(\.record.id.description) == ["r2", "r1"])
        }
        _ = try SQLiteJournal(path: path, exclusively: true)
    }

    @Test("opened again it holds what was written: runs, steps, facts, epoch and ending")
    func reopening() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        var run = try Self.record("r1")
        let host = try #require(HostName("d1"))
        let commands = [HostCommand(host, .removeWall)]
        var facts = RunFacts()
        facts.waived = ["waived: epochs"]
        do {
            let journal = try SQLiteJournal(path: path, exclusively: true)
            try journal.begin(run)
            try journal.intent("a.b", attempt: 1, commands: commands, at: 10, of: run.id)
            try journal.verdict("a.b", attempt: 1, .failed(reason: "no"), at: 11, of: run.id)
            try journal.intent("a.b", attempt: 2, commands: [], at: 12, of: run.id)
            try journal.verdict("a.b", attempt: 2, .done(observed: "yes"), at: 13, of: run.id)
            try journal.remember(facts, of: run.id)
            try journal.end(run.id, .stopped, at: 14)
        }
        let journal = try SQLiteJournal(path: path, exclusively: true)
        run.facts = facts
        #expect(try journal.unfinishedRun(plan: "model") == run)
        #expect(try journal.unfinishedRun(plan: "another") == nil)
        let first = try #require(try journal.runs().first)
        #expect(first.record == run && first.ending == .stopped && first.endedAt == 14)
        #expect(
            try journal.entries(of: run.id) == [
                JournalEntry(
                    step: "a.b",
                    attempt: 1,
                    commands: commands,
                    intendedAt: 10,
                    verdict: .failed(reason: "no"),
                    decidedAt: 11
                ),
                JournalEntry(
                    step: "a.b",
                    attempt: 2,
                    commands: [],
                    intendedAt: 12,
                    verdict: .done(observed: "yes"),
                    decidedAt: 13
                ),
            ]
        )
        try journal.setEpoch(FencingEpoch(9), of: run.id)
        let again = try #require(try journal.runs().first)
        #expect(again.record.epoch == FencingEpoch(9) && again.ending == nil && again.endedAt == nil)
        for ending in [RunEnding.finished, .withdrawn] {
            try journal.end(run.id, ending, at: 20)
            #expect(try journal.unfinishedRun(plan: "model") == nil)
            #expect(try journal.runs().first?.ending == ending)
        }
    }

    @Test("it is its owner's alone: the hosts' files are in it; one that others could read no longer can be")
    func isPrivate() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let mode = { () -> mode_t in
            var found = stat()
            return stat(path, &found) == 0 ? found.st_mode & 0o777 : 0
        }
        do { _ = try SQLiteJournal(path: path, exclusively: true) }
        #expect(mode() == 0o600)
        try #require(chmod(path, 0o644) == 0)
        do { _ = try SQLiteJournal(path: path, exclusively: true) }
        #expect(mode() == 0o600)
    }

    @Test("what hosts said is kept as text, whatever they said")
    func hostile() throws {
        let folder = try TemporaryFolder()
        let journal = try SQLiteJournal(path: folder.path + "/journal.sqlite", exclusively: true)
        let run = try Self.record("r1")
        try journal.begin(run)
        let verdicts: [StepVerdict] = [.failed(reason: HostileText.all), .done(observed: HostileText.all)]
        for (attempt, verdict) in verdicts.enumerated() {
            try journal.intent("a.b", attempt: attempt, commands: [], at: 0, of: run.id)
            try journal.verdict("a.b", attempt: attempt, verdict, at: 1, of: run.id)
        }
        let texts = try journal.entries(of: run.id).compactMap { entry -> String? in
            switch entry.verdict {
            case .done(let text), .failed(let text): text
            case nil: nil
            }
        }
        #expect(texts.count == 2 && texts.allSatisfy { HostileText.offences(in: $0).isEmpty })
    }

    @Test("a torn run keeps its intent without a verdict, and comes before one that changed nothing")
    func tornRun() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        do {
            let journal = try SQLiteJournal(path: path, exclusively: true)
            let torn = try Self.record("r1")
            try journal.begin(torn)
            let commands = [HostCommand(try #require(HostName("d1")), .removeWall)]
            try journal.intent("division.detach", attempt: 1, commands: commands, at: 10, of: torn.id)
            try journal.begin(try Self.record("r2"))
        }
        let journal = try SQLiteJournal(path: path, exclusively: true)
        let run = try #require(try journal.unfinishedRun(plan: "model"))
        #expect(run.id.description == "r1")
        let entry = try #require(try journal.entries(of: run.id).first)
        #expect(entry.verdict == nil && entry.decidedAt == nil)
        let history = RunHistory(try journal.entries(of: run.id))
        #expect(history.passed.contains(.divisionBegan) && history.done.isEmpty && history.hasActed)
    }

    @Test("a writer that is killed loses nothing that it had written, and leaves no lock", arguments: 1...3)
    func killedWriter(round: Int) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let child = try ChildTest.start("writesUntilKilled", path)
        let run = try #require(RunID("r1"))
        while access(path + ".begun", F_OK) != 0 { try await Task.sleep(for: .milliseconds(5)) }
        let reader = try SQLiteJournal(path: path, exclusively: false)
        var seen = 0
        while seen < 20 * round { seen = try reader.entries(of: run).count { $0.verdict != nil } }
        child.signal(SIGKILL)
        #expect(try await child.ends(within: .seconds(10)))

        let journal = try SQLiteJournal(path: path, exclusively: true)
        let entries = try journal.entries(of: run)
        #expect(entries.count { $0.verdict != nil } >= seen)
        #expect(entries.dropLast().allSatisfy { $0.verdict != nil })
        #expect(entries.map(\.attempt) == Array(1...entries.count))
        try journal.intent("a.c", attempt: 1, commands: [], at: 0, of: run)
    }

    @Test("(the writer that is killed)", .enabled(if: ChildTest.isRunning("writesUntilKilled")))
    func writesUntilKilled() throws {
        let path = ChildTest.parameter
        let journal = try SQLiteJournal(path: path, exclusively: true)
        let run = try Self.record("r1")
        try journal.begin(run)
        try Data().write(to: URL(filePath: path + ".begun"))
        for attempt in 1...100_000 {
            // A coordinator waits for hosts between its entries. SQLite's lock is not fair: one that never let go of it would
            // keep a reader out for as long as it likes.
            usleep(2_000)
            try journal.intent("a.b", attempt: attempt, commands: [], at: 0, of: run.id)
            try journal.verdict("a.b", attempt: attempt, .done(observed: "seen"), at: 0, of: run.id)
        }
    }

    @Test("a journal that a newer version has written is refused by name, and not a byte of it changes")
    func newerSchema() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        do {
            let journal = try SQLiteJournal(path: path, exclusively: true)
            try journal.begin(try Self.record("r1"))
            let database = try DatabaseQueue(path: path)
            var newer = JournalSchema.migrator
            newer.registerMigration("mirrors") { database in
                try database.execute(sql: "ALTER TABLE run ADD COLUMN mirror TEXT")
            }
            try newer.migrate(database)
        }
        let before = try Data(contentsOf: URL(filePath: path))
        for exclusively in [true, false] {
            #expect(throws: JournalError.newer(path: path)) {
                _ = try SQLiteJournal(path: path, exclusively: exclusively)
            }
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == ["journal.sqlite", "journal.sqlite.lock"])
    }

    @Test("a file that is no database is refused by name, and left as it is")
    func noDatabase() throws {
        let folder = try TemporaryFolder()
        let text = String(repeating: "these are somebody's notes\n", count: 100)
        let path = try folder.write(text, to: "journal.sqlite")
        do {
            _ = try SQLiteJournal(path: path, exclusively: true)
            Issue.record("it was opened")
        } catch {
            #expect(
                "\(error)".hasPrefix("\(path): the journal was damaged on the disk (file is not a database")
            )
            #expect("\(error)".hasSuffix("and move the journal away"))
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(text.utf8))
    }

    @Test("a place where nothing can be written is told with the system's reason")
    func unwritablePlace() throws {
        for (folder, reason) in [("/nowhere", "No such file or directory"), ("/dev/null", "Not a directory")]
        {
            let path = folder + "/journal.sqlite"
            #expect(throws: JournalError.unusable(path: path + ".lock", reason: reason)) {
                _ = try SQLiteJournal(path: path, exclusively: true)
            }
        }
        #expect(throws: JournalError.self) {
            _ = try SQLiteJournal(path: "/proc/journal.sqlite", exclusively: true)
        }
    }

    @Test("every error says what is wrong and what to do")
    func errors() {
        let texts = [
            JournalError.unusable(path: "j", reason: "r"), .locked(path: "j"), .newer(path: "j"),
        ].map(\.description)
        #expect(
            texts == [
                "j: the journal cannot be used: r; nothing goes on without it",
                "j: another mitosis uses this journal; wait for it to end",
                "j: a newer mitosis has written this journal; go on with that version, this one leaves it as it is",
            ]
        )
    }

    @Test(
        "columns that hold what no journal writes are told, and end nothing",
        arguments: [
            "UPDATE run SET epoch = -1", "UPDATE run SET epoch = 9223372036854775807",
            "UPDATE run SET epoch = 'x'",
            "UPDATE run SET epoch = 1e308", "UPDATE run SET startedAt = 'x'", "UPDATE run SET facts = '['",
            #"UPDATE run SET facts = '{"detached":{"d1":{"pid":2147483647,"end":{"epoch":1,"zxid":"0x1"},"proof":{"idle":{}}}}}'"#,
            "UPDATE step SET attempt = 'x'", "UPDATE step SET intendedAt = x'00'",
            "UPDATE step SET commands = '[[[[[[[['",
            #"UPDATE step SET commands = '[{"host":"d1","command":{"service":{"request":{"service":"z","action":"start","replacing":-1}}}}]'"#,
        ]
    )
    func damage(sql: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let run = try Self.record("r1")
        do {
            let journal = try SQLiteJournal(path: path, exclusively: true)
            try journal.begin(run)
            try journal.intent("a.b", attempt: 1, commands: [], at: 10, of: run.id)
        }
        // Somebody who knows of the checksums: they follow what is written.
        var configuration = Configuration()
        configuration.prepareDatabase { $0.add(function: JournalIntegrity.function) }
        try DatabaseQueue(path: path, configuration: configuration).write { try $0.execute(sql: sql) }
        let journal = try SQLiteJournal(path: path, exclusively: true)
        #expect(throws: JournalError.self) {
            _ = try journal.runs()
            _ = try journal.entries(of: run.id)
        }
    }

    @Test("an epoch that no file can hold is refused, and nothing is written")
    func epochs() throws {
        let folder = try TemporaryFolder()
        let journal = try SQLiteJournal(path: folder.path + "/journal.sqlite", exclusively: true)
        let run = try Self.record("r1")
        try journal.begin(run)
        #expect(throws: JournalError.self) { try journal.setEpoch(FencingEpoch(.max), of: run.id) }
        #expect(try journal.runs().first?.record.epoch == FencingEpoch(3))
    }
}
