import ControlProtocol
import Fleet
import FoundationEssentials
import Journal
import Procedure
import Reporting
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("Cleaning a fleet of rules made by hand", .timeLimit(.minutes(10)))
struct HandMadeCommandTests {
    private struct Told {
        let board: CleaningBoard
        /// What was said of each host at its end, in the order of the hosts; what was said meanwhile apart.
        let lines: [String]
        let pauses: [String]

        var left: Int { board.hosts.count - board.outcomes.values.count { $0.isClean } }
    }

    private static func cleanHandMade(
        _ fixture: RunFixture,
        _ journal: any RunArchive,
        force: Bool = false,
        untilClean: Bool = false,
        json: Bool = false,
        stop: AsyncStream<Void> = AsyncStream<Void> { $0.finish() },
        tell: (CleaningBoard.Action) throws -> Void = { _ in }
    ) async throws -> Told {
        let reports = HandMadeReports()
        let cleaning = RuleCleaning(
            choice: FleetChoice(
                file: .plan(fixture.plan),
                hosts: fixture.plan.inventory.hosts.map(\.host)
            ),
            fleet: fixture.fleet,
            journal: journal,
            timing: PassingTime().timing,
            force: force,
            untilClean: untilClean,
            aim: .handMade(try HandMadeRequest(listed: "198.51.100.1"), reports),
            jitter: { 0.5 }
        )
        var lines: [HostName: String] = [:]
        var pauses: [String] = []
        var mistake: (any Error)?
        let text = CleaningText(json: json)
        let board = try await cleaning.perform(stop: stop) { action in
            do { try tell(action) } catch { mistake = error }
            guard let line = text.line(action, reports) else { return }
            if case .end(let host, _, _) = action { lines[host] = line } else { pauses.append(line) }
        }
        if let mistake { throw mistake }
        return Told(board: board, lines: board.hosts.compactMap { lines[$0] }, pauses: pauses)
    }

