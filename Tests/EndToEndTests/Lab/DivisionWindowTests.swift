import LabKit
import Testing

@Suite("the division's window in the events")
struct DivisionWindowTests {
    private let join = #"{"event":"stageFinished","stage":"join","at":10000,"milliseconds":5000}"#
    private let division = #"{"event":"stageFinished","stage":"division","at":14000,"milliseconds":3900}"#

    @Test("begins with the first detaching: what a stopped leader cost at the end of the join is not in it")
    func beginsWithTheDetaching() {
        let events = EventLog(
            reading: """
                {"event":"stepStarted","step":"division.detach","at":9000}
                \(join)
                {"event":"stepStarted","step":"division.canary","at":10100}
                {"event":"stepStarted","step":"division.detach","at":10300}
                {"event":"stepStarted","step":"division.detach","at":10900}
                \(division)
                """
        )
        #expect(events.division == 10.3...14)
    }

    @Test("begins with the stage when another procedure divides")
    func beginsWithTheStage() {
        #expect(EventLog(reading: join + "\n" + division).division == 10.1...14)
        #expect(EventLog(reading: join).division == nil)
    }
}
