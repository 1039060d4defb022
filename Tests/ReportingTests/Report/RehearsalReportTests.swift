import ControlProtocol
import FoundationEssentials
import Rehearsals
import Reporting
import TestSupport
import Testing

@Suite("The report of a rehearsal")
struct RehearsalReportTests {
    static func outcome(
        plan: String = "kafka-a",
        said: String = "the run went on by itself",
        predicted: Int? = 1420
    ) -> RehearsalOutcome {
        RehearsalOutcome(
            plan: plan,
            remarks: ["50000 of 1200000 nodes", said],
            hosts: [
                .init(
                    part: "source",
                    host: "zk1",
                    address: "192.0.2.1",
                    here: "s1",
                    hereAddress: "198.51.100.11"
                ),
                .init(part: "broker", host: said, address: "192.0.2.2", here: nil, hereAddress: nil),
            ],
            predicted: predicted,
            seen: nil,
            acknowledged: 1591,
            lost: 0,
            rulesLeft: 0,
            isEqual: true,
            problems: [],
            tests: [.init(name: "orders", result: .notTried, said: said)],
            faults: [
                .init(
                    step: "division.start",
                    moment: "begun",
                    host: "d1",
                    kind: "boot",
                    result: .passed,
                    said: said
                ),
                .init(
                    step: "join.smoke",
                    moment: "ended",
                    host: "s1",
                    kind: "server",
                    result: .failed,
                    said: said
                ),
            ]
        )
    }

    private func page(_ outcome: RehearsalOutcome?) throws -> String {
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        let report = try fixture.report()
        return ReportPage(outcome.map { report.of($0) } ?? report).html
    }

    @Test("it names what was otherwise, which host stood for which, and each fault with what came of it")
    func whole() throws {
        let html = try page(Self.outcome())
        for word in [
            "id=\"rehearsal\"", "href=\"#rehearsal\"", "50000 of 1200000 nodes", "192.0.2.1", "198.51.100.11",
            "nobody",
            "boot on d1", "division.start, when it had begun", "server on s1", "passed", "failed",
            "not tried",
            "predicted 1.42 s, seen not recorded", "1591 writes",
        ] {
            #expect(html.contains(word), "\(word)")
        }
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        #expect(try fixture.report().of(Self.outcome()).json().contains(#""rehearsal" : {"#))
    }

    @Test("it is good unless a fault, a test or the run failed, and says which did")
    func failures() {
        #expect(Self.outcome().failures == ["server on s1 at join.smoke"] && !Self.outcome().isGood)
        var good = Self.outcome()
        good.faults.removeLast()
        #expect(good.isGood)
    }

    @Test("nothing of it is in the report of a run")
    func absent() throws {
        #expect(try !page(nil).contains("ehears"))
        var fixture = try ReportFixture()
        try fixture.fillWhole()
        #expect(try !fixture.report().json().contains("rehearsal"))
    }

    @Test("foreign text in it is shown, and is nothing else")
    func hostile() throws {
        let attack = "</td><script>alert(1)</script><img src=x>" + HostileText.all
        let html = try page(Self.outcome(plan: attack, said: attack))
        #expect(HostileText.offences(in: html).isEmpty)
        #expect(!html.contains("<script") && !html.contains("<img"))
    }

    @Test("numbers beyond their bounds, and another format, are refused")
    func bounds() throws {
        let good = try JSONEncoder().encode(Self.outcome())
        let read: RehearsalOutcome = try WireJSON.decode(from: good)
        #expect(read == Self.outcome())
        let text = String(decoding: good, as: UTF8.self)
        for (old, new) in [
            (#""predicted":1420"#, #""predicted":-1"#), (#""lost":0"#, #""lost":9223372036854775807"#),
            (#""format":1"#, #""format":2"#), (#""result":"passed""#, #""result":"won""#),
        ] {
            try #require(text.contains(old))
            #expect(throws: WireProblem.self) {
                let _: RehearsalOutcome = try WireJSON.decode(from: Data(text.replacing(old, with: new).utf8))
            }
        }
    }
}
