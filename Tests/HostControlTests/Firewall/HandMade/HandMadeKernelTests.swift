import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import Synchronization
import Testing
import Topology

@testable import HostControl

/// Rules that somebody made by hand, in a real kernel, in every backend.
@Suite(.needsNamespaces, .timeLimit(.minutes(10)))
struct HandMadeKernelTests {
    private static func text(_ path: String) throws -> String {
        String(decoding: try content(of: path), as: UTF8.self)
    }

    @Test(
        "published rules go, each as often as it is there; all others are byte for byte as before",
        arguments: FirewallBench.Kind.allCases
    )
    func published(_ kind: FirewallBench.Kind) async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            try await bench.putForeignRules(iptables: kind.rawValue)
            try await bench.putLookalikes(kind)
            _ = try await bench.firewall(.nftables).install(FirewallBench.wall)
            let before = try await bench.everything()
            try await bench.divideByHand(kind)

            let rules = bench.handMade(state: scratch.path)
            let dirty = try await bench.everything()
            let seen = await rules.look(for: FirewallBench.byHand)
            #expect(seen.count == 11 && seen.removed == 0 && seen.saved == nil && !seen.isClean, "\(seen)")
            #expect(seen.problems.isEmpty && seen.copyCount == 0)
            let doubled = seen.rules.filter { $0.place == "iptables-\(kind.rawValue): filter OUTPUT" }
            #expect(doubled.map(\.count) == [2, 2], "\(doubled)")
            #expect(seen.otherCount == 14, "\(seen.others)")
            #expect(try await bench.everything() == dirty)

            let cleaned = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(cleaned.isClean && cleaned.removed == 11 && cleaned.otherCount == 14, "\(cleaned)")
            #expect(try await bench.everything() == before)

