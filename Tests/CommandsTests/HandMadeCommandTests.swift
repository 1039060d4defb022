import ControlProtocol
import Fleet
import Journal
import Procedure
import Settings
import TestSupport
import Testing

@testable import Commands

@Suite("Cleaning a fleet of rules made by hand", .timeLimit(.minutes(1)))
struct HandMadeCommandTests {
    private struct Told {
        let left: Int
        let lines: [String]
    }

    private static func cleanHandMade(
        _ fixture: RunFixture,
        _ journal: any RunArchive,
        force: Bool = false
    ) async throws -> Told {
        var lines: [String] = []
        let cleaning = RuleCleaning(
            choice: FleetChoice(
                file: .plan(fixture.plan),
                hosts: fixture.plan.inventory.hosts.map(\.host)
            ),
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
}
