import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Reporting
import Settings
import Synchronization
import SystemCalls
import Testing
import Topology

private typealias Sample = WrongSideSample

@Suite("Writes on the wrong side, judged")
struct WrongSideTests {
    private func side(_ answers: [String: WritesAnswer], _ more: String = "trees: [/app]\n") throws
        -> WrongSide
    {
        var side = WrongSide(try Sample.plan(more), split: Sample.split)
        side.take(try Sample.answers(answers))
        return side
    }

    @Test("a write that every server has logged is told once, with the address that one of them knows")
    func once() throws {
        var side = try side([
            "s1": Sample.report([Sample.write(1)]), "s2": Sample.report([Sample.write(1, at: "10.0.0.7")]),
            "s3": Sample.report([]),
        ])
        #expect(side.count == 1 && side.writes == [Sample.write(1, at: "10.0.0.7")])
        #expect(side.isWhole && !side.isClear)
        #expect(side.untold() == [Sample.write(1, at: "10.0.0.7")])
        #expect(side.untold().isEmpty)
        for word in ["THE TRUTH IS SPLIT", "/app/n (created, 0x200000001)", "0x100000007 at 10.0.0.7"] {
            #expect(side.summary.contains(word), "\(word): \(side.summary)")
        }
        #expect(side.findings == [side.summary])
    }

    @Test("one without an address waits for the next look, then it is told all the same")
    func unlocated() throws {
        var side = try side(["s1": Sample.report([Sample.write(1)])])
        #expect(side.untold().isEmpty)
        var other = side
        other.take(try Sample.answers(["s2": Sample.report([Sample.write(1, at: "10.0.0.7")])]))
        #expect(other.untold() == [Sample.write(1, at: "10.0.0.7")])
        #expect(side.untold() == [Sample.write(1)])
        #expect(side.sentence(Sample.write(1)).contains("no server tells where it is"))
    }

    @Test("the next question goes on where each server's log ended")
    func questions() throws {
        let plan = try Sample.plan()
        var side = WrongSide(plan, split: Sample.split)
        let first = WritesRequest(trees: ["/app"], after: Sample.split)
        #expect(side.questions == Dictionary(uniqueKeysWithValues: plan.source.map { ($0.host, first) }))
        let place = LogPlace(log: Zxid(1), offset: 99, zxid: Zxid(epoch: 2, counter: 9))
        let part = WritesReport(last: place.zxid, place: place, hasMore: true)
        side.take(try Sample.answers(["s2": .told(part), "s3": .silent(reason: "gone")]))
        #expect(side.hasMore)
        let host = try #require(HostName("s2"))
        #expect(side.questions[host] == WritesRequest(trees: ["/app"], after: place.zxid, place: place))
        #expect(side.questions[try #require(HostName("s3"))] == first)
    }

    @Test("what is not known of as many servers as a majority needs is said, and is not clear")
    func unknown() throws {
        let none = Sample.report([])
        #expect(try side(["s1": none, "s2": none, "s3": none]).isClear)
        #expect(try side(["s1": none, "s2": none, "s3": .tooOld]).isClear)
        for bad in [
            WritesAnswer.tooOld, .silent(reason: "gone"), Sample.report([], gap: "purged"),
            Sample.report([], unread: 1), .told(WritesReport(obstacle: "holds no log")),
            .told(WritesReport(hasMore: true)),
        ] {
            let side = try side(["s1": none, "s2": bad])
            #expect(!side.isWhole && !side.isClear && side.problems.count == 2, "\(bad)")
            #expect(side.summary.contains("is not known: s2: "), "\(side.summary)")
            #expect(side.findings.isEmpty)
        }
        let split = try side(["s1": Sample.report([Sample.write(1)])])
        #expect(!split.isWhole && split.summary.contains("THE TRUTH IS SPLIT"))
    }

    @Test("removals of the source's own are counted, and are nobody's write")
    func expired() throws {
        let own = WritesAnswer.told(WritesReport(expired: 3))
        let side = try side(["s1": own, "s2": own, "s3": own])
        #expect(side.isClear && side.expired == 3)
        #expect(side.summary.contains("nobody has written into /app") && side.summary.contains("3 nodes"))
    }

