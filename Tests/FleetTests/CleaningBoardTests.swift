import ControlProtocol
import Settings
import Synchronization
import SystemCalls
import Testing
import Topology

@testable import Fleet

@Suite("What becomes of the hosts of a cleaning")
struct CleaningBoardTests {
    private static let inventory = """
        version: 1
        name: hosts
        pki: {directory: ./pki, coordinator: test}
        hosts:
          - {host: "s[1-3]", address: "10.0.0.[1-3]"}
        """

    static func board(
        _ hosts: [HostName],
        force: Bool = false,
        patience: CleaningBoard.Patience = .once
    ) throws -> CleaningBoard {
        let inventory = try InventoryReader.read(
            YAMLDocument(bytes: Array(inventory.utf8), file: "hosts.yaml")
        )
        return CleaningBoard(
            hosts: hosts,
            grounds: CleaningGrounds(.inventory(inventory)),
            force: force,
            patience: patience,
            jitter: { 0 }
        )
    }

    private static func facts(
        _ count: Int,
        walling peers: [String] = [],
        isWatched: Bool? = false
    ) throws -> RulesFacts {
        RulesFacts(
            rules: InstalledRules(
                backend: .nftables,
                wall: peers.isEmpty
                    ? nil : Wall(peers: try peers.map { try #require(IPAddress($0)) }, scope: .allTCP),
                count: count,
                counters: [],
                listing: "",
                isWatched: isWatched
            ),
            lease: LeaseState(highestEpoch: FencingEpoch(3), current: nil, holder: nil, expiresAt: nil),
            clock: 0,
            zookeeper: nil
        )
    }

    @Test("a host waits for those that its rules cut off, and for nobody else")
    func waitsForPeers() throws {
        let hosts = try Sample.hosts(3)
        let (s1, s2, s3) = (hosts[0], hosts[1], hosts[2])
        var board = try Self.board([s1, s2])
        #expect(board.begin() == [.look(s1), .look(s2)])
        let walled = try Self.facts(4, walling: ["10.0.0.3"])
        #expect(board.handle(.looked(s1, .seen(walled)), at: .zero) == [.look(s3)])
        let empty = try Self.facts(0)
        #expect(
            board.handle(.looked(s2, .seen(empty)), at: .zero)
                == [.end(s2, .clean(removed: 0), forced: nil)]
        )
        #expect(!board.isDone && board.isSettled(s2) && !board.isSettled(s1) && !board.isSettled(s3))
        #expect(
            board.handle(.looked(s3, .seen(empty)), at: .seconds(1))
                == [.clean(s1, facts: walled, attempt: 1)]
        )
        #expect(board.isSettled(s3))
        #expect(
            board.handle(.cleaned(s1, .clean(removed: 4)), at: .seconds(1))
                == [.end(s1, .clean(removed: 4), forced: nil)]
        )
        #expect(board.isDone)
    }

    @Test("one out of reach is tried again after longer and longer pauses, and named when patience ends")
    func outOfReach() throws {
        let s1 = try Sample.hosts(1)[0]
        var board = try Self.board([s1])
        _ = board.begin()
        let gone = CleaningBoard.Event.looked(s1, .silent(reason: "gone"))
        #expect(
            board.handle(gone, at: .zero)
                == [.hindered(s1, reason: "gone"), .pause(s1, .milliseconds(250))]
        )
        #expect(board.handle(.pauseOver(s1), at: .milliseconds(250)) == [.look(s1)])
        #expect(board.handle(gone, at: .seconds(1)) == [.pause(s1, .milliseconds(500))])
        #expect(board.handle(.pauseOver(s1), at: .seconds(2)) == [.look(s1)])
        #expect(
            board.handle(gone, at: .seconds(20)) == [.end(s1, .unreachable(reason: "gone"), forced: nil)]
        )
        #expect(board.isDone)
    }

    @Test("until it is clean a failure is tried again too, and pauses grow to a minute")
    func persistence() throws {
        let s1 = try Sample.hosts(1)[0]
        var board = try Self.board([s1], patience: .untilClean)
        _ = board.begin()
        let facts = try Self.facts(2)
        var pauses: [Duration] = []
        for minute in 0..<12 {
            let now = Duration.seconds(minute * 60)
            let attempts = board.handle(.looked(s1, .seen(facts)), at: now)
            #expect(attempts.count == 1)
            for case .pause(_, let pause) in board.handle(.cleaned(s1, .failed(reason: "kept")), at: now) {
                pauses.append(pause)
            }
            #expect(board.handle(.pauseOver(s1), at: now) == [.look(s1)])
        }
        #expect(pauses.count == 12 && pauses.last == .seconds(30) && pauses == pauses.sorted())
        #expect(board.handle(.stop, at: .seconds(900)) == [.end(s1, .stopped(reason: "kept"), forced: nil)])
        #expect(board.isDone)
    }

    @Test("what was seen a minute ago is looked at again before anything rests on it")
    func stale() throws {
        let hosts = try Sample.hosts(2)
        let (s1, s2) = (hosts[0], hosts[1])
        var board = try Self.board(hosts)
        _ = board.begin()
        _ = board.handle(.looked(s2, .seen(try Self.facts(0))), at: .zero)
        let walled = try Self.facts(4, walling: ["10.0.0.2"])
        #expect(board.handle(.looked(s1, .seen(walled)), at: .seconds(60)) == [.look(s2)])
    }

    @Test("two walled peers that are dead, and silent by turns, hold up a host no longer than one does")
    func silentByTurns() throws {
        let hosts = try Sample.hosts(3)
        let s1 = hosts[0]
        var board = try Self.board([s1])
        let walled = try Self.facts(4, walling: ["10.0.0.2", "10.0.0.3"])
        let ends = try Self.play(&board, until: .seconds(60)) { host in
            switch host {
            case s1: (.milliseconds(50), .seen(walled))
            // Packets are dropped there: each attempt to connect takes its whole time, one after the other.
            case hosts[1]: (.seconds(3), .silent(reason: "b is gone"))
            case _: (.seconds(6), .silent(reason: "c is gone"))
            }
        }
        let end = try #require(ends[s1])
        #expect(end.at <= .seconds(30) && end.at >= .seconds(20))
        guard case .refused(let reason) = end.outcome else {
            Issue.record("\(end)")
            return
        }
        #expect(reason.contains("what runs there is not known"))
    }

    @Test("patience counts while peers are looked at again, too, whatever has become stale meanwhile")
    func patienceWhileAwaiting() throws {
        let hosts = try Sample.hosts(3)
        let s1 = hosts[0]
        var board = try Self.board([s1])
        let walled = try Self.facts(4, walling: ["10.0.0.2", "10.0.0.3"])
        // So slow that each silence is stale, and so is the host itself, before the next answer comes.
        let ends = try Self.play(&board, until: .seconds(600)) { host in
            host == s1 ? (.seconds(2), .seen(walled)) : (.seconds(61), .silent(reason: "gone"))
        }
        #expect(try #require(ends[s1]).at <= .seconds(130))
    }

    private struct Ended {
        let at: Duration
        let outcome: CleaningBoard.Outcome
    }

    /// What the board decides when each look takes its time, nothing is cleaned, and pauses are as long as they are said to be.
    private static func play(
        _ board: inout CleaningBoard,
        until limit: Duration,
        _ answer: (HostName) -> (Duration, RulesLook)
    ) throws -> [HostName: Ended] {
        var ends: [HostName: Ended] = [:]
        var coming: [(at: Duration, event: CleaningBoard.Event)] = []
        var now = Duration.zero
        var actions = board.begin()
        while now < limit, !board.isDone {
            for action in actions {
                switch action {
                case .look(let host):
                    let (takes, look) = answer(host)
                    coming.append((now + takes, .looked(host, look)))
                case .pause(let host, let pause): coming.append((now + pause, .pauseOver(host)))
                case .end(let host, let outcome, _): ends[host] = Ended(at: now, outcome: outcome)
                case .hindered: continue
                case .clean(let host, _, _): Issue.record("\(host) was to be cleaned")
                }
            }
            guard let next = coming.indices.min(by: { coming[$0].at < coming[$1].at }) else { break }
            let event = coming.remove(at: next)
            now = event.at
            actions = board.handle(event.event, at: now)
        }
        for case .end(let host, let outcome, _) in actions { ends[host] = Ended(at: now, outcome: outcome) }
        return ends
    }

    @Test("an agent that never comes to an end holds up nobody, and counts as failed")
    func lyingAgent() async throws {
        let hosts = try Sample.hosts(2)
        let statuses = try hosts.map { ($0, Observation.status(try Self.status($0))) }
        let answer: ScriptedFleet.Perform = { host, _ throws(FleetError) in
            if host == hosts[0] {
                do { try await Task.sleep(for: .seconds(3600)) } catch {
                    throw .replyLost(host: host, reason: "cancelled")
                }
            }
            return .done(result: .rules(rules: Self.nothing))
        }
        let fleet = ScriptedFleet(
            statuses: Dictionary(uniqueKeysWithValues: statuses),
            perform: answer
        )
        let run = try #require(RunID.cleaning("clean", of: "hosts", at: 1))
        let cleaning = FleetCleaning(
            fleet: fleet,
            timing: .system,
            run: run,
            force: false,
            limit: .milliseconds(200)
        )
        var told: [CleaningBoard.Action] = []
        let board = await cleaning.perform(try Self.board(hosts), stop: AsyncStream<Void> { $0.finish() }) {
            told.append($0)
        }
        #expect(told.first == .end(hosts[1], .clean(removed: 4), forced: nil))
        guard case .failed(let reason)? = board.outcomes[hosts[0]] else {
            Issue.record("\(board.outcomes)")
            return
        }
        #expect(reason.contains("did not come to an end within 0.2 seconds"))
    }

    private static let nothing = InstalledRules(
        backend: .nftables,
        wall: nil,
        count: 0,
        counters: [],
        listing: "",
        isWatched: false
    )

    private static func status(_ host: HostName) throws -> HostStatus {
        HostStatus(
            host: host,
            agentVersion: "test",
            protocolVersion: 1,
            clock: 0,
            agentStartedAt: 0,
            lease: LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil),
            rules: InstalledRules(backend: .nftables, wall: nil, count: 4, counters: [], listing: ""),
            zookeeper: nil
        )
    }
}
