import ControlProtocol
import FoundationEssentials
import Printable
import Procedure
import Reporting
import Synchronization
import TestSupport
import Testing
import Topology

@Suite("What a run prints")
struct RunPrinterTests {
    private static let write = RunEvent.Subject(stage: .join, step: "join.files", title: "Write files")
    /// One of each case.
    private static let events: [RunEvent] = [
        RunEvent(.runStarted(message: "0 steps were done before"), at: 1, run: "r1"),
        RunEvent(.stageStarted(.join, title: "Seeds join"), at: 2, run: "r1"),
        RunEvent(.stepStarted(write), at: 3, run: "r1"),
        RunEvent(.stepWaiting(write, message: "d1: looking\nd2: looking"), at: 4, run: "r1"),
        RunEvent(.stepProgress(write, message: "d1: started"), at: 5, run: "r1"),
        RunEvent(.warning(write, message: "d2 is slow"), at: 6, run: "r1"),
        RunEvent(
            .stepFinished(write, observed: "3 files\n3 digests", milliseconds: 3069),
            at: 7,
            run: "r1"
        ),
        RunEvent(.stageFinished(.join, title: "Seeds join", milliseconds: 61_004), at: 8, run: "r1"),
        RunEvent(.confirmationNeeded(.division, question: "Divide now?"), at: 9, run: "r1"),
        RunEvent(
            .runStopped(nil, reason: "not confirmed; nothing of this stage was done", standing: .joint),
            at: 10,
            run: "r1"
        ),
        RunEvent(.runResumed(message: "7 steps were done before"), at: 11, run: "r1"),
        RunEvent(.runFinished(message: "finished", milliseconds: 5), at: 12, run: "r1"),
        RunEvent(
            .probed(
                ProbeSample(
                    side: .destination,
                    at: 12,
                    writes: 20,
                    failures: 1,
                    worst: 7,
                    unavailableSince: nil,
                    zxid: Zxid(epoch: 1, counter: 2)
                )
            ),
            at: 13,
            run: "r1"
        ),
    ]

    private static func print(_ style: RunPrinter.Style, _ events: [RunEvent] = Self.events) -> String {
        let text = Mutex("")
        let printer = RunPrinter(style: style) { piece in text.withLock { $0 += piece.rendered } }
        for event in events { printer.print(event) }
        return text.withLock { $0 }
    }

