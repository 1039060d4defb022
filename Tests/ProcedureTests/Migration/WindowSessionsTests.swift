import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import SystemCalls
import Testing
import Topology

/// Sessions that go through the destination's window, besides those that brokers' files tell.
@Suite("the window and whoever goes through it")
struct WindowSessionsTests {
    private static let clients = """
        trees: [/app]
        clients:
          ignore: [{address: 10.0.0.9, reason: reads only}]
          move:
            - {name: one, host: c1, address: 198.51.100.51, service: one.service, config: /etc/one, connect: {property: servers}, tree: /app}
            - {name: two, host: c2, address: 198.51.100.52, service: two.service, config: /etc/two, connect: {property: servers}, tree: /app}

        """
    private static let waiver = "waivers: [{check: session-timeouts, reason: they come back}]"

    /// The model's window is 1990 ms by a guess, and 520 ms and a start when it was seen.
    private struct Scene {
        let plan: MigrationPlan
        let fleet: ModelFleet
        let journal = MemoryJournal()
        let tape = EventTape()

        init(_ more: String = "", waivers: String = "", tells: Bool = true) throws {
            plan = try Fixture.plan(source: 3, destination: 3, kafka: more, waivers: waivers)
            fleet = ModelFleet(plan: plan)
            fleet.change { $0.tellsSessions = tells }
        }

        func stranger(_ address: String, at host: String, _ timeout: Int?, number: Int64 = 0x7000) throws {
            let client = ModelClient(
                address: try #require(IPAddress(address)),
                hosts: [try #require(HostName(host))],
                session: SessionNumber(4 << 56 | number),
                paths: [],
                timeout: timeout
            )
            fleet.change { $0.strangers.append(client) }
        }

        func set(_ host: String, _ timeout: Int?) throws {
            let name = try #require(HostName(host))
            fleet.change { $0.applications.all[name]?.timeout = timeout }
        }

        func run() async throws -> Runner.Outcome {
            try await Fixture.run(plan, fleet, journal) { tape.record($0) }
        }

        func check() async throws -> Finding? {
            let elapsed = Elapsed()
            let timing = Timing(
                now: { fleet.model.clock },
                monotonic: { elapsed.now },
                sleep: { elapsed.pass($0) }
            )
            let survey = await Survey.take(of: plan, through: fleet)
            let findings = await Preflight(plan: plan, survey: survey)
                .findings(through: fleet, fleet, timing: timing)
            return findings.first { $0.name == .sessionTimeouts }
        }

        var question: String { tape.messages(.confirmationNeeded).joined() }
    }

    @Test(
        "one at a seed that does not outlast it is named, and nobody is asked; one that does is told with its margin",
        arguments: DivisionTests.strategies,
        ["", "trees: [/app]\n", Fixture.kafka]
    )
    func stranger(_ strategy: MigrationPlan.Strategy, _ more: String) async throws {
        for timeout in [500, 30_000] {
            let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: more)
            let fleet = ModelFleet(plan: plan)
            let address = try #require(IPAddress("10.0.0.7"))
            let host = try #require(HostName("d4"))
            fleet.change {
                $0.tellsSessions = true
                $0.strangers = [
                    ModelClient(
                        address: address,
                        hosts: [host],
                        session: SessionNumber(4 << 56 | 0x7000),
                        paths: [],
                        timeout: timeout
                    )
                ]
            }
            let tape = EventTape()
            let journal = MemoryJournal()
            let outcome = try await Fixture.run(plan, fleet, journal) { tape.record($0) }
            let window = try #require(journal.record?.facts.window)
            #expect(window.sessions["10.0.0.7"] == timeout)
            let margin = "10.0.0.7 has \(timeout) ms, margin \(timeout - window.window) ms"
            let isFinished = outcome.isFinished
            #expect(isFinished == (timeout > 500), "\(outcome)")
            let question = tape.messages(.confirmationNeeded).joined()
            if timeout > 500 {
                #expect(question.contains(margin), "\(question)")
            } else {
                #expect(outcome.reason?.contains(margin) == true, "\(outcome)")
                #expect(outcome.reason?.contains("10.0.0.7: the session is shorter than") == true)
                #expect(question.isEmpty && outcome.standing != .dividing)
            }
        }
    }

    @Test("it is refused by a check that can be waived; then the run goes on, and says it aloud")
    func waived() async throws {
        let scene = try Scene("trees: [/app]\n", waivers: Self.waiver)
        try scene.stranger("10.0.0.7", at: "d4", 500)
        let outcome = try await scene.run()
        #expect(outcome.isFinished, "\(outcome)")
        let said = scene.tape.messages(.warning).filter {
            $0.contains("10.0.0.7: the session is shorter than")
        }
        // At the join, before the question, and right before the division.
        #expect(said.count == 3, "\(said)")
    }

