import Procedure
import Reporting
import Testing

@Suite("What a live view tells of changes, and when it asks")
struct LiveBoardTests {
    @Test("a warning is a line however many there were before, and of too many at once their number is told")
    func manyWarnings() throws {
        var board = LiveBoard(try LiveFixture().plan)
        for number in 1...250 { board.warn("\(number)") }
        let before = board
        board.warn("the next")
        #expect(LiveChanges(from: before, to: board).lines == ["!! the next"])
        for number in 1...250 { board.warn("\(number)") }
        let lines = LiveChanges(from: before, to: board).lines
        #expect(lines.count == 201 && lines.last == "!! 250")
        #expect(lines.prefix(2) == ["!! 51 warnings before the next", "!! 51"])
        // Another run's board in its place.
        var anew = LiveBoard(try LiveFixture().plan)
        anew.takeHosts(of: before)
        anew.warn("of the new run")
        #expect(LiveChanges(from: before, to: anew).lines == ["!! of the new run"])
    }

    @Test("a window of which nothing was told before it was over is one line: how long it was")
    func lateWindow() throws {
        var fixture = try LiveFixture()
        let before = LiveBoard(fixture.plan)
        let start = RunEvent.Subject(stage: .division, step: "division.start", title: "Start")
        fixture.tell(.stepFinished(start, observed: "", milliseconds: 1), at: 432_000)
        let lines = LiveChanges(from: before, to: fixture.board).lines
        #expect(lines.filter { $0.contains("window") } == ["the window is over after 2.0 s"])
    }

    @Test("nobody but the run asks within the window, told or seen by the destination's servers")
    func withinWindow() throws {
        var fixture = try LiveFixture()
        #expect(fixture.board.isWithinWindow && fixture.board.sideOfKafka == nil)
        let start = RunEvent.Subject(stage: .division, step: "division.start", title: "Start")
        fixture.tell(.stepFinished(start, observed: "", milliseconds: 1), at: 432_000)
        try fixture.lookWithinWindow()
        #expect(!fixture.board.isWithinWindow && fixture.board.sideOfKafka == .destination)
        // Whose journal is behind: it has nothing of the window yet.
        var late = LiveBoard(fixture.plan)
        late.takeHosts(of: fixture.board)
        #expect(!late.isWithinWindow)
        late.take(RunEvent(.runStarted(message: ""), at: LiveFixture.start, run: "r1"))
        #expect(late.isWithinWindow)
        late.take(RunEvent(.runFinished(message: "", milliseconds: 1), at: LiveFixture.now, run: "r1"))
        #expect(!late.isWithinWindow)
    }

    @Test(
        "who stops within the window leaves it open; it is over at the joint ensemble, and Kafka is on the source then"
    )
    func stoppedWithin() throws {
        var fixture = try LiveFixture()
        let window = { (_ fixture: LiveFixture) in
            fixture.screen(80, 24).map(\.text).first { $0.lowercased().hasPrefix("window") }
        }
        fixture.tell(.runStopped("division.start", reason: "late", standing: .dividing), at: 440_000)
        #expect(window(fixture)?.hasPrefix("WINDOW OPEN for ") == true)
        // Nobody performs it: hosts may be asked, of Kafka nobody knows.
        #expect(!fixture.board.isWithinWindow && fixture.board.sideOfKafka == nil)
        fixture.tell(.runResumed(message: ""), at: 450_000)
        fixture.tell(.stageStarted(.rollback, title: "Back"), at: 450_000)
        #expect(window(fixture)?.hasPrefix("WINDOW OPEN for ") == true)
        fixture.tell(.stageFinished(.rollback, title: "Back", milliseconds: 5000), at: 455_000)
        #expect(window(fixture)?.hasPrefix("window: over after ") == true)
        #expect(fixture.board.sideOfKafka == .source)
    }

    @Test(
        "a way back, and what a run that goes on does first, stand before what is not over, which is not told as done"
    )
    func besideTheProcedure() throws {
        let stages = { (_ fixture: LiveFixture) in
            fixture.screen(160, 50).map(\.text).filter { $0.contains("preflight done") }
        }
        for (name, word) in [(StageName.rollback, "rollback"), (.renewal, "renewal")] {
            var fixture = try LiveFixture()
            fixture.tell(.runStopped("division.detach", reason: "s1", standing: .dividing), at: 440_000)
            fixture.tell(.stageStarted(name, title: ""), at: 450_000)
            let line = try #require(stages(fixture).first)
            #expect(line.contains("> [\(word) ") && line.contains("] > division > return"), "\(line)")
            #expect(!line.contains("division done") && !line.contains("clean-up done"), "\(line)")
            fixture.tell(.stageFinished(name, title: "", milliseconds: 1000), at: 451_000)
            fixture.tell(.stageStarted(.division, title: ""), at: 451_000)
            let after = try #require(stages(fixture).first)
            #expect(after.contains("\(word) done 0:01 > [division "), "\(after)")
        }
    }
}
