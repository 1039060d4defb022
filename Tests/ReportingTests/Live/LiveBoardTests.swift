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
}