    @Test("what a seed had handed on when it was detached was not acknowledged, and is told apart")
    func underWay() throws {
        let end = Sample.write(1).at
        var side = WrongSide(try Sample.plan(), split: Sample.split, windowEnd: end)
        let write = { (counter: UInt32, server: Int64, at: Int64, address: String?) in
            WritesReport.Write(
                zxid: Zxid(epoch: 1, counter: counter),
                at: at,
                kind: .setData,
                path: "/app/n",
                session: SessionNumber(server << 56 | 7),
                address: address.flatMap { IPAddress($0) }
            )
        }
        let report = Sample.report([write(6, 4, end, nil)])
        side.take(try Sample.answers(["s1": report, "s2": report, "s3": report]))
        // As long as not every source server tells all of its sessions, its client may be there.
        for silent in [["s3"], ["s1", "s2", "s3"]] {
            side.take(clients: try Sample.clients(silent: silent))
            #expect(side.count == 0 && side.underWay == 0 && side.doubtful == 1 && side.isClear)
            #expect(side.summary.contains("whether they were acknowledged is not known"), "\(side.summary)")
        }
        side.take(clients: try Sample.clients(session: SessionNumber(4 << 56 | 7)))
        #expect(side.count == 0 && side.underWay == 0 && side.doubtful == 1)
        side.take(clients: try Sample.clients())
        #expect(side.isClear && side.underWay == 1 && side.untold().isEmpty && side.untold().isEmpty)
        #expect(side.summary.contains("1 writes were under way"))
        // Of a source server's session, seen on the source, after the window.
        let others = [write(7, 1, end, nil), write(8, 4, end, "10.0.0.7"), write(9, 4, end + 1, nil)]
        side.take(try Sample.answers(["s1": Sample.report(others)]))
        #expect(side.count == 3 && side.writes == others && side.underWay == 1)
        side.take(try Sample.answers(["s2": Sample.report([write(6, 4, end, "10.0.0.7")])]))
        #expect(side.count == 4 && side.underWay == 0)
    }

    @Test("what mitosis itself has done to the old copy is counted, and is nobody's write")
    func own() throws {
        let seal = SessionNumber(0x1_0000_0007)
        let apart = WritesAnswer.told(WritesReport(last: Zxid(epoch: 2, counter: 9), countApart: 900))
        var side = WrongSide(try Sample.plan(), split: Sample.split)
        side.take(try Sample.answers(["s1": Sample.report([Sample.write(1, at: "10.0.0.7")])]))
        #expect(side.count == 1 && side.untold().count == 1)
        // It was begun while somebody watched: everything is looked at again.
        #expect(side.leaveOut([seal: "seal"]) && !side.leaveOut([seal: "seal"]))
        #expect(side.count == 0 && side.ownCount == 0 && !side.isWhole)
        #expect(side.questions.values.allSatisfy { $0.apart == [seal] && $0.after == Sample.split })
        // The second's agent is of an earlier version.
        side.take(
            try Sample.answers(["s1": apart, "s2": Sample.report([Sample.write(1)]), "s3": apart])
        )
        #expect(side.isClear && side.ownCount == 900 && side.untold().isEmpty && side.untold().isEmpty)
        #expect(side.summary.contains("nobody has written into /app"), "\(side.summary)")
        #expect(side.summary.hasSuffix("; 900 writes are by mitosis seal"), "\(side.summary)")
        #expect(try WrongSideText(side).json().contains(#""own" : 900"#))
        let other = WritesReport.Write(
            zxid: Zxid(epoch: 2, counter: 10),
            at: 1,
            kind: .delete,
            path: "/app/n",
            session: SessionNumber(9)
        )
        side.take(try Sample.answers(["s1": Sample.report([other])]))
        #expect(!side.isClear && side.writes == [other])
        #expect(WrongSideText(side).text.contains("note: 900 more writes are by mitosis seal"))
    }

