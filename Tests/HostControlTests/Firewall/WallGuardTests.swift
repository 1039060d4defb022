import ControlProtocol
import FoundationEssentials
import LabKit
import Synchronization
import Testing
import Topology

@testable import HostControl

/// Rules that somebody else takes away come back, and those that we take away do not.
@Suite(.needsNamespaces, .serialized)
struct WallGuardTests {
    private static let refused = FirewallSocket.Ending.failed(111)
    private let wall = FirewallBench.wall

    /// Everything that a guard told.
    private final class Told: Sendable {
        private let told = Mutex<[RuleRestoration]>([])
        var restorations: [RuleRestoration] { told.withLock { $0 } }
        func add(_ restoration: RuleRestoration) { told.withLock { $0.append(restoration) } }

        var successes: Int {
            restorations.count {
                if case .success = $0.result { true } else { false }
            }
        }
    }

    /// Runs `body` beside a guard, and sees that the guard ends when it is cancelled.
    private func guarded(
        _ firewall: HostFirewall,
        unless isGivenUp: @escaping @Sendable () -> Bool = { false },
        _ body: (Told) async throws -> Void
    ) async throws {
        let told = Told()
        let guarding = Task { await firewall.watch(unless: isGivenUp) { told.add($0) } }
        do {
            try await body(told)
        } catch {
            guarding.cancel()
            await guarding.value
            throw error
        }
        guarding.cancel()
        let start = ContinuousClock.now
        await guarding.value
        #expect(ContinuousClock.now - start < .seconds(1))
    }

    /// After which rules count as not put back, on a busy machine too; the kernel does not tell of iptables-legacy's changes.
    private func limit(_ backend: FirewallBackend) -> Duration {
        switch backend {
        case .nftables, .iptablesNft: .seconds(10)
        case .iptablesLegacy: .seconds(30)
        }
    }

    private func expectRefused(_ bench: FirewallBench) throws {
        let walled = bench.network.namespace(of: "walled")
        for address in FirewallBench.walled {
            let listener = try FirewallSocket.listening(in: walled, at: address, port(2888))
            let peer = bench.network.namespace(of: "peer")
            let attempt = try FirewallSocket.connecting(in: peer, to: address, port(2888))
            #expect(attempt.ending == Self.refused)
            withExtendedLifetime(listener) {}
        }
    }

    struct Blow: Sendable, CustomTestStringConvertible {
        let backend: FirewallBackend
        /// One after the other, words separated by spaces; what follows a bar is the input.
        let commands: [String]

        var testDescription: String { "\(backend.rawValue): \(commands.joined(separator: "; "))" }
    }

    private static let foreign =
        "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n"

    static let blows: [Blow] =
        [
            Blow(backend: .nftables, commands: ["nft flush ruleset"]),
            Blow(backend: .nftables, commands: ["nft delete table inet mitosis"]),
            Blow(backend: .nftables, commands: ["nft flush chain inet mitosis input"]),
            Blow(backend: .nftables, commands: ["nft add table inet mitosis { flags dormant ; }"]),
            Blow(backend: .iptablesNft, commands: ["nft flush ruleset"]),
        ]
        + [("nft", FirewallBackend.iptablesNft), ("legacy", .iptablesLegacy)].flatMap { kind, backend in
            [
                Blow(backend: backend, commands: ["iptables-\(kind) -F"]),
                Blow(backend: backend, commands: ["ip6tables-\(kind) -F"]),
                Blow(backend: backend, commands: ["iptables-\(kind) -F", "iptables-\(kind) -X"]),
                Blow(backend: backend, commands: ["iptables-\(kind)-restore|\(foreign)"]),
                Blow(backend: backend, commands: ["iptables-\(kind) -I INPUT -j ACCEPT"]),
            ]
        }

    private func strike(_ bench: FirewallBench, _ blow: Blow) async throws {
        for command in blow.commands {
            let parts = command.split(separator: "|", maxSplits: 1).map(String.init)
            let words = parts[0].split(separator: " ").map(String.init)
            try await bench.onWalled(
                words[0],
                Array(words.dropFirst()),
                input: parts.count > 1 ? parts[1] : ""
            )
        }
    }