            let saved = try #require(cleaned.saved)
            #expect(saved == scratch("rulesets/r1-1"))
            let kept = try Self.text(saved + "/iptables-\(kind.rawValue)")
            #expect(kept.contains("-A OUTPUT -d 198.51.100.22/32 -j REJECT") && kept.contains("*nat"))
            #expect(
                try Self.text(saved + "/ip6tables-\(kind.rawValue)").contains("-A INPUT -d 2001:db8::2/128")
            )
            #expect(try Self.text(saved + "/nftables").contains("table inet corporate"))

            // What was kept brings it all back; nft's numbers are others then.
            let plain = { () async throws in
                try await bench.onWalled("iptables-\(kind.rawValue)-save").split(separator: "\n")
                    .filter { $0.hasPrefix("-A") }
            }
            let clean = try await plain()
            try await bench.onWalled("iptables-\(kind.rawValue)-restore", input: kept)
            #expect(await rules.look(for: FirewallBench.byHand).count == 9)
            _ = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(try await plain() == clean)
            #expect(try scratch.names(in: "rulesets") == ["r1-1", "r1-2"])

            let last = try await bench.everything()
            let again = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(again.isClean && again.removed == 0 && again.saved == nil)
            #expect(try await bench.everything() == last)
        }
    }

    @Test("a host where nothing was done by hand is clean, and nothing comes to be there by looking")
    func empty() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let before = try await bench.onWalled("nft", ["list", "ruleset"])
            let rules = bench.handMade(state: scratch.path)
            #expect(await rules.look(for: FirewallBench.byHand).isClean)
            #expect(try await rules.remove(FirewallBench.byHand, keptAs: "r1").isClean)
            #expect(try await bench.onWalled("nft", ["list", "ruleset"]) == before)
            #expect(try await bench.onWalled("cat", ["/proc/net/ip_tables_names"]).isEmpty)
            #expect(try scratch.names().isEmpty)
        }
    }

    @Test("rules of nft's own kind go from somebody's table, which else is as before")
    func native() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            try await bench.putForeignRules(iptables: "nft")
            try await bench.onWalled("nft", ["-f", "-"], input: FirewallBench.nativeRules)
            let before = try await bench.everything()
            let rules = bench.handMade(state: scratch.path)
            let seen = await rules.look(for: FirewallBench.byHand)
            #expect(seen.count == 5 && seen.otherCount == 9, "\(seen)")
            let cleaned = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(cleaned.isClean && cleaned.removed == 5 && cleaned.otherCount == 9, "\(cleaned)")
            let gone = [
                "{ 198.51.100.2, 198.51.100.22 } counter", "ip6 saddr 2001:db8::2 drop",
                "reject with tcp reset",
                #"ip daddr 198.51.100.22 drop comment "by hand""#,
            ]
            let kept = before.split(separator: "\n").filter { line in !gone.contains { line.contains($0) } }
            #expect(try await bench.everything().split(separator: "\n") == kept)
        }
    }

    @Test("a rule that drops a set which holds an address stays, and the host is not clean until it is gone")
    func sets() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            try await bench.divideByHand(.nft)
            try await bench.onWalled("nft", ["-f", "-"], input: FirewallBench.setRules)
            let rules = bench.handMade(state: scratch.path)
            let cleaned = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(cleaned.removed == 11 && cleaned.count == 0 && cleaned.problems.isEmpty, "\(cleaned)")
            #expect(cleaned.cutCount == 3 && !cleaned.isClean, "\(cleaned)")
            #expect(cleaned.otherCount == 1, "\(cleaned.others)")
            #expect(
                cleaned.cuts.map(\.specification) == [
                    "ip saddr @cut counter drop", "ip saddr vmap @fate",
                    "ip6 daddr @six reject with icmpv6 port-unreachable",
                ]
            )
            #expect(
                cleaned.cuts.map(\.set) == [
                    "nft set inet ops cut", "nft map inet ops fate", "nft set inet ops six",
                ]
            )
            #expect(cleaned.cuts.first?.reason == "its set cut holds 198.51.100.0/24")
            let again = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(again.removed == 0 && again.cutCount == 3 && again.saved == nil)
            #expect(try await bench.everything().contains("ip saddr @cut counter"))

            for (kind, name, entry) in [
                ("element", "cut", "198.51.100.0/24"), ("element", "fate", "198.51.100.22"),
                ("element", "six", "2001:db8::2"),
            ] {
                try await bench.onWalled("nft", ["delete", kind, "inet", "ops", name, "{ \(entry) }"])
            }
            let clean = await rules.look(for: FirewallBench.byHand)
            #expect(clean.isClean && clean.cutCount == 0 && clean.otherCount == 0, "\(clean)")
        }
    }

    @Test("a table of iptables-nft that nft's rules have made unreadable to it is cleaned with nft")
    func mixed() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            try await bench.divideByHand(.nft)
            try await bench.onWalled(
                "nft",
                ["-f", "-"],
                input:
                    "add set ip filter bad { type ipv4_addr; }\nadd rule ip filter INPUT ip saddr @bad ct state new drop\n"
            )
            let saved = try await bench.onWalled("iptables-nft-save")
            #expect(FilterTable.isIncompatible(saved))
            let rules = bench.handMade(state: scratch.path)
            #expect(await rules.look(for: FirewallBench.byHand).count == 11)
            let cleaned = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(cleaned.isClean && cleaned.removed == 11, "\(cleaned)")
            #expect(
                try await bench.onWalled("nft", ["list", "ruleset"]).contains(
                    "ip saddr @bad ct state new drop"
                )
            )
        }
    }

    @Test("rules of nft's that iptables-nft takes for simpler ones of its own stay")
    func mistaken() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            try await bench.onWalled("iptables-nft", ["-A", "INPUT", "-s", "198.51.100.3", "-j", "ACCEPT"])
            let mistaken = [
                "ip saddr > 198.51.100.2 drop", "ip saddr 198.51.100.1-198.51.100.2 drop",
                "ip saddr 198.51.100.2 tcp window 5 drop",
            ]
            let lines = mistaken.map { "add rule ip filter INPUT \($0)\n" }.joined()
            try await bench.onWalled("nft", ["-f", "-"], input: lines)
            let before = try await bench.everything()
            #expect(before.contains("-A INPUT -s 198.51.100.2/32 -j DROP"), "\(before)")
            try await bench.onWalled("iptables-nft", ["-A", "INPUT", "-s", "198.51.100.2", "-j", "DROP"])
            let rules = bench.handMade(state: scratch.path)
            let seen = await rules.look(for: FirewallBench.byHand)
            #expect(seen.count == 1 && seen.otherCount == 3, "\(seen)")
            let cleaned = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(cleaned.isClean && cleaned.removed == 1, "\(cleaned)")
            #expect(try await bench.everything() == before)
        }
    }

    @Test("a table that is made anew between reading and deleting loses no rule that got an old one's number")
    func numbersUsedAgain() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let mine =
                "table inet ops {\n\tchain in {\n\t\ttype filter hook input priority 5; policy accept;\n"
            let text = { @Sendable (rule: String) in
                "delete table inet ops\n" + mine + "\t\t\(rule)\n\t}\n}\n"
            }
            let byHand = "ip saddr 198.51.100.2 drop"
            try await bench.onWalled("nft", ["-f", "-"], input: mine + "\t\t\(byHand)\n\t}\n}\n")
            let real = bench.native
            let swaps = Mutex(0)
            let namespace = bench.network.namespace(of: "walled")
            let meddling = HandMadeRules.Native(generation: real.generation) { places, generation in
                // Somebody loads other rules at this very moment; the first of them gets the number of the old one.
                let isFirst = swaps.withLock { count in
                    count += 1
                    return count == 1
                }
                if isFirst {
                    let file = scratch("new.nft")
                    do {
                        try Data(text("ip saddr 203.0.113.77 accept").utf8).write(to: URL(filePath: file))
                        let result = try Tools.run([
                            "/usr/sbin/ip", "netns", "exec", namespace, "/usr/sbin/nft", "-f", file,
                        ])
                        guard result == 0 else { return .failed(-2) }
                    } catch {
                        return .failed(-3)
                    }
                }
                return real.delete(places, generation)
            }
            let rules = bench.handMade(state: scratch.path, native: meddling)
            let before = try await bench.onWalled("nft", ["-a", "list", "table", "inet", "ops"])
            #expect(before.contains("\(byHand) # handle 2"))
            let cleaned = try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            #expect(cleaned.isClean && cleaned.removed == 0, "\(cleaned)")
            let after = try await bench.onWalled("nft", ["-a", "list", "table", "inet", "ops"])
            #expect(after.contains("ip saddr 203.0.113.77 accept # handle 2"), "\(after)")
        }
    }

    @Test("without room to keep the rules none is removed, and it is told what is in the way")
    func notSaved() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            try await bench.divideByHand(.nft)
            let before = try await bench.everything()
            try scratch.file("rulesets", Array("no folder".utf8))
            let rules = bench.handMade(state: scratch.path)
            await #expect(throws: FirewallError.self) {
                try await rules.remove(FirewallBench.byHand, keptAs: "r1")
            }
            #expect(try await bench.everything() == before)
        }
    }

    @Test("a copy in a file makes a clean kernel not clean, and the file stays as it is")
    func copies() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            try await bench.divideByHand(.nft)
            try scratch.directory("etc")
            try scratch.directory("etc/iptables")
            let saved = Array(try await bench.onWalled("iptables-nft-save").utf8)
            let path = try scratch.file("etc/iptables/rules.v4", saved)
            let cleaned = try await bench.handMade(state: scratch.path).remove(
                FirewallBench.byHand,
                keptAs: "r1"
            )
            #expect(cleaned.count == 0 && cleaned.copyCount == 9 && !cleaned.isClean, "\(cleaned)")
            #expect(cleaned.copies.allSatisfy { $0.path == "/etc/iptables/rules.v4" && $0.line != nil })
            #expect(try content(of: path) == saved)
        }
    }

    @Test("thousands of rules go in a few transactions, within seconds")
    func many() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let addresses = (0..<2000).map { address("198.18.\($0 / 250).\($0 % 250 + 1)") }
            let lines = addresses.flatMap {
                ["-A INPUT -s \($0)/32 -j DROP", "-A OUTPUT -d \($0)/32 -j REJECT"]
            }
            let text = (["*filter"] + lines + ["COMMIT", ""]).joined(separator: "\n")
            for kind in FirewallBench.Kind.allCases {
                try await bench.onWalled("iptables-\(kind.rawValue)-restore", ["--noflush"], input: text)
            }
            let native = addresses.map { "add rule inet ops in ip saddr \($0) drop" }.joined(separator: "\n")
            try await bench.onWalled("nft", ["-f", "-"], input: FirewallBench.nativeRules + native + "\n")
            let rules = bench.handMade(state: scratch.path)
            let begin = ContinuousClock.now
            let cleaned = try await rules.remove(addresses, keptAs: "r1")
            print("10,000 rules removed in \(ContinuousClock.now - begin)")
            #expect(
                cleaned.isClean && cleaned.removed == 10_000 && cleaned.otherCount == 0,
                "\(cleaned.problems)"
            )
        }
    }
}

/// A program that is waited for, where nothing can be awaited.
private enum Tools {
    static func run(_ argv: [String]) throws -> Int32 {
        var pid: pid_t = 0
        let words = argv.map { strdup($0) }
        defer { for word in words { free(word) } }
        guard posix_spawn(&pid, argv[0], nil, nil, words + [nil], environ) == 0 else { return -1 }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return status
    }
}
