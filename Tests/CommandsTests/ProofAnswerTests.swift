import Fleet
import Testing
import Topology

@testable import Commands
@testable import Diagnostics

/// What is kept with a run of a smoke test and of a comparison.
@Suite("proofs as runs keep them")
struct ProofAnswerTests {
    private let question = TreeQuestion(
        source: [],
        destination: [],
        path: "/kafka",
        except: [],
        rate: 100,
        split: Zxid(hexadecimal: "0x500000012")
    )

    private func comparison(_ change: (inout ComparisonReport) -> Void) -> ProofAnswer {
        var report = ComparisonReport(servers: [["s1", "s2"], ["d1"]], path: "/kafka", limit: 1)
        (report.nodes, report.newer, report.ended, report.seconds) = (7, 2, 1, 3.2)
        change(&report)
        return ProvingEnsembles.answer(report, question)
    }

    private let sum =
        "7 nodes of 3 servers from /kafka, divided after 0x500000012: 2 newer on the destination, 1 ended with their "
        + "sessions, in 3 s"

    private func finding(_ path: String) -> ComparisonReport.Finding {
        .init(path: path, kind: .missing, servers: ["d1"], against: "s1", isWithinSide: false, fields: [])
    }

    @Test("equal trees are proven")
    func equal() { #expect(comparison { _ in } == ProofAnswer(.proven, "equal: \(sum)")) }

    @Test("a difference refutes, whatever else could not be read; the first are named, fit for a terminal")
    func different() {
        let answer = comparison {
            $0.add(finding("/kafka/\u{1B}[2J"))
            $0.add(finding("/kafka/b"))
            $0.lost = [.init(server: "s2", reason: "gone")]
        }
        #expect(answer.result == .refuted && answer.summary == "DIFFERENT: 2 differences in \(sum)")
        #expect(
            answer.details == [#"missing  /kafka/\u{1B}[2J  d1 against s1"#, "... and 1 differences more"]
        )
    }

    @Test("a server that was lost, or nodes that were not reached, leave the question open")
    func open() {
        let lost = comparison { $0.lost = [.init(server: "s2", reason: "gone")] }
        #expect(lost == ProofAnswer(.open, "not all could be read: \(sum)", details: ["not read  s2: gone"]))
        #expect(comparison { $0.unread = 1 }.result == .open)
    }

    @Test("a path that no server has proves nothing, neither to a run nor to who seals or retires a copy")
    func absent() {
        let answer = comparison { $0.isAbsent = true }
        #expect(answer.result == .open)
        #expect(answer.summary == "no server has /kafka, so nothing was compared: \(sum)")
        #expect(answer.details == ["not there  /kafka: no server that answered has it"])
        var report = ComparisonReport(servers: [["s1"], ["d1"]], path: "/kafka", limit: 1)
        #expect(TreesEqual.doubt(report, besides: 0) == nil)
        report.isAbsent = true
        #expect(TreesEqual.doubt(report, besides: 0)?.hasPrefix("no server of either side has it") == true)
    }

    @Test("what may not be read is told, and does not refute")
    func partly() {
        let answer = comparison { $0.add(.init(path: "/kafka/x", reason: .dataNotAllowed, servers: ["s1"])) }
        #expect(answer.result == .partly)
        #expect(answer.summary == "no difference, but 1 could not be judged: \(sum)")
        #expect(answer.details == ["not judged  /kafka/x  NoAuth: data (s1)"])
    }

    @Test(
        "a smoke test is good, or failed at servers that answered, or open when none of them could be asked"
    )
    func smoke() {
        var report = SmokeReport(servers: ["s1", "s2"], root: "/r")
        report.milliseconds = [[.session: 3.4, .create: 8.2], [.session: 5]]
        #expect(
            ProvingEnsembles.answer(report)
                == ProofAnswer(
                    .proven,
                    "smoke test: 2 servers are good, the slowest answer in 9 ms on s1",
                    latencies: ["s1": 9, "s2": 5]
                )
        )
        report.failures = [.init(step: .session, server: "s2", reason: "refused")]
        let open = ProvingEnsembles.answer(report)
        #expect(open.result == .open && open.details == ["s2: session: refused"])
        report.failures.append(.init(step: .notice, server: "s1", reason: "late"))
        let refuted = ProvingEnsembles.answer(report)
        #expect(refuted.result == .refuted && refuted.summary == "the smoke test failed on 2 of 2 servers")
    }
}
