import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("Cleaning a fleet of rules", .timeLimit(.minutes(1)))
struct RuleCleaningTests {
    private struct Told {
        let left: Int
        let lines: [String]
    }

    private static func clean(
        _ fixture: RunFixture,
        _ journal: any RunArchive,
        force: Bool = false
    ) async throws -> Told {
        var lines: [String] = []
        let cleaning = RuleCleaning(
            plan: fixture.plan,
            fleet: fixture.fleet,
            journal: journal,
            timing: fixture.clock.timing,
            force: force
        )
        let left = try await cleaning.perform { lines.append($0) }
        return Told(left: left, lines: lines)
    }

    @Test("every host's rules go, under a lease that is given back")
    func clean() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d4") { $0.epoch = 11 }
        let told = try await Self.clean(fixture, try fixture.openJournal())
        #expect(told.left == 0)
        #expect(told.lines == ["s1", "s2", "s3", "d4", "d5", "d6"].map { "\($0): 0 rules left" })
        #expect(fixture.fleet.rules == 0 && fixture.fleet.leases.isEmpty)
        let lease = Lease(runID: try #require(RunID("0-clean-model")), epoch: FencingEpoch(12))
        #expect(
            fixture.fleet.calls.contains(.acquire(try HostName.parsed("s1"), lease, takeOver: false))
        )
    }

    @Test(
        "a host whose epoch cannot be is named and left out; the others are cleaned under an epoch of their own"
    )
    func liar() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d4") { $0.epoch = FencingEpoch.highest.value }
        try fixture.fleet.change("s2") { $0.epoch = 11 }
        let told = try await Self.clean(fixture, try fixture.openJournal())
        #expect(told.left == 1)
        let first = try #require(told.lines.first)
        #expect(
            first.hasPrefix("d4: its agent says that the highest epoch it has granted is 9007199254740991")
        )
        #expect(first.contains("mitosis-agent lease reset --epoch 11"))
        let cleaned = ["s1", "s2", "s3", "d5", "d6"].map { "\($0): 0 rules left" }
        #expect(Array(told.lines.dropFirst()) == cleaned)
        let lease = Lease(runID: try #require(RunID("0-clean-model")), epoch: FencingEpoch(12))
        #expect(fixture.fleet.calls.contains(.acquire(try HostName.parsed("s1"), lease, takeOver: false)))
        #expect(!fixture.fleet.calls.contains(.acquire(try HostName.parsed("d4"), lease, takeOver: false)))
    }

    @Test("a divided run that has not finished is refused by name, and --force overrides that")
    func dividedRun() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        let run = try #require(RunID("r1"))
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        #expect(try await Self.clean(fixture, journal).left == 0)

        let host = try HostName.parsed("d4")
        let commands = [HostCommand(host, .removeWall)]
        try journal.intent("division.detach", attempt: 1, commands: commands, at: 0, of: run)
        let before = fixture.fleet.calls.count
        let refusal = "run r1 has divided the ensemble and has not finished; go on with `mitosis run`"
        await expect(complaining: refusal) {
            _ = try await Self.clean(fixture, journal)
        }
        #expect(fixture.fleet.calls.count == before)
        #expect(try await Self.clean(fixture, journal, force: true).left == 0)
    }

    @Test("a host that runs another view than its own side's is refused, and --force overrides that")
    func mixedView() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d5") {
            $0.view = fixture.plan.sourceMembers + fixture.plan.destinationMembers
        }
        let journal = try fixture.openJournal()
        let refusal = "d5 does not run, or will not run, its own side's view; without the rules"
        await expect(complaining: refusal) {
            _ = try await Self.clean(fixture, journal)
        }
        #expect(fixture.fleet.calls.isEmpty)
        #expect(try await Self.clean(fixture, journal, force: true).left == 0)
    }

    @Test("a silent host is refused; with --force it is named and counted, and the others are cleaned")
    func silentHost() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s2") { $0.isSilent = true }
        let journal = try fixture.openJournal()
        await expect(complaining: "s2: nobody is there; without the rules the two sides could join again") {
            _ = try await Self.clean(fixture, journal)
        }
        let told = try await Self.clean(fixture, journal, force: true)
        #expect(told.left == 1)
        #expect(told.lines.first == "s2: no answer; not cleaned")
        #expect(told.lines.dropFirst() == ["s1", "s3", "d4", "d5", "d6"].map { "\($0): 0 rules left" }[...])
        #expect(fixture.fleet.leases.isEmpty)
    }

    @Test("a fleet of which nobody answers is not clean")
    func nobodyAnswers() async throws {
        let fixture = try RunFixture()
        for server in fixture.plan.servers {
            try fixture.fleet.change(server.host.description) { $0.isSilent = true }
        }
        let told = try await Self.clean(fixture, try fixture.openJournal(), force: true)
        #expect(told.left == 6 && told.lines.count == 6)
        #expect(fixture.fleet.calls.isEmpty)
    }

    @Test("a host that keeps a rule counts")
    func keptRule() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d6") { $0.staying = 1 }
        let told = try await Self.clean(fixture, try fixture.openJournal())
        #expect(told.left == 1)
        #expect(told.lines.last == "d6: 1 rules left")
    }

    @Test("after a lost reply the same command id is sent again, while the lease is renewed")
    func lostReply() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d4") { $0.lostReplies = 3 }
        let journal = try fixture.openJournal()
        async let cleaned = Self.clean(fixture, journal)
        let renewals = { fixture.fleet.calls.count { if case .acquire = $0 { true } else { false } } - 6 }
        // The renewal sleeps, and so does the dispatch after each lost reply.
        while fixture.fleet.commands(to: "d4").isEmpty { await Task.yield() }
        await fixture.clock.advance(by: .milliseconds(500), asSoonAs: 2)
        while fixture.fleet.commands(to: "d4").count < 2 { await Task.yield() }
        await fixture.clock.advance(by: .milliseconds(19_400), asSoonAs: 2)
        while fixture.fleet.commands(to: "d4").count < 3 { await Task.yield() }
        #expect(renewals() == 0)
        await fixture.clock.advance(by: .milliseconds(100), asSoonAs: 2)
        while renewals() < 6 { await Task.yield() }
        await fixture.clock.advance(by: .milliseconds(400), asSoonAs: 2)
        let told = try await cleaned
        #expect(told.left == 0)
        let commands = fixture.fleet.commands(to: "d4")
        #expect(commands.count == 4 && Set(commands).count == 1)
        #expect(fixture.fleet.leases.isEmpty)
    }

    private static func cleanHandMade(
        _ fixture: RunFixture,
        _ journal: any RunArchive,
        force: Bool = false
    ) async throws -> Told {
        var lines: [String] = []
        let cleaning = RuleCleaning(
            plan: fixture.plan,
            fleet: fixture.fleet,
            journal: journal,
            timing: fixture.clock.timing,
            force: force
        )
        let left = try await cleaning.perform(try HandMadeRequest(listed: "198.51.100.1")) {
            lines.append($0)
        }
        return Told(left: left, lines: lines)
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
        #expect(told.lines.dropFirst().allSatisfy { $0.hasSuffix(": clean\n  0 hand-made rules") })
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
        #expect(told.lines.first == "d5: no answer; not looked at")
        let texts = told.lines.joined(separator: "\n")
        #expect(texts.contains("s1: not clean\n  1 hand-made rules\n  "))
        #expect(texts.contains("d4: not clean") && texts.contains("    /etc/iptables/rules.v4:3: -A INPUT"))
    }

    @Test("hand-made rules are refused to be removed where ours are, and --force overrides that")
    func handMadeRefused() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("d5") {
            $0.view = fixture.plan.sourceMembers + fixture.plan.destinationMembers
        }
        let journal = try fixture.openJournal()
        await expect(complaining: "d5 does not run, or will not run, its own side's view; without the rules")
        {
            _ = try await Self.cleanHandMade(fixture, journal)
        }
        #expect(fixture.fleet.calls.isEmpty)
        #expect(try await Self.cleanHandMade(fixture, journal, force: true).left == 0)
    }

    @Test("a look at hand-made rules takes no lease, shows counts, and counts hosts that are not clean")
    func handMadeLook() async throws {
        let fixture = try RunFixture()
        try fixture.fleet.change("s1") { $0.handMade = 2 }
        try fixture.fleet.change("s2") { $0.isSilent = true }
        let hosts = fixture.plan.servers.map(\.host)
        var lines: [String] = []
        let request = try HandMadeRequest(listed: "198.51.100.1, 2001:db8::1")
        let left = await request.list(on: hosts, of: fixture.fleet) { lines.append($0) }
        #expect(left == 2 && fixture.fleet.calls.isEmpty)
        #expect(
            lines[0] == """
                s1: not clean
                  2 hand-made rules
                    iptables-nft: filter INPUT: -d 198.51.100.1/32 -j DROP (2 x, 7 packets)
                """
        )
        #expect(lines[1].contains("s2") && lines[1].contains("nobody is there"))
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

    @Test("a lease that another run holds is respected, unless forced")
    func heldLease() async throws {
        let fixture = try RunFixture()
        let other = Lease(runID: try #require(RunID("other")), epoch: FencingEpoch(2))
        try fixture.fleet.change("s1") {
            $0.lease = other
            $0.epoch = 2
        }
        let journal = try fixture.openJournal()
        await #expect(throws: FleetError.self) { _ = try await Self.clean(fixture, journal) }
        #expect(fixture.fleet.leases.values.map(\.self) == [other])
        #expect(fixture.fleet.rules == 24)
        #expect(try await Self.clean(fixture, journal, force: true).left == 0)
    }
}

extension AgentsDouble {
    /// The ids of the commands that a host got, in their order.
    func commands(to host: String) -> [CommandID] {
        calls.compactMap { call in
            if case .command(let asked, let id, _) = call, asked.description == host { id } else { nil }
        }
    }
}