    @Test(
        "hand-made rules go from every host, ours stay, and it is told what was removed and where all is saved"
    )
    func handMade() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s1") { $0.handMade = 12 }
        let told = try await Self.cleanHandMade(fixture, try fixture.openJournal())
        #expect(told.left == 0)
        #expect(
            told.lines.first == """
                s1: clean
                  12 removed
                  saved before that: /var/lib/mitosis/rulesets/r-1
                  0 hand-made rules

                """
        )
        #expect(told.lines.dropFirst().allSatisfy { $0.hasSuffix(": clean\n  0 hand-made rules\n") })
        #expect(fixture.fleet.rules == 24 && fixture.fleet.leases.isEmpty)
    }

    @Test("a host that keeps a hand-made rule, has a copy in a file or is silent is counted as not clean")
    func handMadeLeft() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s1") { $0.staying = 1 }
        try fixture.fleet.change("d4") { $0.isInFiles = true }
        try fixture.fleet.change("d5") { $0.isSilent = true }
        let told = try await Self.cleanHandMade(fixture, try fixture.openJournal(), force: true)
        #expect(told.left == 3)
        #expect(told.pauses == ["d5: not yet: nobody is there\n"])
        let texts = told.lines.joined()
        #expect(texts.contains("d5: not cleaned, no answer: nobody is there\n"))
        #expect(texts.contains("s1: not clean (forced") || texts.contains("s1: not clean\n"))
        #expect(texts.contains("\n  1 hand-made rules\n  "))
        #expect(texts.contains("d4: not clean") && texts.contains("    /etc/iptables/rules.v4:3: -A INPUT"))
    }

    @Test("where ours would be refused they are too, host by host, and --force overrides that")
    func handMadeRefused() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d5") {
            $0.view = fixture.plan.sourceMembers + fixture.plan.destinationMembers
        }
        let journal = try fixture.openJournal()
        let told = try await Self.cleanHandMade(fixture, journal)
        #expect(told.left == 4)
        for host in ["s1", "s2", "s3", "d5"] {
            #expect(told.lines.contains { $0.contains("\(host): refused, nothing was changed: ") }, "\(host)")
            #expect(fixture.fleet.commands(to: host).isEmpty)
        }
        #expect(fixture.fleet.commands(to: "d4").count == 1 && fixture.fleet.commands(to: "d6").count == 1)
        #expect(try await Self.cleanHandMade(fixture, journal, force: true).left == 0)
    }

    @Test("a host that refuses the lease, or whose epoch cannot be, is named, and the others are cleaned")
    func oneWithoutALease() async throws {
        let fixture = try RunFixture()
        for server in fixture.plan.servers {
            try fixture.fleet.change(server.host.description) { $0.handMade = 3 }
        }
        try fixture.fleet.change("s2") { $0.epoch = FencingEpoch.highest.value }
        let other = Lease(runID: try #require(RunID("1764-other")), epoch: FencingEpoch(9))
        try fixture.fleet.change("d5") {
            $0.epoch = 9
            $0.lease = other
        }
        let told = try await Self.cleanHandMade(fixture, try fixture.openJournal())
        #expect(told.left == 2)
        #expect(told.lines[1].hasPrefix("s2: not clean: its agent says that it has granted epoch"))
        #expect(told.lines[4].hasPrefix("d5: refused, nothing was changed: run 1764-other"))
        for line in [told.lines[0], told.lines[2], told.lines[3], told.lines[5]] {
            #expect(line.contains(": clean\n  3 removed\n"), "\(line)")
        }
    }

    @Test("until it is clean a host with a copy in a file and a silent one are tried again, as lines of JSON")
    func untilClean() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s1") {
            $0.handMade = 2
            $0.isInFiles = true
        }
        try fixture.fleet.change("d5") { $0.isSilent = true }
        let told = try await Self.cleanHandMade(
            fixture,
            try fixture.openJournal(),
            force: true,
            untilClean: true,
            json: true
        ) { action in
            guard case .hindered(let host, _) = action else { return }
            try fixture.fleet.change(host.description) {
                $0.isSilent = false
                $0.isInFiles = false
            }
        }
        #expect(told.left == 0)
        let waiting = told.pauses.joined()
        #expect(waiting.contains(#"{"host":"d5","reason":"nobody is there","result":"waiting"}"#))
        #expect(waiting.contains("1 places in files bring them back: edit /etc/iptables/rules.v4 first"))
        #expect(told.lines.allSatisfy { $0.hasPrefix(#"{"#) && $0.contains(#""result":"clean""#) })
        #expect(told.lines[0].contains(#""handMade":{"#))
        #expect(fixture.fleet.commands(to: "s1").count == 2 && fixture.fleet.leases.isEmpty)
    }

    private static let setLines = """
          0 hand-made rules
          1 rules cut an address off by a set; they stay: take the address out of the set, or the rule away, then look again
            iptables-nft: filter INPUT: -m set --match-set cut src -j DROP (1 x; ipset cut: its ipset cut holds 198.51.100.1)

        """

    @Test(
        "a host whose rule drops a set that holds an address is not clean, by rule and set, and is tried again"
    )
    func cutBySet() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s1") { $0.isCutBySet = true }
        let told = try await Self.cleanHandMade(fixture, try fixture.openJournal())
        #expect(told.left == 1 && !RuleCleaning.isClean(told.board))
        #expect(told.lines.first == "s1: not clean\n" + Self.setLines)

        let hosts = fixture.plan.servers.map(\.host)
        let request = try HandMadeRequest(listed: "198.51.100.1")
        var text = ""
        #expect(await !request.list(on: hosts, of: fixture.fleet, json: false) { text += $0 })
        #expect(text.contains("s1: not clean\n" + Self.setLines))
        #expect(text.hasSuffix("6 hosts: 5 clean, 1 not clean, 0 not known\nnot clean: s1\n"))
        var lines = ""
        #expect(await !request.list(on: hosts, of: fixture.fleet, json: true) { lines += $0 })
        #expect(lines.contains(#""cutCount":1,"cuts":[{"count":1,"place":"iptables-nft: filter INPUT","#))
        #expect(lines.contains(#""set":"ipset cut""#))

        let waited = try await Self.cleanHandMade(
            fixture,
            try fixture.openJournal(),
            untilClean: true,
            json: true
        ) { action in
            guard case .hindered(let host, _) = action else { return }
            try fixture.fleet.change(host.description) { $0.isCutBySet = false }
        }
        #expect(waited.left == 0)
        let reason = "1 rules cut an address off by a set: take the address out of ipset cut first"
        #expect(waited.pauses.count == 1 && waited.pauses.joined().contains(reason))
        #expect(waited.pauses.joined().contains(#""result":"waiting""#))
    }

    @Test("the report of an agent that does not tell sets apart is read as one without them")
    func olderReport() throws {
        let text = """
            {"count":0,"rules":[],"otherCount":0,"others":[],"copyCount":0,"copies":[],"problems":[],"removed":0}
            """
        let report = try JSONDecoder().decode(HandMadeReport.self, from: Data(text.utf8))
        #expect(report.isClean && report.cutCount == 0 && report.cuts.isEmpty)
    }

    @Test("asked to stop, it sums up what was cleaned and waits for nobody")
    func stopped() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d5") { $0.isSilent = true }
        let (stop, asking) = AsyncStream<Void>.makeStream()
        let told = try await Self.cleanHandMade(
            fixture,
            try fixture.openJournal(),
            untilClean: true,
            stop: stop
        ) { action in
            if case .hindered(let host, _) = action, host.description == "d5" { asking.yield() }
        }
        #expect(told.lines.contains("d5: not cleaned, stopped: nobody is there\n"))
        #expect(!RuleCleaning.isClean(told.board) && fixture.fleet.leases.isEmpty)
    }

    @Test("a look at hand-made rules takes no lease, shows counts, and counts hosts that are not clean")
    func handMadeLook() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s1") { $0.handMade = 2 }
        try fixture.fleet.change("s2") { $0.isSilent = true }
        let hosts = fixture.plan.servers.map(\.host)
        let gone =
            "its agent cannot be reached (nobody is there); see that mitosis-agent runs and its port is open"
        var text = ""
        let request = try HandMadeRequest(listed: "198.51.100.1, 2001:db8::1")
        let isClean = await request.list(on: hosts, of: fixture.fleet, json: false) { text += $0 }
        #expect(!isClean && fixture.fleet.calls.isEmpty)
        #expect(
            text.contains(
                """
                s1: not clean
                  2 hand-made rules
                    iptables-nft: filter INPUT: -d 198.51.100.1/32 -j DROP (2 x, 7 packets)

                """
            )
        )
        #expect(text.contains("s2: not known: \(gone)\n"))
        #expect(
            text.hasSuffix("6 hosts: 4 clean, 1 not clean, 1 not known\nnot clean: s1\nnot known: s2\n")
        )
        var lines: [String] = []
        #expect(await !request.list(on: hosts, of: fixture.fleet, json: true) { lines.append($0) })
        #expect(lines.count == 7)
        #expect(lines.contains(#"{"host":"s2","silent":"\#(gone)"}"# + "\n"))
        #expect(lines.last == #"{"clean":4,"hosts":6,"notClean":1,"silent":1}"# + "\n")
    }

    @Test(
        "a list of addresses takes addresses only",
        arguments: [
            "", "198.51.100.1,", "zk1", "198.51.100.0/24", "198.51.100.1 198.51.100.2", "198.51.100.1-3",
        ]
    )
    func addressList(_ text: String) {
        #expect(throws: AddressListMistake.self) { try HandMadeRequest(listed: text) }
    }
}

extension CleaningBoard.Outcome {
    fileprivate var isClean: Bool {
        switch self {
        case .clean: true
        case .refused, .unreachable, .failed, .stopped: false
        }
    }
}