    @Test(
        "one that comes after the join is met before the question, and one after the question before the division"
    )
    func comesLate() async throws {
        for step in ["join.window", "division.canary"] {
            let scene = try Scene("trees: [/app]\n")
            let late = ModelClient(
                address: try #require(IPAddress("10.0.0.7")),
                hosts: [try #require(HostName("d5"))],
                session: SessionNumber(5 << 56 | 0x7000),
                paths: [],
                timeout: 500
            )
            let tape = EventTape { event in
                guard event.event == .stepFinished, event.step?.description == step else { return }
                scene.fleet.change { $0.strangers = [late] }
            }
            let outcome = try await Fixture.run(scene.plan, scene.fleet, scene.journal) { tape.record($0) }
            #expect(outcome.reason?.contains("10.0.0.7: the session is shorter") == true, "\(outcome)")
            #expect(tape.messages(.confirmationNeeded).isEmpty == (step == "join.window"))
            #expect(outcome.standing == .joint)
        }
    }

    @Test("who stays at the source keeps its leader, and who is ignored is nobody's concern")
    func others() async throws {
        let scene = try Scene(Self.clients)
        try scene.set("c1", 30_000)
        try scene.set("c2", 20_000)
        try scene.stranger("10.0.0.8", at: "s2", 500)
        try scene.stranger("10.0.0.9", at: "d4", 500, number: 8)
        let outcome = try await scene.run()
        #expect(outcome.isFinished, "\(outcome)")
        let window = try #require(scene.journal.record?.facts.window)
        #expect(window.sessions == ["client one (c1)": 30_000, "client two (c2)": 20_000])
        #expect(window.untold == nil && window.more == nil)
        let margin = "client two (c2) has 20000 ms, margin \(20_000 - window.window) ms; client one (c1)"
        #expect(scene.question.contains(margin), "\(scene.question)")
    }

    @Test("the preflight judges the plan's clients at the source, as the destination will clamp them")
    func preflight() async throws {
        // The destination grants 4 to 40 s.
        let cases: [(Int, Int, Finding.Verdict)] = [
            (30_000, 30_000, .pass), (90_000, 40_000, .pass), (500, 4000, .warn),
        ]
        for (granted, told, verdict) in cases {
            let scene = try Scene(Self.clients)
            try scene.set("c1", 60_000)
            try scene.set("c2", granted)
            let finding = try #require(try await scene.check())
            #expect(finding.verdict == verdict, "\(finding.sentence)")
            #expect(finding.reason.contains("client two (c2) has \(told) ms, margin"), "\(finding.reason)")
        }
        let scene = try Scene(Self.clients)
        try scene.set("c1", 30_000)
        try scene.set("c2", 5000)
        // A guess of 320 + 1100 + 37 x 200 + 200 ms.
        scene.fleet.change { model in
            for host in ["s1", "s2", "s3"] { model.make(host) { $0.dataSize = 200_000_000 } }
        }
        let finding = try #require(try await scene.check())
        #expect(finding.verdict == .fail && finding.waiver == nil, "\(finding.sentence)")
        #expect(finding.reason.contains("client two (c2): the session is shorter"), "\(finding.reason)")
        let subject = SurveyedPlan(
            plan: scene.plan,
            survey: await Survey.take(of: scene.plan, through: scene.fleet)
        )
        let outlook = await subject.outlook(through: scene.fleet, scene.fleet)
        #expect(outlook.window.contains("client two (c2) has 5000 ms, margin -4020 ms"), "\(outlook.window)")
    }

    @Test("where servers do not tell their sessions that is said, and nothing is refused")
    func untold() async throws {
        let scene = try Scene(Self.clients, tells: false)
        try scene.set("c1", 500)
        let finding = try #require(try await scene.check())
        #expect(finding.verdict == .pass, "\(finding.sentence)")
        let said = "not known of client one (c1) (s1: 'cons' is not allowed), client two (c2)"
        #expect(finding.reason.contains(said), "\(finding.reason)")
        let outcome = try await scene.run()
        #expect(outcome.isFinished, "\(outcome)")
        #expect(scene.question.contains("whoever is at d4 ('cons' is not allowed)"), "\(scene.question)")
        #expect(scene.journal.record?.facts.window?.sessions == [:])
    }

    @Test("a broker is judged by what its server tells of it once it is at a seed")
    func broker() async throws {
        let scene = try Scene(Fixture.kafka)
        try scene.stranger("198.51.100.31", at: "d4", 5500)
        #expect(try await scene.run().isFinished)
        let sessions = try #require(scene.journal.record?.facts.window?.sessions)
        #expect(sessions["broker 1 (k1)"] == 5500 && sessions["broker 2 (k2)"] == 6000, "\(sessions)")
        // The model does not tell how long brokers' own sessions last.
        let question = scene.question
        #expect(question.contains("its agent does not tell how long each session lasts"), "\(question)")
    }

    @Test("the shortest are named, the others counted")
    func bounded() async throws {
        let scene = try Scene("trees: [/app]\n")
        for number in 0..<30 {
            try scene.stranger("10.0.1.\(number)", at: "d4", 10_000 + number, number: Int64(number))
        }
        #expect(try await scene.run().isFinished)
        let window = try #require(scene.journal.record?.facts.window)
        #expect(window.sessions.count == 20 && window.more == 10)
        #expect(window.sentence.contains("10.0.1.0 has 10000 ms"), "\(window.sentence)")
        #expect(!window.sentence.contains("10.0.1.10 has"), "\(window.sentence)")
        #expect(window.sentence.hasSuffix("; 20 more have as much or more"), "\(window.sentence)")
        let short = Dictionary((10..<25).map { ("k\($0)", 1000) }) { first, _ in first }
        let many = WindowPrediction(
            starts: [2480],
            bytes: 0,
            limit: nil,
            sessions: short,
            untold: (0..<12).map { "d\($0)" }
        )
        #expect(many.objection?.contains("k19 and 5 more: the session is shorter") == true)
        #expect(many.sentence.hasSuffix("d9, 2 more"), "\(many.sentence)")
    }
}
