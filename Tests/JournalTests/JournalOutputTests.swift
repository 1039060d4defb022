import ControlProtocol
import GRDB
import Procedure
import TestSupport
import Testing

@testable import Journal

@Suite("What programs printed, in the journal")
struct JournalOutputTests {
    @Test("it is kept by step and attempt, apart from the chain, and a change on the disk is seen")
    func kept() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/journal.sqlite"
        let run = RunRecord(
            id: try #require(RunID("r1")),
            plan: "model",
            planDigest: "digest",
            startedAt: 5,
            survey: Survey(files: []),
            epoch: FencingEpoch(3)
        )
        do {
            let journal = try SQLiteJournal(path: path, exclusively: true)
            try journal.begin(run)
            try journal.openChain(ChainBeginning(run, planText: "", inventoryText: nil))
            let links = try journal.chain(of: run.id).count
            for (attempt, text) in [(1, "first"), (1, "again"), (2, "second\nline")] {
                let place = StepOutput.Place(step: "join.test-1", attempt: attempt)
                try journal.keep(StepOutput(place: place, text: text), of: run.id)
            }
            #expect(try journal.chain(of: run.id).count == links)
        }
        let reader = try SQLiteJournal(path: path, exclusively: false)
        #expect(try reader.outputs(of: run.id).map(\.text) == ["again", "second\nline"])
        #expect(try reader.outputs(of: run.id).map(\.place.attempt) == [1, 2])
        #expect(try reader.outputs(of: try #require(RunID("r2"))).isEmpty)

        let database = try DatabaseQueue(path: path)
        try database.write { try $0.execute(sql: "UPDATE output SET content = 'passed' WHERE attempt = 1") }
        #expect(throws: JournalError.self) { _ = try SQLiteJournal(path: path, exclusively: false) }
    }
}
