import ControlProtocol
import GRDB
import Procedure
import TestSupport
import Testing

@testable import Journal

@Suite("What a run told, in the journal")
struct JournalEventTests {
    private static let subject = RunEvent.Subject(stage: .join, step: "join.files", title: "Write files")

    private func record() throws -> RunRecord {
        RunRecord(
            id: try #require(RunID("r1")),
            plan: "model",
            planDigest: "digest",
            startedAt: 5,
            survey: Survey(files: []),
            epoch: FencingEpoch(3)
        )
    }

    @Test("events are kept in their order over a reopening, but for what is only awaited")
    func kept() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let run = try record()
        let first = RunEvent(.stepStarted(Self.subject), at: 1, run: "r1")
        let waiting = RunEvent(.stepWaiting(Self.subject, message: "d1: looking"), at: 2, run: "r1")
        let second = RunEvent(.warning(Self.subject, message: "slow"), at: 3, run: "r1")
        do {
            let journal = try SQLiteJournal(path: path, exclusively: true)
            try journal.begin(run)
            #expect(try journal.events(of: run.id).isEmpty)
            #expect(try journal.keep([first, waiting], of: run.id))
            #expect(try journal.keep([waiting], of: run.id))
            #expect(try journal.keep([], of: run.id))
        }
        let journal = try SQLiteJournal(path: path, exclusively: true)
        #expect(try journal.keep([second], of: run.id))
        #expect(try journal.events(of: run.id) == [first, second])
        #expect(try journal.events(of: run.id, from: 1).map(\.number) == [1])
        #expect(try journal.events(of: try #require(RunID("r2"))).isEmpty)
    }

    @Test(
        "however many there are, whoever reads them gets all in their order, and whoever watches only what is new"
    )
    func pages() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let run = try record()
        let journal = try SQLiteJournal(path: path, exclusively: true)
        try journal.begin(run)
        for count in [500, 1, 500, 234] {
            let before = try journal.events(of: run.id).count
            let events = (0..<count).map {
                RunEvent(.stepStarted(Self.subject), at: Int64(before + $0), run: "r1")
            }
            #expect(try journal.keep(events, of: run.id))
        }
        #expect(try journal.events(of: run.id).map(\.at) == (0..<1235).map { Int64($0) })
        let watch = try JournalWatch(path: path)
        #expect(try watch.events(of: run.id, from: 0).map(\.number) == Array(0..<1235))
        #expect(try watch.events(of: run.id, from: 1230).map(\.number) == Array(1230..<1235))
        #expect(try watch.events(of: run.id, from: 1235).isEmpty)
    }

    @Test("a run has only so many, and says when some are left out")
    func full() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let run = try record()
        let journal = try SQLiteJournal(path: path, exclusively: true)
        try journal.begin(run)
        let event = RunEvent(.stepStarted(Self.subject), at: 1, run: "r1")
        #expect(try journal.keep([event], of: run.id))
        let database = try DatabaseQueue(path: path)
        try database.write {
            try $0.execute(
                sql: "UPDATE event SET number = ?",
                arguments: [SQLiteJournal.mostEvents - 2]
            )
        }
        #expect(try !journal.keep([event, event], of: run.id))
        #expect(try journal.events(of: run.id).count == 2)
    }

    @Test("what somebody else has written into it is no event, and is told")
    func foreign() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let run = try record()
        let journal = try SQLiteJournal(path: path, exclusively: true)
        try journal.begin(run)
        _ = try journal.keep([RunEvent(.stepStarted(Self.subject), at: 1, run: "r1")], of: run.id)
        let database = try DatabaseQueue(path: path)
        for content in [#"X'7B7D'"#, "7", "'{'"] {
            try database.write { try $0.execute(sql: "UPDATE event SET content = \(content)") }
            #expect(throws: JournalError.self) { try journal.events(of: run.id) }
        }
    }
}
