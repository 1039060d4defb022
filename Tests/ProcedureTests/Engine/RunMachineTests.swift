import Procedure
import Testing

/// The machine's script: event in, action out.
@Suite("run machine")
struct RunMachineTests {
    private static let gate = Gate("g", hosts: [], deadline: .seconds(1)) { _, _ in .holds(observed: "") }

    private static func step(_ id: StepID, rests: Bool = true) -> Step {
        Step(id, "title", verify: gate, undo: .nothingToUndo, isRestingPlace: rests)
    }

    private static let stages = [
        Stage(.join, "One", [step("one.a"), step("one.b", rests: false), step("one.c")]),
        Stage(.division, "Two", confirmation: "sure?", [step("two.a")]),
    ]

    private typealias Position = RunMachine.Position

    private static func pass(_ machine: inout RunMachine, _ position: RunMachine.Position)
        -> RunMachine.Action
    {
        #expect(machine.handle(.succeeded("")) == .decide(position))
        #expect(machine.handle(.succeeded("")) == .recordIntent(position))
        #expect(machine.handle(.recorded) == .act(position))
        #expect(machine.handle(.succeeded("")) == .verify(position))
        #expect(machine.handle(.succeeded("seen")) == .recordVerdict(position, .done(observed: "seen")))
        return machine.handle(.recorded)
    }

    @Test("every step is checked, decided, written down, done, verified and written down again")
    func wholeRun() {
        var machine = RunMachine(stages: Self.stages, done: [])
        #expect(machine.handle(.begin) == .precheck(Position(stage: 0, step: 0)))
        #expect(Self.pass(&machine, Position(stage: 0, step: 0)) == .precheck(Position(stage: 0, step: 1)))
        #expect(Self.pass(&machine, Position(stage: 0, step: 1)) == .precheck(Position(stage: 0, step: 2)))
        #expect(Self.pass(&machine, Position(stage: 0, step: 2)) == .confirm(stage: 1))
        #expect(machine.handle(.confirmed) == .precheck(Position(stage: 1, step: 0)))
        #expect(Self.pass(&machine, Position(stage: 1, step: 0)) == .finish)
        #expect(machine.state == .finished)
    }

    @Test("a step with a verdict is never done again")
    func resuming() {
        var machine = RunMachine(stages: Self.stages, done: ["one.a", "one.c"])
        #expect(machine.handle(.begin) == .precheck(Position(stage: 0, step: 1)))
        #expect(Self.pass(&machine, Position(stage: 0, step: 1)) == .confirm(stage: 1))
    }

    @Test("a failed precheck stops before anything is written or done")
    func precheckFails() {
        var machine = RunMachine(stages: Self.stages, done: [])
        _ = machine.handle(.begin)
        #expect(machine.handle(.failed("no quorum")) == .stop(reason: "no quorum"))
        #expect(machine.handle(.succeeded("late")) == .nothing)
    }

    @Test("a failed act is written down and stops the run")
    func actFails() {
        var machine = RunMachine(stages: Self.stages, done: [])
        _ = machine.handle(.begin)
        _ = machine.handle(.succeeded(""))
        _ = machine.handle(.succeeded(""))
        _ = machine.handle(.recorded)
        let position = Position(stage: 0, step: 0)
        #expect(machine.handle(.failed("x")) == .recordVerdict(position, .failed(reason: "x")))
        #expect(machine.handle(.recorded) == .stop(reason: "x"))
    }

    @Test("a step that failed is begun anew as often as it may; what was refuted is not")
    func attempts() {
        let step = Step("three", "title", verify: Self.gate, undo: .nothingToUndo, attempts: 3)
        let position = Position(stage: 0, step: 0)
        for (event, tries) in [(RunMachine.Event.failed("x"), 3), (.refuted("x"), 1)] {
            var machine = RunMachine(stages: [Stage(.join, "One", [step])], done: [])
            var action = machine.handle(.begin)
            var count = 0
            while action == .precheck(position), count < 4 {
                for _ in 0..<2 { _ = machine.handle(.succeeded("")) }
                _ = machine.handle(.recorded)
                #expect(machine.handle(.succeeded("")) == .verify(position))
                #expect(machine.handle(event) == .recordVerdict(position, .failed(reason: "x")))
                action = machine.handle(.recorded)
                count += 1
            }
            #expect(action == .stop(reason: "x"))
            #expect(count == tries)
        }
    }

