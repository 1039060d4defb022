import Printable
import Procedure
import Reporting
import Synchronization
import TestSupport
import Testing

@Suite("What a run prints")
struct RunPrinterTests {
    private static let events: [RunEvent] = [
        RunEvent(.runStarted, at: 1, run: "r1"),
        RunEvent(.stageStarted, at: 2, run: "r1", stage: "join", title: "Seeds join"),
        RunEvent(.stepStarted, at: 3, run: "r1", stage: "join", step: "join.files", title: "Write files"),
        RunEvent(
            .stepWaiting,
            at: 4,
            run: "r1",
            stage: "join",
            step: "join.files",
            title: "Write files",
            message: "d1: looking\nd2: looking"
        ),
        RunEvent(.stepProgress, at: 5, run: "r1", title: "Write files", message: "d1: started"),
        RunEvent(.warning, at: 6, run: "r1", title: "Write files", message: "d2 is slow"),
        RunEvent(
            .stepFinished,
            at: 7,
            run: "r1",
            title: "Write files",
            message: "3 files\n3 digests",
            milliseconds: 3069
        ),
        RunEvent(.stageFinished, at: 8, run: "r1", stage: "join", milliseconds: 61_004),
        RunEvent(.confirmationNeeded, at: 9, run: "r1", stage: "division", message: "Divide now?"),
        RunEvent(
            .runStopped,
            at: 10,
            run: "r1",
            message: "not confirmed; nothing of this stage was done",
            standing: .joint
        ),
        RunEvent(.runResumed, at: 11, run: "r1", message: "7 steps were done before"),
        RunEvent(.runFinished, at: 12, run: "r1", message: "finished", milliseconds: 5),
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
        let event = RunEvent(
            .stepWaiting,
            at: 1,
            run: "r1",
            title: "Wait",
            message: String(repeating: "host is looking ", count: 100)
        )
        let text = Self.print(.terminal, [event])
        #expect(text.count == "\r\u{1B}[K".count + 150 && !text.contains("\n"))
    }

    @Test("as JSON, one object a line, with its keys in order and without those that it lacks")
    func json() {
        let lines = Self.print(.json).split(separator: "\n").map(String.init)
        #expect(lines.count == Self.events.count)
        #expect(lines.first == #"{"at":1,"event":"runStarted","run":"r1"}"#)
        #expect(
            lines.dropFirst(3).first
                == #"{"at":4,"event":"stepWaiting","message":"d1: looking\nd2: looking","run":"r1","stage":"join","#
                + #""step":"join.files","title":"Write files"}"#
        )
        #expect(
            lines.dropFirst(9).first
                == #"{"at":10,"event":"runStopped","message":"not confirmed; nothing of this stage was done","#
                + #""run":"r1","standing":"joint"}"#
        )
    }

    @Test(
        "whatever hosts said, only our own control moves the cursor",
        arguments: [RunPrinter.Style.terminal, .plain, .json]
    )
    func hostile(style: RunPrinter.Style) {
        let kinds: [RunEvent.Kind] = [
            .runStarted, .runResumed, .stageStarted, .stepStarted, .stepProgress, .stepWaiting, .warning,
            .stepFinished,
            .stageFinished, .confirmationNeeded, .runStopped, .runFinished,
        ]
        let text = HostileText.all
        for kind in kinds {
            let event = RunEvent(
                kind,
                at: 1,
                run: text,
                stage: text,
                step: text,
                title: text,
                message: text,
                milliseconds: 1,
                standing: .joint
            )
            var printed = Self.print(style, [event])
            let clear = "\r\u{1B}[K"
            if style == .terminal {
                #expect(printed.hasPrefix(clear))
                printed = String(printed.dropFirst(clear.count))
            }
            #expect(HostileText.offences(in: printed).isEmpty, "\(kind)")
            if style == .json { #expect(printed.count { $0 == "\n" } == 1) }
        }
    }

    @Test("milliseconds are rounded to hundredths of a second")
    func seconds() {
        let texts = [0, 4, 5, 994, 995, 3069, 600_000].map(RunPrinter.seconds)
        #expect(texts == ["0.00 s", "0.00 s", "0.01 s", "0.99 s", "1.00 s", "3.07 s", "600.00 s"])
    }
}