    /// All of our rules, by hand.
    private func takeAway(_ bench: FirewallBench, _ backend: FirewallBackend) async throws {
        switch backend {
        case .nftables: try await bench.onWalled("nft", ["delete", "table", "inet", "mitosis"])
        case .iptablesNft: try await bench.onWalled("nft", ["flush", "ruleset"])
        case .iptablesLegacy:
            for family in ["iptables", "ip6tables"] { try await bench.onWalled("\(family)-legacy", ["-F"]) }
        }
    }

    @Test("a wall that another program takes away is back at once", arguments: blows)
    func comesBack(blow: Blow) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(blow.backend)
            try await guarded(firewall) { told in
                let installed = try await firewall.install(wall)
                #expect(installed.restored == 0)
                for times in 1...2 {
                    try await strike(bench, blow)
                    let start = ContinuousClock.now
                    let isBack = await eventually(within: limit(blow.backend)) {
                        told.restorations.count == times
                    }
                    let duration = ContinuousClock.now - start
                    #expect(isBack && duration < limit(blow.backend), "\(duration)")
                    try expectRefused(bench)
                    let fresh = try await bench.firewall(blow.backend).installed()
                    #expect(fresh.wall == wall)
                    let status = try await firewall.installed()
                    #expect(status.wall == wall && status.restored == times)
                    let restoration = try #require(told.restorations.last)
                    #expect(restoration.wall == wall && restoration.found?.wall != wall)
                    #expect(try restoration.result.get().restored == times)
                }
                let again = try await firewall.install(wall)
                #expect(again.restored == 0)
            }
        }
    }

    @Test("closed ports come back as well, with their wall or without", arguments: FirewallBackend.allCases)
    func closedPorts(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(backend)
            let closed = ClosedPorts(ports: [port(2181)], exception: port(23_456))
            try await guarded(firewall) { told in
                for (index, former) in [nil, wall].enumerated() {
                    _ = try await firewall.close(closed, behind: former)
                    try await takeAway(bench, backend)
                    let isBack = await eventually(within: limit(backend)) {
                        told.restorations.count == index + 1
                    }
                    #expect(isBack)
                    let fresh = try await bench.firewall(backend).installed()
                    #expect(fresh.closed == closed && fresh.wall == former)
                }
                // What an agent opens again is not closed by its guard.
                let opened = try #require(try await firewall.openPorts())
                #expect(opened.wall == wall && opened.closed == nil)
                try await Task.sleep(for: .milliseconds(1500))
                #expect(try await bench.firewall(backend).installed().uncounted == opened.uncounted)
                #expect(told.restorations.count == 2)
                try await takeAway(bench, backend)
                let isBack = await eventually(within: limit(backend)) { told.restorations.count == 3 }
                #expect(isBack)
                let fresh = try await bench.firewall(backend).installed()
                #expect(fresh.closed == nil && fresh.wall == wall)
            }
        }
    }

    @Test("what the host has given up without this process is not put back; the next wall is guarded again")
    func givenUp() async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(.nftables)
            let isGivenUp = Mutex(true)
            try await guarded(firewall, unless: { isGivenUp.withLock { $0 } }) { told in
                _ = try await firewall.install(wall)
                try await takeAway(bench, .nftables)
                try await Task.sleep(for: .milliseconds(1500))
                #expect(try await bench.firewall(.nftables).installed().count == 0)
                #expect(told.restorations.isEmpty)
                isGivenUp.withLock { $0 = false }
                _ = try await firewall.install(wall)
                try await takeAway(bench, .nftables)
                let isBack = await eventually(within: limit(.nftables)) { told.restorations.count == 1 }
                #expect(isBack)
            }
        }
    }

    @Test("what was removed on purpose stays away", arguments: FirewallBackend.allCases)
    func removedOnPurpose(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(backend)
            try await guarded(firewall) { told in
                _ = try await firewall.install(wall)
                _ = try await firewall.remove()
                try await Task.sleep(for: .milliseconds(1500))
                #expect(told.restorations.isEmpty)
                #expect(try await bench.firewall(backend).installed().count == 0)
                // Also when it was asked for while the wall was still being put up.
                let installing = Task { try await firewall.install(wall) }
                try await Task.sleep(for: .milliseconds(5))
                _ = try await firewall.remove()
                _ = try await installing.value
                if try await bench.firewall(backend).installed().count == 0 {
                    try await Task.sleep(for: .milliseconds(1200))
                    #expect(try await bench.firewall(backend).installed().count == 0)
                }
                // Also when it was taken away by others a moment before: the guard may be about to put it back.
                for pause in 0..<5 {
                    _ = try await firewall.install(wall)
                    try await Task.sleep(for: .milliseconds(250))
                    try await takeAway(bench, backend)
                    try await Task.sleep(for: .milliseconds(25 * pause))
                    #expect(try await firewall.remove().count == 0)
                    try await Task.sleep(for: .milliseconds(backend == .iptablesLegacy ? 1200 : 300))
                    #expect(try await bench.firewall(backend).installed().count == 0, "after \(pause)")
                }
            }
        }
    }

    @Test("the last wall is the one that comes back", arguments: FirewallBackend.allCases)
    func lastWall(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(backend)
            let second = Wall(peers: FirewallBench.other, scope: .allTCP)
            try await guarded(firewall) { told in
                _ = try await firewall.install(wall)
                let installed = try await firewall.install(second)
                try await Task.sleep(for: .milliseconds(1500))
                #expect(told.restorations.isEmpty)
                // A refused one changes nothing, and other rules of ours are no better than none.
                await #expect(throws: FirewallError.self) {
                    try await firewall.install(Wall(peers: [], scope: .allTCP))
                }
                do throws(FirewallError) {
                    _ = try await bench.firewall(backend).install(wall)
                } catch {
                    // The guard may have been quicker than the reading back.
                    guard case .readbackDiffers = error else { throw error }
                }
                let isBack = await eventually(within: limit(backend)) { told.restorations.count == 1 }
                #expect(isBack)
                let fresh = try await bench.firewall(backend).installed()
                #expect(fresh.wall == second && fresh.uncounted.listing == installed.uncounted.listing)
                let found = try #require(told.restorations.first?.found)
                #expect(found.wall != second && found.count > 0)
            }
        }
    }

    @Test(
        "commands are never worked against, and others may change their own rules",
        arguments: FirewallBackend.allCases
    )
    func noInterference(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.lasting(backend)
            let second = Wall(peers: FirewallBench.other, scope: .allTCP)
            let closed = ClosedPorts(ports: [port(2181)])
            try await guarded(firewall) { told in
                let end = ContinuousClock.now + .seconds(3)
                while ContinuousClock.now < end {
                    _ = try await firewall.install(wall)
                    _ = try await firewall.close(closed, behind: wall)
                    _ = try await firewall.install(second)
                    try await Task.sleep(for: .milliseconds(60))
                    _ = try await firewall.remove()
                }
                _ = try await firewall.install(wall)
                try expectRefused(bench)
                let counters = try await firewall.installed().counters
                try #require(counters.contains { $0.packets > 0 })
                for number in 1...20 {
                    try await bench.onWalled("nft", ["add", "table", "inet", "strange\(number)"])
                    try await Task.sleep(for: .milliseconds(40))
                }
                let after = try await firewall.installed()
                #expect(told.restorations.isEmpty)
                #expect(after.wall == wall && after.counters == counters && after.restored == 0)
            }
        }
    }

    @Test(
        "a wall that cannot be put back is told once, and is put back when it can be",
        arguments: FirewallBackend.allCases
    )
    func failing(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let scratch = try Scratch()
            let text = """
                #!/bin/sh
                case "$*" in *restore*|*"-j -f"*) test -e \(scratch("broken")) && { cat > /dev/null; echo out of order >&2; exit 2; };; esac
                exec "$@"

                """
            let script = try scratch.file("launcher", Array(text.utf8), mode: 0o755)
            let firewall = bench.lasting(backend, launcher: [script])
            try await guarded(firewall) { told in
                _ = try await firewall.install(wall)
                try scratch.file("broken", [])
                try await takeAway(bench, backend)
                try await Task.sleep(for: .seconds(4))
                #expect(told.restorations.count == 1 && told.successes == 0)
                let failure = try #require(told.restorations.first)
                #expect(throws: FirewallError.self) { try failure.result.get() }
                try FileManager.default.removeItem(atPath: scratch("broken"))
                let isBack = await eventually(within: .seconds(3)) { told.successes == 1 }
                #expect(isBack && told.restorations.count == 2)
                #expect(try await bench.firewall(backend).installed().wall == wall)
                #expect(try await firewall.installed().restored == 1)
            }
        }
    }
}
