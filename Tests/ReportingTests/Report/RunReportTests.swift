import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Reporting
import TestSupport
import Testing
import Topology

@Suite("What a report draws from a journal")
struct RunReportTests {
    private func claims(_ report: RunReport) -> [RunReport.Claim.Subject: RunReport.Claim] {
        Dictionary(report.summary.map { ($0.subject, $0) }) { first, _ in first }
    }

    @Test("a run that finished has its numbers, each with the steps that show it")
    func whole() throws {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        let report = try fixture.report()
        let claims = claims(report)
        #expect(claims[.moved]?.value == "yes" && claims[.window]?.value == "1.50 s")
        #expect(claims[.window]?.detail == "predicted 1.42 s; the shortest session lasts 6.00 s")
        #expect(claims[.lost]?.value == "0" && claims[.left]?.value == "0")
        #expect(claims[.lost]?.steps == ["division.detach", "division.history", "proof.compare"])
        #expect(claims[.trees]?.value == "equal" && claims[.rules]?.value == "0")
        #expect(claims[.sessions] == nil)
        #expect(report.summary.allSatisfy { $0.judgement == .good })
        #expect(report.state == .finished && report.advice == nil)
        #expect(report.stages.map(\.name) == ["preflight", "join", "division", "proof", "clean-up"])
        #expect(report.stages[1].title == "Replicate: the seeds join the source")
        #expect(report.activeMilliseconds == 8600)
        #expect(report.split == "0x300000010")
        #expect(report.histories.map(\.behind) == [0, 4])
        #expect(report.checks.map(\.name) == ["clocks", "version-pair"])
        #expect(report.checks.last?.observed == "3.4.6 and 3.8.0\n  read by both")
        #expect(report.waived == ["clocks: no NTP here"])
        #expect(report.planText == ReportFixture.planText)
    }

    @Test("nothing of a run that has just begun is claimed, and nothing stands at zero")
    func begun() throws {
        var fixture = try ReportFixture()
        fixture.add("preflight.checks", at: 10, took: nil, nil)
        let report = try fixture.report()
        #expect(report.state == .underWay && report.advice?.contains("mitosis run") == true)
        #expect(report.summary.allSatisfy { $0.judgement != .good && $0.value != "0" })
        #expect(report.stages.first?.steps.first?.result == .intended)
        #expect(report.unavailability.destination == nil && report.window == nil)
        #expect(report.notRecorded.contains("census of clients"))
        #expect(!(try report.json()).contains("\"destination\" : 0"))
    }

    @Test(
        "no write is said to be kept when a history is not known whole, or the trees differ or were not compared"
    )
    func doubts() throws {
        var unknown = try ReportFixture()
        try unknown.fillWhole()
        unknown.facts.detached["d5"] = .init(
            pid: 8,
            end: .init(epoch: 3, zxid: .init(0x3_0000_000C)),
            proof: .unknown(reason: "it was killed")
        )
        #expect(claims(try unknown.report())[.lost]?.judgement == .bad)
        for (result, judgement) in [
            (ProofAnswer.Result.refuted, RunReport.Claim.Judgement.bad), (.open, .open), (.partly, .open),
        ] {
            var fixture = try ReportFixture()
            try fixture.fillWhole()
            fixture.facts.proofs["proof.compare"] = .init(at: 1, answer: ProofAnswer(result, "so it is"))
            let claims = claims(try fixture.report())
            #expect(claims[.lost]?.judgement == judgement && claims[.lost]?.value != "0")
            #expect(claims[.trees]?.judgement == judgement)
        }
        var skipped = try ReportFixture()
        try skipped.fillWhole()
        skipped.facts.proofs = [:]
        #expect(claims(try skipped.report())[.lost]?.value == "not compared")
    }

    @Test("who wrote on the source after the division was left behind, whatever the census had shown")
    func wroteOnTheSource() throws {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        fixture.facts.wrongSide = ["/app/x written by 198.51.100.9 on s1"]
        let left = try #require(claims(try fixture.report())[.left])
        #expect(left.judgement == .bad && left.value != "0" && left.detail.contains("/app/x written by"))
    }

