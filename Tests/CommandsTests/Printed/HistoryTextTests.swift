import ControlProtocol
import Fleet
import Procedure
import Reporting
import Testing

@Suite("What history prints")
struct HistoryTextTests {
    private static func run(waived: [String] = []) throws -> RunRecord {
        var facts = RunFacts()
        facts.waived = waived
        return RunRecord(
            id: try #require(RunID("20260101-1")),
            plan: "model",
            planDigest: "0123456789abcdef",
            startedAt: 0,
            survey: Survey(files: [], unread: []),
            epoch: FencingEpoch(3),
            facts: facts
        )
    }

    @Test("a run's head says how it ended, and what was waived")
    func head() throws {
        #expect(
            HistoryText.head(try Self.run(waived: ["clocks: lab", "agents: lab"]), .stopped) == """
                run 20260101-1  plan 0123456789ab  epoch 3  stopped
                  waived: clocks: lab
                  waived: agents: lab

                """
        )
        #expect(
            HistoryText.head(try Self.run(), .finished)
                == "run 20260101-1  plan 0123456789ab  epoch 3  finished\n"
        )
        #expect(
            HistoryText.head(try Self.run(), nil)
                == "run 20260101-1  plan 0123456789ab  epoch 3  under way, or its coordinator died\n"
        )
    }

    @Test("what a run told is its lines, each under its time, and its probes are none")
    func told() {
        let subject = RunEvent.Subject(stage: .join, step: "join.look", title: "Look")
        let observed = "s1 serves\ns2 serves"
        let finished = RunEvent.What.stepFinished(subject, observed: observed, milliseconds: 1250)
        let at: Int64 = 1_767_225_600_000
        #expect(
            HistoryText.told(RunEvent(finished, at: at, run: "r1")) == """
                  2026-01-01T00:00:00Z    ok  Look  1.25 s
                                                s1 serves
                                                s2 serves

                """
        )
        let question = RunEvent.What.confirmationNeeded(.division, question: "Divide?")
        #expect(
            HistoryText.told(RunEvent(question, at: at, run: "r1"))
                == "  2026-01-01T00:00:00Z  Divide?\n"
        )
        let sample = ProbeSample(side: .source, at: at, writes: 5)
        for what in [.probed(sample), .stepStarted(subject)] as [RunEvent.What] {
            #expect(HistoryText.told(RunEvent(what, at: at, run: "r1")).isEmpty)
        }
    }

    @Test("where a run stands, and the ways on from there, is said as long as it can go on")
    func standing() throws {
        let history = RunHistory([])
        for ending in [RunEnding.stopped, nil] {
            #expect(
                HistoryText.standing(history, ending)
                    == "  untouched: nothing has been changed. Forward: `mitosis run`\n"
            )
        }
        for ending in [RunEnding.finished, .withdrawn] {
            #expect(HistoryText.standing(history, ending).isEmpty)
            #expect(HistoryText.head(try Self.run(), ending).hasSuffix("  \(ending.rawValue)\n"))
        }
        for standing in [Standing.joining, .joint, .dividing, .rollingBack, .withdrawing] {
            #expect(standing.advice.contains("`mitosis rollback`"))
        }
    }

    @Test("a run's head has its proofs in their order, and what was accepted")
    func proofs() throws {
        var run = try Self.run()
        run.facts.proofs = [
            "proof.compare": .init(
                at: 9,
                answer: ProofAnswer(.refuted, "DIFFERENT", details: ["missing  /a"])
            ),
            "preflight.smoke": .init(at: 2, answer: ProofAnswer(.proven, "smoke test: 3 servers are good")),
        ]
        run.facts.accepted = ["proof.compare": "a test client"]
        #expect(
            HistoryText.head(run, .stopped) == """
                run 20260101-1  plan 0123456789ab  epoch 3  stopped
                  preflight.smoke: proven: smoke test: 3 servers are good
                  proof.compare: refuted: DIFFERENT
                  accepted: proof.compare: a test client

                """
        )
    }

    private static func entry(
        attempt: Int = 1,
        _ commands: [HostCommand],
        _ verdict: StepVerdict?,
        decidedAt: Int64? = 4069
    ) -> JournalEntry {
        JournalEntry(
            step: "join.files",
            attempt: attempt,
            commands: commands,
            intendedAt: 1000,
            verdict: verdict,
            decidedAt: decidedAt
        )
    }

    @Test("a step shows its time, its commands and what was seen")
    func done() throws {
        let host = try HostName.parsed("d1")
        let restart = ServiceRequest(service: "zookeeper", action: .restart, replacing: 7)
        let commands = [HostCommand(host, .removeWall), HostCommand(host, .service(request: restart))]
        #expect(
            HistoryText.text(Self.entry(commands, .done(observed: "3 files"))) == """
                  join.files  3.07 s
                      d1: remove the wall
                      d1: restart zookeeper, replacing pid 7
                      done: 3 files

                """
        )
    }

    @Test("a later attempt says which it is, and one without a verdict that it may have happened")
    func undone() {
        #expect(
            HistoryText.text(Self.entry(attempt: 2, [], .failed(reason: "d1 is silent"))) == """
                  join.files (attempt 2)  3.07 s
                      failed: d1 is silent

                """
        )
        #expect(
            HistoryText.text(Self.entry([], nil, decidedAt: nil)) == """
                  join.files
                      intended, no verdict: it may have happened

                """
        )
    }
}