    @Test("a client of the plan is named, and one that it ignores with the reason")
    func names() throws {
        let more =
            "trees: [/app]\nclients: {ignore: [{address: 10.0.0.9, reason: polls}]}\n" + Fixture.kafka
        let side = try side(
            [
                "s1": Sample.report([
                    Sample.write(1, at: "198.51.100.31"), Sample.write(2, at: "10.0.0.9"),
                    Sample.write(3, at: "198.51.100.11"),
                ])
            ],
            more
        )
        #expect(side.trees == ["/kafka", "/app"])
        for word in ["broker 1 (k1)", "ignored: polls", "ZooKeeper host s1"] {
            #expect(side.summary.contains(word), "\(word): \(side.summary)")
        }
    }

    @Test("no more writes are kept than can be told, and all are counted")
    func many() throws {
        var side = WrongSide(try Sample.plan(), split: Sample.split)
        for part in 0..<8 {
            let writes = (0..<200).map { Sample.write(UInt32(part * 200 + $0 + 1)) }
            side.take(try Sample.answers(["s1": Sample.report(writes)]))
        }
        #expect(side.writes.count == WrongSide.most && side.count == 1600)
        #expect(side.summary.utf8.count < 2000)
        #expect(WrongSideText(side).text.contains("600 more writes are counted"))
    }

    @Test("text has a line for each write, a document has the same")
    func text() throws {
        let side = try side([
            "s1": Sample.report([
                Sample.write(1, "/app/\u{1B}[31m", at: "10.0.0.7"), Sample.write(2, "/app/b"),
            ]),
            "s2": Sample.report([]),
        ])
        let text = WrongSideText(side).text
        #expect(!text.contains("\u{1B}"))
        let lines = text.split(separator: "\n")
        #expect(lines[0].hasPrefix("time") && lines.count > 3)
        #expect(lines[1].contains("2023-11-14T22:13:20Z  0x200000001  created  "), "\(text)")
        #expect(lines[2].contains("/app/b") && lines[2].contains("0x100000007"))
        #expect(lines.last?.hasPrefix("THE TRUTH IS SPLIT: 2 writes into /app") == true)
        let json = try WrongSideText(side).json()
        #expect(!json.contains("\u{1B}"))
        for word in [
            #""clear" : false"#, #""count" : 2"#, #""divided" : true"#, #""split" : "0x100000005""#,
            #""address" : "10.0.0.7""#,
        ] {
            #expect(json.contains(word), "\(word): \(json)")
        }
        #expect(WrongSideText(side).text(of: [Sample.write(2, "/app/b")]).split(separator: "\n").count == 1)
        #expect(WrongSideText(side).text(of: []).isEmpty)
    }
}

@Suite("Writes on the wrong side, in a run")
struct WrongSideRunTests {
    @Test("nobody writes there: the run says so twice, and ends as ever")
    func nobody() async throws {
        let plan = try Sample.plan()
        let (fleet, journal, tape) = (ModelFleet(plan: plan), MemoryJournal(), EventTape())
        #expect(try await Fixture.run(plan, fleet, journal) { tape.record($0) }.isFinished)
        let said = tape.messages(.stepFinished).filter { $0.contains("nobody has written into /app") }
        #expect(said.count == 2 && tape.messages(.runFinished) == ["finished"])
        #expect(journal.record?.facts.wrongSide == [])
    }

    @Test("a plan without a tree looks for nothing")
    func noTree() async throws {
        let plan = try Sample.plan("")
        let steps = MigrationProcedure(plan: plan, survey: Survey(files: [])).stages.flatMap(\.steps)
        #expect(!steps.contains { $0.id.description.hasSuffix(".writes") })
    }

    @Test("a write stops nothing, is told at the division and at the end, and stays with the run")
    func written() async throws {
        let plan = try Sample.plan()
        let (fleet, journal, tape) = (ModelFleet(plan: plan), MemoryJournal(), EventTape())
        let write = WritesReport.Write(
            zxid: Zxid(.max >> 1),
            at: 1,
            kind: .setData,
            path: "/app/late",
            session: SessionNumber(7),
            address: IPAddress("10.0.0.7")
        )
        fleet.change { $0.wrongSide = [write] }
        #expect(try await Fixture.run(plan, fleet, journal) { tape.record($0) }.isFinished)
        let warned = tape.messages(.warning).filter { $0.contains("THE TRUTH IS SPLIT") }
        #expect(warned.count == 3, "\(warned)")
        #expect(warned.allSatisfy { $0.contains("/app/late") && $0.contains("0x7 at 10.0.0.7") })
        #expect(tape.messages(.runFinished).first?.contains("the truth is split") == true)
        let facts = try #require(journal.record?.facts)
        #expect(facts.wrongSide.count == 1)
        let data = try JSONEncoder().encode(facts)
        #expect(try WireJSON.decode(RunFacts.self, from: data) == facts)
    }