    @Test("a declined confirmation stops before the stage")
    func declined() {
        var machine = RunMachine(stages: Self.stages, done: ["one.a", "one.b", "one.c"])
        #expect(machine.handle(.begin) == .confirm(stage: 1))
        guard case .stop = machine.handle(.declined) else {
            Issue.record("it went on")
            return
        }
    }

    @Test("asked to stop, it goes on to the next resting place")
    func stopAtRestingPlace() {
        var machine = RunMachine(stages: Self.stages, done: ["one.a"], begun: ["one.a", "one.b"])
        #expect(machine.handle(.begin) == .precheck(Position(stage: 0, step: 1)))
        #expect(machine.handle(.stopAsked(because: nil)) == .nothing)
        // An earlier run of the program had begun it.
        #expect(Self.pass(&machine, Position(stage: 0, step: 1)) == .precheck(Position(stage: 0, step: 2)))
        guard case .stop = Self.pass(&machine, Position(stage: 0, step: 2)) else {
            Issue.record("it went on")
            return
        }
    }

    @Test(
        "asked to stop while a step only looks, nothing of it is begun; nor after a step behind which there is no rest"
    )
    func stopWhileLooking() {
        for isDeciding in [false, true] {
            var machine = RunMachine(stages: Self.stages, done: ["one.a"], begun: ["one.a"])
            #expect(machine.handle(.begin) == .precheck(Position(stage: 0, step: 1)))
            if isDeciding { #expect(machine.handle(.succeeded("")) == .decide(Position(stage: 0, step: 1))) }
            #expect(machine.handle(.stopAsked(because: "the source is unserved")) == .nothing)
            #expect(
                machine.handle(.succeeded(""))
                    == .stop(reason: "between two steps: the source is unserved")
            )
            #expect(machine.handle(.recorded) == .nothing)
        }
        var within = RunMachine(stages: Self.stages, done: ["one.a", "one.b"], begun: ["one.a", "one.b"])
        #expect(within.handle(.begin) == .precheck(Position(stage: 0, step: 2)))
        #expect(within.handle(.stopAsked(because: nil)) == .nothing)
        #expect(within.handle(.succeeded("")) == .decide(Position(stage: 0, step: 2)))
    }

    @Test("what is seen beside the run stops it at the next resting place, with its reason")
    func stopForReason() {
        var machine = RunMachine(stages: Self.stages, done: ["one.a"], begun: ["one.a", "one.b"])
        _ = machine.handle(.begin)
        _ = machine.handle(.stopAsked(because: "s1: zoo.cfg was replaced"))
        _ = machine.handle(.stopAsked(because: nil))
        _ = Self.pass(&machine, Position(stage: 0, step: 1))
        #expect(
            Self.pass(&machine, Position(stage: 0, step: 2))
                == .stop(reason: "between two steps: s1: zoo.cfg was replaced")
        )
    }

    @Test("given an end, it leaves the stages behind it alone, however often it is started")
    func resting() {
        for resting in [RestingPoint.after(.join), .before(.division)] {
            var machine = RunMachine(stages: Self.stages, done: ["one.a", "one.b"], resting: resting)
            #expect(machine.handle(.begin) == .precheck(Position(stage: 0, step: 2)))
            #expect(Self.pass(&machine, Position(stage: 0, step: 2)) == .rest(before: 1))
            #expect(machine.handle(.confirmed) == .nothing)

            var again = RunMachine(stages: Self.stages, done: ["one.a", "one.b", "one.c"], resting: resting)
            #expect(again.handle(.begin) == .rest(before: 1))
        }
        var whole = RunMachine(
            stages: Self.stages,
            done: ["one.a", "one.b", "one.c"],
            resting: .after(.division)
        )
        #expect(whole.handle(.begin) == .confirm(stage: 1))
    }

    @Test("an event that does not belong to the state stops instead of going on")
    func unexpectedEvent() {
        var machine = RunMachine(stages: Self.stages, done: [])
        guard case .stop = machine.handle(.recorded) else {
            Issue.record("it went on")
            return
        }
    }
}
