import ControlProtocol
import Fleet
import Foundation
import Printable
import Procedure
import Reporting
import Settings
import TestSupport
import Testing
import Topology

@Suite("The live view")
struct LiveScreenTests {
    /// Of Tests/Screens; what it is instead is left in the folder MITOSIS_SCREENS, if that is set.
    private func expect(
        _ lines: [LiveLine],
        isScreen name: String,
        _ columns: Int,
        _ rows: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(lines.count == rows, sourceLocation: sourceLocation)
        #expect(lines.allSatisfy { $0.width <= columns }, sourceLocation: sourceLocation)
        let text = lines.map { $0.text + "\n" }.joined()
        #expect(HostileText.offences(in: text).isEmpty, sourceLocation: sourceLocation)
        if let folder = ProcessInfo.processInfo.environment["MITOSIS_SCREENS"] {
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name).txt"))
        }
        let path = #filePath.replacing(
            "ReportingTests/Live/LiveScreenTests.swift",
            with: "Screens/\(name).txt"
        )
        let expected = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        #expect(text == expected, sourceLocation: sourceLocation)
    }

    @Test(
        "within the window it shows stage, step, budget and every host",
        arguments: [(80, 24), (200, 50), (40, 10)]
    )
    func division(columns: Int, rows: Int) throws {
        var fixture = try LiveFixture()
        try fixture.lookWithinWindow()
        try expect(fixture.screen(columns, rows), isScreen: "division-\(columns)x\(rows)", columns, rows)
    }

    @Test("while both sides are one ensemble its leader's sessions are those of all; not every leader tells")
    func sessions() throws {
        var fixture = try LiveFixture()
        try fixture.lookWithinWindow()
        let source = fixture.plan.source[0].host
        #expect(text(fixture).contains("source: 3 of 3 serving; 15 connections, 12 sessions; at"))
        for server in fixture.plan.destination {
            fixture.board.take([server.host: try fixture.server(server.host)], at: LiveFixture.now)
        }
        #expect(text(fixture).contains("source: 3 of 3 serving; 15 connections, 12 sessions in all; at"))
        #expect(text(fixture).contains("destination: 3 of 3 serving; 15 connections; at"))
        let own = fixture.plan.destination[0].host
        fixture.board.take([own: try fixture.server(own, role: .leader)], at: LiveFixture.now)
        #expect(text(fixture).contains("source: 3 of 3 serving; 15 connections, 12 sessions; at"))
        #expect(text(fixture).contains("destination: 3 of 3 serving; 15 connections, 12 sessions; at"))
        let silent = ServerStats(
            version: ServerVersion(3, 4, 14),
            role: .leader,
            zxid: Zxid(epoch: 2, counter: 0x1200),
            connections: 5,
            outstanding: 0,
            nodeCount: 9,
            syncedFollowers: 2
        )
        fixture.board.take(
            [source: try fixture.server(source, serving: .yes(stats: silent))],
            at: LiveFixture.now
        )
        #expect(text(fixture).contains("source: 3 of 3 serving; 15 connections; at"))
    }

    @Test("of a hundred hosts those that are unlike the others come first, and the rest is one line each")
    func hundred() throws {
        var fixture = try LiveFixture(servers: 45, brokers: 10)
        try fixture.lookWithinWindow()
        let source = fixture.plan.source.map(\.host)
        fixture.board.take(
            [
                source[30]: .silent(reason: "connection refused"),
                source[31]: try fixture.server(source[31], serving: .looking),
                source[32]: try fixture.server(source[32], counter: 1),
                source[33]: try fixture.server(source[33], rules: 6),
            ],
            at: LiveFixture.now
        )
        let lines = fixture.screen(80, 24)
        try expect(lines, isScreen: "fleet-80x24", 80, 24)
        let marked = lines.filter { $0.text.hasPrefix("! ") }.map { $0.text.split(separator: " ")[1] }
        #expect(marked == ["s31", "s32", "s33", "s34"])
        try expect(fixture.screen(200, 50), isScreen: "fleet-200x50", 200, 50)
    }

    @Test("what hosts and programs said is text on its line, whatever it is")
    func hostile() throws {
        var fixture = try LiveFixture()
        try fixture.lookWithinWindow()
        let host = try #require(fixture.plan.source.first).host
        let text = HostileText.all
        let subject = RunEvent.Subject(stage: .division, step: StepID(text), title: text)
        fixture.board.take([host: .silent(reason: text)], at: LiveFixture.now)
        fixture.tell(.stepStarted(subject), at: 431_000)
        fixture.tell(.stepWaiting(subject, message: text), at: 431_000)
        fixture.tell(.warning(subject, message: text), at: 431_000)
        for (columns, rows) in [(80, 24), (200, 50), (40, 10)] {
            let lines = fixture.screen(columns, rows)
            #expect(lines.count == rows && lines.allSatisfy { $0.width <= columns })
            #expect(
                lines.allSatisfy {
                    HostileText.offences(in: $0.text).isEmpty && $0.text.utf8.allSatisfy { $0 < 127 }
                }
            )
        }
        fixture.tell(.runStopped(nil, reason: text, standing: .dividing), at: 431_200)
        #expect(fixture.screen(80, 24).allSatisfy { HostileText.offences(in: $0.text).isEmpty })
    }

    @Test("any size has exactly its lines, none wider than it, whatever is known")
    func sizes() throws {
        var fixture = try LiveFixture()
        let empty = LiveBoard(fixture.plan)
        try fixture.lookWithinWindow()
        for columns in [1, 2, 10, 39, 59, 60, 80, 119, 120, 500] {
            for rows in [1, 2, 5, 10, 15, 16, 24, 100] {
                for board in [empty, fixture.board] {
                    let size = LiveScreen.Size(columns: columns, rows: rows)
                    let lines = LiveScreen(board, size: size, now: LiveFixture.now, footer: "Ctrl-C ends it")
                        .lines
                    #expect(lines.count == rows, "\(columns)x\(rows)")
                    #expect(lines.allSatisfy { $0.width <= columns }, "\(columns)x\(rows)")
                }
            }
        }
    }

    private func text(_ fixture: LiveFixture) -> String {
        fixture.screen(120, 40).map(\.text).joined(separator: "\n")
    }

    @Test("the window counts down, tells what is over its time, and stays when it is closed")
    func window() throws {
        var fixture = try LiveFixture()
        #expect(text(fixture).contains("WINDOW OPEN for 1.4 s, 1.0 s left of 2.4 s"))
        fixture.board.take(WindowPrediction(starts: [100], bytes: 0, limit: nil, sessions: [:]))
        #expect(text(fixture).contains("WINDOW OPEN for 1.4 s, 0.8 s OVER the 0.6 s"))
        let start = RunEvent.Subject(stage: .division, step: "division.start", title: "Start")
        fixture.tell(.stepStarted(start), at: 430_900)
        #expect(text(fixture).contains("WINDOW OPEN for 1.4 s"))
        fixture.tell(.stepFinished(start, observed: "", milliseconds: 100), at: 431_000)
        #expect(text(fixture).contains("window: over after 1.0 s, expected 0.6 s"))
        fixture.tell(.runFinished(message: "finished", milliseconds: 1), at: 431_100)
        #expect(
            text(fixture).contains("window: over after 1.0 s") && text(fixture).contains("ended: finished")
        )
    }

    @Test("what a probe writes is a line: how many, how slow, and since when none is taken")
    func probe() throws {
        var fixture = try LiveFixture()
        let sample = { (side: ProbedSide, since: Int64?, failures: Int) in
            ProbeSample(
                side: side,
                at: LiveFixture.now,
                writes: 20,
                failures: failures,
                worst: 17,
                unavailableSince: since,
                zxid: nil
            )
        }
        fixture.tell(.probed(sample(.source, nil, 2)), at: 431_000)
        fixture.tell(.probed(sample(.destination, nil, 0)), at: 431_000)
        #expect(
            text(fixture).contains(
                "probe: source 20 writes, 2 failed, worst 17 ms; destination 20 writes, worst 17 ms"
            )
        )
        fixture.tell(.probed(sample(.destination, LiveFixture.now - 1200, 2)), at: 431_000)
        #expect(
            text(fixture).contains(
                "probe: destination takes NO WRITE for 1.2 s; source 20 writes, 2 failed, worst 17 ms"
            )
        )
    }

    @Test("what was seen of Kafka long ago, or before the window, is told with its age")
    func oldKafka() throws {
        var fixture = try LiveFixture()
        let brokers = { (_ fixture: LiveFixture) in
            fixture.screen(80, 24).map(\.text).first { $0.hasPrefix("brokers") }
        }
        let kafka = LiveBoard.Kafka(registered: 2, planned: 3, underReplicated: 3)
        try fixture.lookWithinWindow()
        for (age, said) in [(75_000, "1:15"), (3_000, "0:03")] as [(Int64, String)] {
            fixture.board.take(kafka, at: LiveFixture.now - age)
            #expect(
                brokers(fixture)
                    == "brokers: 3 of 3 running; \(said) ago: 2 registered, 3 partitions under-replicated"
            )
        }
        // The window is over.
        let start = RunEvent.Subject(stage: .division, step: "division.start", title: "Start")
        fixture.tell(.stepFinished(start, observed: "", milliseconds: 1), at: 432_000)
        fixture.board.take(kafka, at: LiveFixture.now - 15_000)
        #expect(
            brokers(fixture)
                == "brokers: 3 of 3 running; 2 of 3 registered, 3 partitions under-replicated"
        )
    }

    @Test("a run that goes on forgets that it stopped, and its question when it was answered")
    func resumed() throws {
        var fixture = try LiveFixture()
        fixture.tell(.confirmationNeeded(.division, question: "Divide now?\nReally?"), at: 1)
        #expect(text(fixture).contains("asks: Divide now?"))
        fixture.tell(.runStopped(nil, reason: "not confirmed", standing: .joint), at: 2)
        #expect(text(fixture).contains("ended: stopped: not confirmed; the migration is joint"))
        fixture.tell(.runResumed(message: "7 steps"), at: 3)
        #expect(fixture.board.ending == nil && !text(fixture).contains("Divide now?"))
    }

    @Test("who has no events but a place that agents were told shows stage and step by it")
    func place() throws {
        let fixture = try LiveFixture()
        var board = LiveBoard(fixture.plan)
        let run = try #require(RunID("r1"))
        board.take(
            RunPlace(
                stage: "repoint",
                step: "repoint.restart",
                title: "Restart",
                since: LiveFixture.now - 5000
            ),
            of: Lease(runID: run, epoch: FencingEpoch(2)),
            since: LiveFixture.now - 65_000
        )
        let size = LiveScreen.Size(columns: 80, rows: 24)
        let lines = LiveScreen(board, size: size, now: LiveFixture.now, footer: "").lines.map(\.text)
        #expect(lines[0].hasPrefix("mitosis kafka-a  run r1") && lines[0].hasSuffix(" 1:05"))
        #expect(lines[1].hasPrefix("preflight done > join done > [repoint 0:05] > division"))
        #expect(lines.contains { $0.hasPrefix("step: Restart ") && $0.contains("0:05") })
    }

    @Test(
        "who has a place alone sees the window by the destination's servers: walled off, and none serves until one leads"
    )
    func seenWindow() throws {
        let fixture = try LiveFixture()
        var board = LiveBoard(fixture.plan)
        let lease = Lease(runID: try #require(RunID("r1")), epoch: FencingEpoch(2))
        let place = RunPlace(
            stage: "division",
            step: nil,
            title: "Look",
            since: LiveFixture.now,
            window: 2000
        )
        let stopped = Serving.unreachable(reason: "nothing listens")
        func line(at milliseconds: Int64) -> String? {
            let size = LiveScreen.Size(columns: 120, rows: 24)
            let screen = LiveScreen(board, size: size, now: LiveFixture.now + milliseconds, footer: "")
            return screen.lines.map(\.text).first { $0.lowercased().hasPrefix("window") }
        }
        func look(rules: Int, serving: Serving?, role: ServerStats.Role = .follower, at: Int64) throws {
            let look = try fixture.plan.destination.map { server in
                let answer = try fixture.server(server.host, role: role, rules: rules, serving: serving)
                return (server.host, answer)
            }
            board.take(Dictionary(look) { first, _ in first }, at: LiveFixture.now + at)
        }
        board.take(place, of: lease, since: nil)
        try look(rules: 0, serving: stopped, at: 0)
        #expect(line(at: 0) == "window: expected 2.0 s")
        try look(rules: 4, serving: stopped, at: 1000)
        #expect(line(at: 1500) == "WINDOW OPEN for 0.5 s, 1.5 s left of 2.0 s")
        let open = board
        try look(rules: 4, serving: nil, role: .leader, at: 3000)
        #expect(line(at: 9000) == "window: over, seen by looks 2.0 s apart, expected 2.0 s")
        #expect(
            LiveChanges(from: open, to: board).lines.first
                == "the window is over, seen by looks 2.0 s apart"
        )
        try look(rules: 4, serving: stopped, at: 5000)
        #expect(line(at: 9000) == "window: over, seen by looks 2.0 s apart, expected 2.0 s")
    }

    @Test("without a terminal each change is a line, and what stays the same none")
    func changes() throws {
        var fixture = try LiveFixture()
        let before = LiveBoard(fixture.plan)
        #expect(LiveChanges(from: before, to: before).lines.isEmpty)
        try fixture.lookWithinWindow()
        let lines = LiveChanges(from: before, to: fixture.board).lines
        #expect(lines.first == "run \(LiveFixture.start)-kafka-a")
        #expect(lines.contains("the window is open") && lines.contains("d4: not seen -> stopped"))
        #expect(lines.contains("!! Restart the sources: s2 took 21 s to serve again"))
        let open = fixture.board
        #expect(LiveChanges(from: open, to: fixture.board).lines.isEmpty)
        let start = RunEvent.Subject(stage: .division, step: "division.start", title: "Start")
        fixture.tell(.stepStarted(start), at: 431_000)
        fixture.tell(.stepFinished(start, observed: "", milliseconds: 1), at: 432_000)
        let host = fixture.plan.source[0].host
        fixture.board.take(
            [host: try fixture.server(host, role: .leader, rules: 2)],
            at: LiveFixture.now
        )
        fixture.tell(.runFinished(message: "finished", milliseconds: 1), at: 433_000)
        #expect(
            LiveChanges(from: open, to: fixture.board).lines
                == [
                    "the window is over after 2.0 s", "s1: 0 -> 2 rules",
                    "ended: finished",
                ]
        )
    }

    @Test(
        "styles are sent as controls of ours and end with their piece; without colours weight alone remains"
    )
    func frame() throws {
        var line = LiveLine("a", .bad)
        line.append("b")
        line.append("\u{1B}[2Jc", .good)
        let home = "\u{1B}[H\u{1B}[2K"
        #expect(
            LiveFrame(hasColours: true).text([line, LiveLine("d")]).rendered
                == home + "\u{1B}[1m\u{1B}[31ma\u{1B}[0mb\u{1B}[32m\\u{1B}[2Jc\u{1B}[0m\r\n\u{1B}[2Kd"
        )
        #expect(
            LiveFrame(hasColours: false).text([line]).rendered
                == home + "\u{1B}[1ma\u{1B}[0mb\\u{1B}[2Jc"
        )
        #expect(LiveFrame(hasColours: false).text([]).rendered == "\u{1B}[H")
    }
}