    @Test("brokers' sessions are kept only if none was seen to be lost, though the run went on")
    func brokersSessions() throws {
        for (observed, isKept) in [
            (KafkaProcedure.keptSessions + ", 0 under-replicated partitions", true),
            ("k1 lost its session 0x1, has none yet", false),
            ("the sessions before the split were not noted; they cannot be compared", false),
        ] {
            var fixture = try ReportFixture(
                with: "kafka:\n  chroot: /kafka\n  brokers: [{id: 1, host: k1, address: 198.51.100.31}]\n"
            )
            try fixture.fillWhole()
            fixture.add("clean-up.kafka", at: 8700, .done(observed: observed))
            let kept = try #require(claims(try fixture.report())[.sessions])
            #expect((kept.value == "kept") == isKept && kept.detail == observed)
            #expect(kept.judgement == (isKept ? .good : .bad))
        }
    }

    @Test("what a rollback has taken back is not claimed any more")
    func takenBack() throws {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        fixture.add("withdraw.proof", at: 9000)
        fixture.ending = .withdrawn
        let claims = claims(try fixture.report())
        #expect(claims[.moved]?.value == "taken back")
        #expect(claims[.lost]?.judgement == .open && claims[.left]?.judgement != .good)
    }

    @Test("a night between two steps is a pause, and no part of the time that the run took")
    func pauses() throws {
        var fixture = try ReportFixture()
        fixture.add("preflight.checks", at: 0)
        fixture.add("join.window", at: 30_000_000)
        let report = try fixture.report()
        #expect(report.activeMilliseconds == 200)
        #expect(report.stages.flatMap(\.steps).map(\.pauseBefore) == [nil, 29_999_900])
        #expect(report.stages.flatMap(\.steps).map(\.offset) == [0, 100])
    }

    @Test("files are compared with what the survey read, secrets hidden, and it is said who put them back")
    func files() throws {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        let file = try #require(try fixture.report().files.first)
        #expect(file.host == "d4" && file.putBackBy == "division.commit")
        #expect(file.difference?.contains("-tickTime=1000\n+tickTime=2000") == true)
        #expect(file.difference?.contains("secret1") == false)
    }

    @Test("a wall stands from its first command to the one that has removed it")
    func walls() throws {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        let wall = try #require(try fixture.report().walls.first)
        #expect(wall.raisedBy == "division.detach" && wall.removedBy == "clean-up.remove-rules")
        #expect(wall.removedAt == ReportFixture.start + 8600)
        fixture.entries.removeLast()
        #expect(claims(try fixture.report())[.rules]?.judgement == .open)
    }

    @Test("the operator's own tests are there with what each attempt printed, as far as the journal has it")
    func ownTests() throws {
        var fixture = try ReportFixture()
        fixture.add("join.test-1", at: 0, .failed(reason: "test 'orders' failed"))
        fixture.add("join.test-1", at: 500, attempt: 2)
        fixture.outputs = [
            StepOutput(place: .init(step: "join.test-1", attempt: 1), text: "no orders\u{1B}[2J\nat all")
        ]
        let report = try fixture.report()
        #expect(report.tests.map(\.result) == [.failed, .done])
        #expect(report.tests.map(\.output) == ["no orders\\u{1B}[2J\nat all", nil])
        let html = ReportPage(report).html
        #expect(html.contains("<pre>no orders\\u{1B}[2J\nat all</pre>"))
        #expect(html.contains("The journal does not have what it printed."))
    }

    @Test("a plan file that has changed since gives no titles, and the report says so")
    func otherPlan() throws {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        fixture.planDigest = "0123456789abcdef"
        let report = try fixture.report()
        #expect(report.setting == nil && report.stages[0].steps[0].title == "preflight.checks")
        #expect(report.notRecorded.contains { $0.hasPrefix("titles of steps") })
    }

    @Test("the JSON reads back as what it was made from, and holds nothing that a terminal does not show")
    func json() throws {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        fixture.facts.waived = [HostileText.all]
        fixture.add("proof.source", at: 8800, .failed(reason: HostileText.all))
        let report = try fixture.report()
        let json = try report.json()
        #expect(HostileText.offences(in: json).isEmpty)
        #expect(try JSONDecoder().decode(RunReport.self, from: Data(json.utf8)) == report)
    }
}
