import ControlProtocol
import FoundationEssentials
import LabKit
import Testing
import Topology

@testable import HostControl

/// A firewall that remembers must never tell anything but what a fresh one would.
@Suite(.needsNamespaces, .serialized)
struct FirewallMemoryTests {
    private let wall = FirewallBench.wall

    @Test(
        "whatever another program does to a wall shows in the next status",
        arguments: FirewallBackend.allCases
    )
    func foreignChange(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let lasting = bench.lasting(backend)
            // Reads are moments apart and packets may be counted between them: the rules must be the same at once,
            // and each counter must lie between those of a fresh look before and one after.
            func isTrue() async throws -> Bool {
                let before = try await bench.firewall(backend).installed()
                let seen = try await lasting.installed()
                let after = try await bench.firewall(backend).installed()
                guard seen.uncounted == after.uncounted, before.uncounted == after.uncounted else {
                    return false
                }
                return zip(zip(before.counters, seen.counters), after.counters).allSatisfy { early, late in
                    (early.0.packets...late.packets).contains(early.1.packets)
                        && (early.0.bytes...late.bytes).contains(early.1.bytes)
                }
            }
            #expect(try await isTrue())
            _ = try await lasting.install(wall)
            #expect(try await isTrue())
            #expect(try await lasting.installed().wall == wall)
            // A refused packet moves a counter, and no generation.
            _ = try FirewallSocket.connecting(
                in: bench.network.namespace(of: "peer"),
                to: FirewallBench.walled[0],
                port(2888)
            )
            #expect(try await isTrue())
            #expect(try await lasting.installed().counters.contains { $0.packets > 0 })
            try await bench.onWalled("nft", ["add", "table", "inet", "strange"])
            #expect(try await isTrue())
            switch backend {
            case .nftables: try await bench.onWalled("nft", ["flush", "chain", "inet", "mitosis", "input"])
            case .iptablesNft: try await bench.onWalled("iptables-nft", ["-F", "MITOSIS-INPUT"])
            case .iptablesLegacy: try await bench.onWalled("iptables-legacy", ["-F", "MITOSIS-INPUT"])
            }
            #expect(try await isTrue())
            let broken = try await lasting.installed()
            #expect(broken.wall == nil && broken.count > 0)
            // Installed and removed behind its back.
            _ = try await bench.firewall(backend).install(wall)
            #expect(try await lasting.installed().wall == wall)
            _ = try await bench.firewall(backend).remove()
            #expect(try await isTrue())
            #expect(try await lasting.installed().count == 0)
        }
    }

    @Test("rules that appear in iptables-nft, which is not the configured backend, show in the next status")
    func residueAppears() async throws {
        try await FirewallBench.run { bench in
            let lasting = bench.lasting(.nftables)
            #expect(try await lasting.installed().count == 0)
            try await bench.onWalled("iptables-nft", ["-N", "MITOSIS-INPUT"])
            #expect(try await lasting.installed().count == 1)
            #expect(try await lasting.remove().count == 0)
            try await bench.onWalled("iptables-nft", ["-N", "MITOSIS-INPUT"])
            let walled = try await lasting.install(wall)
            #expect(walled.wall == wall && !walled.listing.contains("left in"))
        }
    }

    @Test(
        "rules that appear in iptables-legacy, or go, show in the next status",
        arguments: ["iptables", "ip6tables"]
    )
    func legacyAppears(program: String) async throws {
        try await FirewallBench.run { bench in
            let lasting = bench.lasting(.nftables)
            let unused = try #require(bench.legacy())
            #expect(unused.tables.isEmpty)
            #expect(try await lasting.installed().count == 0)
            // Somebody else's rules are there, and ours come beside them.
            try await bench.onWalled(
                "\(program)-legacy",
                ["-A", "INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP"]
            )
            #expect(try await lasting.installed().count == 0)
            let used = try #require(bench.legacy())
            #expect(!used.areEmpty)
            try await bench.onWalled("\(program)-legacy", ["-N", "MITOSIS-INPUT"])
            #expect(try await lasting.installed().count == 1)
            try await bench.onWalled("\(program)-legacy", ["-X", "MITOSIS-INPUT"])
            #expect(try await lasting.installed().count == 0)
            try await bench.onWalled("\(program)-legacy", ["-F"])
            let flushed = try #require(bench.legacy())
            #expect(flushed.areEmpty)
            #expect(try await lasting.installed().count == 0)
        }
    }

    @Test("residue that came since the last look is removed by the next install, not taken for absent")
    func residueBeforeInstall() async throws {
        try await FirewallBench.run { bench in
            let lasting = bench.lasting(.nftables)
            #expect(try await lasting.installed().count == 0)
            _ = try await bench.firewall(.iptablesNft).install(wall)
            _ = try await bench.firewall(.iptablesLegacy).install(wall)
            let walled = try await lasting.install(wall)
            #expect(walled.wall == wall && !walled.listing.contains("left in"))
            let fresh = try await bench.firewall(.nftables).installed()
            #expect(fresh.count == walled.count)
        }
    }

    @Test("nothing is executed while nothing changes and nothing is there, one program while a wall stands")
    func executions() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let script = try scratch.file(
                "counted",
                Array("#!/bin/sh\necho \"$5 $6 $7 $8\" >> \(scratch("calls"))\nexec \"$@\"\n".utf8),
                mode: 0o755
            )
            let firewall = bench.lasting(.nftables, launcher: [script])
            func calls(_ body: () async throws -> Void) async throws -> Int {
                try scratch.file("calls", [])
                try await body()
                return try content(of: scratch("calls")).count { $0 == UInt8(ascii: "\n") }
            }
            #expect(try await calls { _ = try await firewall.installed() } == 0)
            #expect(try await calls { for _ in 1...5 { _ = try await firewall.installed() } } == 0)
            _ = try await calls { _ = try await firewall.install(wall) }
            let executed = String(decoding: try content(of: scratch("calls")), as: UTF8.self)
            // The transaction and two to read back; an agent itself reads what `cat` does here.
            let programs = executed.split(separator: "\n").filter { !$0.contains("/cat ") }
            #expect(programs.count == 3, "\(executed)")
            #expect(try await calls { for _ in 1...5 { _ = try await firewall.installed() } } == 5)
        }
    }

    @Test("rules that nobody remembers cost two programs to tell and one to remove, a clear host none")
    func executionsOfCleaning() async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let script = try scratch.file(
                "counted",
                Array("#!/bin/sh\necho \"$*\" >> \(scratch("calls"))\nexec \"$@\"\n".utf8),
                mode: 0o755
            )
            /// What an agent itself reads is done by `cat` here.
            func programs(_ body: () async throws -> Void) async throws -> [String] {
                try scratch.file("calls", [])
                try await body()
                return String(decoding: try content(of: scratch("calls")), as: UTF8.self)
                    .split(separator: "\n").map(String.init).filter { !$0.contains("/cat ") }
            }
            let clear = try await programs {
                let firewall = bench.lasting(.nftables, launcher: [script])
                let seen = try await firewall.installed()
                let left = try await firewall.remove()
                #expect(seen.count == 0 && left.count == 0)
            }
            #expect(clear == [], "\(clear)")
            _ = try await bench.firewall(.nftables).install(wall)
            let firewall = bench.lasting(.nftables, launcher: [script])
            let told = try await programs {
                let seen = try await firewall.installed()
                #expect(seen.wall == wall)
            }
            #expect(told.count == 2, "\(told)")
            let removing = try await programs {
                let left = try await firewall.remove()
                #expect(left.count == 0)
            }
            #expect(removing.count == 1, "\(removing)")
            #expect(try await bench.firewall(.nftables).installed().count == 0)
        }
    }

    @Test(
        "an agent sees and removes what any backend holds, whichever is configured, as programs alone would",
        arguments: FirewallBackend.allCases
    )
    func residueByNames(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: "nft")
            let before = try await bench.everything()
            for former in FirewallBackend.allCases {
                let old = try await bench.firewall(former).install(wall)
                let seen = try await bench.lasting(backend).installed()
                let slow = try await bench.firewall(backend).installed()
                #expect(seen.uncounted == slow.uncounted && seen.count == old.count)
                #expect(try await bench.lasting(backend).remove().count == 0)
                #expect(try await bench.firewall(backend).installed().count == 0)
                #expect(try await bench.firewall(former).installed().count == 0)
            }
            // An empty chain, and an empty table, are ours too.
            try await bench.onWalled("ip6tables-nft", ["-N", "MITOSIS-OUTPUT"])
            #expect(try await bench.lasting(backend).installed().count == 1)
            #expect(try await bench.lasting(backend).remove().count == 0)
            try await bench.onWalled("nft", ["add", "table", "inet", "mitosis"])
            #expect(try await bench.lasting(backend).installed().count == 1)
            #expect(try await bench.lasting(backend).remove().count == 0)
            let nft = try await bench.onWalled("nft", ["list", "ruleset"])
            #expect(
                !nft.lowercased().contains("mitosis") && before.contains("DOCKER") == nft.contains("DOCKER")
            )
        }
    }
}