    @Test("one that comes after everything else of the clean-up stays with the run, too")
    func late() async throws {
        let test = "tests: [{name: last, run: [/bin/last], when: [after]}]\n"
        let plan = try Sample.plan("trees: [/app]\n" + test)
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        let write = WritesReport.Write(
            zxid: Zxid(.max >> 1),
            at: 1,
            kind: .setData,
            path: "/app/late",
            session: SessionNumber(7),
            address: IPAddress("10.0.0.7")
        )
        let last = EventTape { event in
            guard event.event == .stepFinished, event.step?.description == "clean-up.test-1" else { return }
            fleet.change { $0.wrongSide = [write] }
        }
        #expect(try await Fixture.run(plan, fleet, journal) { last.record($0) }.isFinished)
        #expect(last.messages(.runFinished).first?.contains("the truth is split") == true)
        #expect(journal.record?.facts.wrongSide.first?.contains("/app/late") == true)
    }

    @Test("agents that are too old to tell stop nothing, and are named")
    func old() async throws {
        let plan = try Sample.plan()
        let (fleet, journal, tape) = (ModelFleet(plan: plan), MemoryJournal(), EventTape())
        // They were new enough before the division.
        let outcome = try await Fixture.run(plan, fleet, journal) { event in
            tape.record(event)
            guard event.event == .stepFinished, event.step == "division.apart" else { return }
            fleet.change { $0.oldAgents = Set(plan.source.map(\.host)) }
        }
        #expect(outcome.isFinished, "\(outcome)")
        #expect(tape.messages(.warning).contains { $0.contains("too old to tell writes") })
    }
}

@Suite("Writes on the wrong side, told at once", .timeLimit(.minutes(10)))
struct WrongSideVigilTests {
    @Test(
        "nothing is asked before the destination leads; then each write is told once, until it is cancelled"
    )
    func vigil() async throws {
        let plan = try Sample.plan()
        let fleet = ModelFleet(plan: plan)
        let tape = EventTape()
        let run = try #require(RunID("1-model"))
        let write = Sample.write(1, "/app/late", at: "10.0.0.7")
        fleet.change { $0.wrongSide = [write] }
        let looks = Mutex(0)
        let vigil = WrongSideVigil(
            plan,
            run: run,
            fleet: fleet,
            timing: Timing(
                now: { 0 },
                monotonic: { .zero },
                sleep: { _ in
                    looks.withLock { $0 += 1 }
                    await Task.yield()
                }
            )
        ) { tape.record($0) }
        let finished = { (step: StepID) in
            let subject = RunEvent.Subject(stage: .division, step: step, title: "")
            return RunEvent(.stepFinished(subject, observed: "", milliseconds: 1), at: 0, run: "1-model")
        }
        let start = RunEvent.Subject(stage: .division, step: "division.start", title: "")
        vigil.note(RunEvent(.stepStarted(start), at: 0, run: "1-model"))
        vigil.note(finished("division.commit"))
        let task = Task { await vigil.watch { Sample.facts } }
        try await Task.sleep(for: .milliseconds(100))
        #expect(looks.withLock { $0 } == 0)
        vigil.note(finished("division.start"))
        while looks.withLock({ $0 }) < 20 { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        await task.value
        let told = tape.messages(.warning)
        #expect(told.count == 1 && told.first?.contains("/app/late") == true, "\(told)")
    }

    @Test("one that never begins ends when it is cancelled")
    func cancelled() async throws {
        let plan = try Sample.plan()
        let run = try #require(RunID("1-model"))
        let vigil = WrongSideVigil(plan, run: run, fleet: ModelFleet(plan: plan), timing: .system) { _ in }
        let task = Task { await vigil.watch { Sample.facts } }
        task.cancel()
        await task.value
    }
}