    @Test("not on a terminal, whole lines and nothing of what is only awaited")
    func plain() {
        #expect(
            Self.print(.plain) == """
                run r1

                join: Seeds join
                      d1: started
                  !!  Write files: d2 is slow
                  ok  Write files  3.07 s
                        3 files
                        3 digests
                  join took 61.00 s

                Divide now?

                stopped: not confirmed; nothing of this stage was done
                The migration is joint: the joint ensemble serves everybody; it may stay so for as long as you like. \
                Forward: `mitosis run`. Back to what was before the run: `mitosis rollback`.
                run r1 goes on; 7 steps were done before

                finished in 0.01 s

                """
        )
    }

    @Test("on a terminal the live line is drawn over, and every other line takes its place")
    func terminal() {
        let clear = "\r\u{1B}[K"
        #expect(
            Self.print(.terminal, Array(Self.events[2...6])) == clear + "  ... Write files"
                + clear + "  ... Write files: d1: looking d2: looking"
                + clear + "  ... Write files: d1: started"
                + clear + "  !!  Write files: d2 is slow\n"
                + clear + "  ok  Write files  3.07 s\n        3 files\n        3 digests\n"
        )
    }

    @Test("a live line ends before it is wide enough to be wrapped on a usual terminal")
    func wideLiveLine() {
        let message = String(repeating: "host is looking ", count: 100)
        let event = RunEvent(
            .stepWaiting(RunEvent.Subject(title: "Wait"), message: message),
            at: 1,
            run: "r1"
        )
        let text = Self.print(.terminal, [event])
        #expect(text.count == "\r\u{1B}[K".count + 150 && !text.contains("\n"))
    }

    @Test("as JSON, one object a line, with its keys in order and without those that it lacks")
    func json() {
        #expect(
            Self.print(.json) == #"""
                {"at":1,"event":"runStarted","message":"0 steps were done before","run":"r1"}
                {"at":2,"event":"stageStarted","run":"r1","stage":"join","title":"Seeds join"}
                {"at":3,"event":"stepStarted","run":"r1","stage":"join","step":"join.files","title":"Write files"}
                {"at":4,"event":"stepWaiting","message":"d1: looking\nd2: looking","run":"r1","stage":"join",\#
                "step":"join.files","title":"Write files"}
                {"at":5,"event":"stepProgress","message":"d1: started","run":"r1","stage":"join",\#
                "step":"join.files","title":"Write files"}
                {"at":6,"event":"warning","message":"d2 is slow","run":"r1","stage":"join",\#
                "step":"join.files","title":"Write files"}
                {"at":7,"event":"stepFinished","message":"3 files\n3 digests","milliseconds":3069,"run":"r1",\#
                "stage":"join","step":"join.files","title":"Write files"}
                {"at":8,"event":"stageFinished","milliseconds":61004,"run":"r1","stage":"join","title":"Seeds join"}
                {"at":9,"event":"confirmationNeeded","message":"Divide now?","run":"r1","stage":"division"}
                {"at":10,"event":"runStopped","message":"not confirmed; nothing of this stage was done",\#
                "run":"r1","standing":"joint"}
                {"at":11,"event":"runResumed","message":"7 steps were done before","run":"r1"}
                {"at":12,"event":"runFinished","message":"finished","milliseconds":5,"run":"r1"}
                {"at":13,"event":"probed","probe":{"at":12,"failures":1,"gap":0,\#
                "side":"destination","worst":7,"writes":20,\#
                "zxid":"0x100000002"},"run":"r1"}

                """#
        )
    }

    @Test(
        "what is said of nothing in a procedure lacks stage and step, as of a question before a run goes on"
    )
    func bareJSON() {
        let events = [
            RunEvent(.warning(RunEvent.Subject(title: "Leases"), message: "taken"), at: 1, run: ""),
            RunEvent(.confirmationNeeded(nil, question: "Go on?"), at: 2, run: "r1"),
            RunEvent(.runStopped("join.files", reason: "no", standing: .joining), at: 3, run: "r1"),
        ]
        #expect(
            Self.print(.json, events) == #"""
                {"at":1,"event":"warning","message":"taken","run":"","title":"Leases"}
                {"at":2,"event":"confirmationNeeded","message":"Go on?","run":"r1"}
                {"at":3,"event":"runStopped","message":"no","run":"r1","standing":"joining","step":"join.files"}

                """#
        )
    }

    @Test("what was written as JSON is read as the same event, and a stage that no version has is not")
    func readBack() throws {
        for event in Self.events {
            let line = Data(EventLine.json(event).utf8)
            #expect(try WireJSON.decode(RunEvent.self, from: line) == event)
        }
        for line in [
            #"{"at":1,"event":"stageStarted","run":"r1","stage":"lunch"}"#,
            #"{"at":1,"event":"stageStarted","run":"r1"}"#,
            #"{"at":999253402300799999,"event":"runStarted","run":"r1"}"#,
            #"{"at":1,"event":"probed","run":"r1"}"#,
        ] {
            #expect(throws: WireProblem.self) { try WireJSON.decode(RunEvent.self, from: Data(line.utf8)) }
        }
    }

    @Test(
        "whatever hosts said, only our own control moves the cursor",
        arguments: [RunPrinter.Style.terminal, .plain, .json]
    )
    func hostile(style: RunPrinter.Style) {
        let text = HostileText.all
        let subject = RunEvent.Subject(stage: .join, step: StepID(text), title: text)
        let whats: [RunEvent.What] = [
            .runStarted(message: text), .runResumed(message: text), .stageStarted(.join, title: text),
            .stepStarted(subject), .stepProgress(subject, message: text),
            .stepWaiting(subject, message: text), .warning(subject, message: text),
            .stepFinished(subject, observed: text, milliseconds: 1),
            .stageFinished(.join, title: text, milliseconds: 1),
            .confirmationNeeded(.division, question: text),
            .runStopped(StepID(text), reason: text, standing: .joint),
            .runFinished(message: text, milliseconds: 1),
        ]
        for what in whats {
            let event = RunEvent(what, at: 1, run: text)
            var printed = Self.print(style, [event])
            let clear = "\r\u{1B}[K"
            if style == .terminal {
                #expect(printed.hasPrefix(clear))
                printed = String(printed.dropFirst(clear.count))
            }
            #expect(HostileText.offences(in: printed).isEmpty, "\(event.event)")
            if style == .json { #expect(printed.count { $0 == "\n" } == 1) }
        }
    }

    @Test("milliseconds are rounded to hundredths of a second")
    func seconds() {
        let texts = [0, 4, 5, 994, 995, 3069, 600_000].map(RunPrinter.seconds)
        #expect(texts == ["0.00 s", "0.00 s", "0.01 s", "0.99 s", "1.00 s", "3.07 s", "600.00 s"])
    }
}
