import ControlProtocol
import LabKit
import Testing
import Topology

@testable import HostControl

/// Asked before a unit starts, with a real kernel's packet filter.
@Suite("The hold check", .needsNamespaces, .serialized, .timeLimit(.minutes(10)))
struct HoldCheckTests {
    private let scratch: Scratch
    private let run: RunID

    init() throws {
        scratch = try Scratch()
        run = try #require(RunID("run-1"))
    }

    private func orders(_ backend: FirewallBackend) -> Orders {
        Orders(
            stateDirectory: scratch.path,
            backend: backend,
            protectedPorts: FirewallBench.protectedPorts,
            areUnits: true,
            now: { 1_700_000_000_000 }
        )
    }

    private func check(_ bench: FirewallBench) -> HoldCheck {
        HoldCheck(stateDirectory: scratch.path) { bench.firewall($0, protectedPorts: $1) }
    }

    /// Without what the kernel numbers anew each time.
    private func plain(_ bench: FirewallBench) async throws -> String {
        try await bench.everything().replacing(#/# handle \d+/#, with: "")
    }

    @Test(
        "after a reboot it puts the same rules back, refuses what is held, and lets everything else start",
        arguments: FirewallBackend.allCases,
        [FirewallBench.wall, Wall(peers: FirewallBench.peer, scope: .allTCP)]
    )
    func reboot(backend: FirewallBackend, wall: Wall) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: "nft")
            let check = check(bench)
            #expect(await check.perform("zookeeper.service") == .free)
            // What an iptables leaves behind of its own, empty chains, is there before.
            _ = try await bench.firewall(backend).install(wall)
            _ = try await bench.firewall(backend).remove()
            let clear = try await plain(bench)

            try await orders(backend).keep(wall, for: run, holding: ["zookeeper.service"])
            let stood = try await bench.firewall(backend, protectedPorts: FirewallBench.protectedPorts)
                .install(wall)
            let before = try await plain(bench)
            #expect(before != clear)
            // Where the wall stands nothing is changed, not even made anew.
            let withHandles = try await bench.everything()
            #expect(await check.perform("kafka.service") == .walled)
            #expect(try await bench.everything() == withHandles)

            // As after a reboot: nothing of ours is left.
            _ = try await bench.firewall(backend).remove()
            #expect(try await bench.firewall(backend).installed().count == 0)
            guard case .refused(let reason) = await check.perform("zookeeper.service") else {
                Issue.record("it may start")
                return
            }
            #expect(
                reason.contains("run run-1 holds zookeeper.service back since 2023-11-14T22:13:20Z"),
                "\(reason)"
            )
            #expect(reason.contains("`mitosis run`") && reason.contains("mitosis-agent orders drop"))
            let back = try await bench.firewall(backend).installed()
            #expect(back.wall == wall && back.uncounted == stood.uncounted)
            #expect(try await plain(bench) == before)

            // Released: it starts behind its wall.
            _ = try await bench.firewall(backend).remove()
            try await orders(backend).release("zookeeper.service")
            #expect(await check.perform("zookeeper.service") == .walled)
            #expect(try await plain(bench) == before)

            _ = try await orders(backend).end { () async throws(FirewallError) in
                try await bench.firewall(backend).remove()
            }
            #expect(await check.perform("zookeeper.service") == .free)
            #expect(try await plain(bench) == clear)
        }
    }

    @Test(
        "ports that an agent closed before it died give way to the wall",
        arguments: FirewallBackend.allCases
    )
    func closedPorts(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await orders(backend).keep(FirewallBench.wall, for: run, holding: ["a"])
            _ = try await bench.firewall(backend).close(
                ClosedPorts(ports: [port(2181)], exception: nil),
                behind: nil
            )
            guard case .refused = await check(bench).perform("a") else {
                Issue.record("it may start")
                return
            }
            let found = try await bench.firewall(backend).installed()
            #expect(found.wall == FirewallBench.wall && found.closed == nil)
        }
    }

    @Test("where the wall cannot be put back nothing starts, held or not")
    func unwalled() async throws {
        try await FirewallBench.run { bench in
            try await orders(.nftables).keep(FirewallBench.wall, for: run, holding: [])
            // No such namespace: its programs fail.
            let broken = HoldCheck(stateDirectory: scratch.path) {
                HostFirewall(
                    backend: $0,
                    protectedPorts: $1,
                    launcher: ["/usr/sbin/ip", "netns", "exec", "none-of-ours"]
                )
            }
            guard case .refused(let reason) = await broken.perform("a") else {
                Issue.record("it may start")
                return
            }
            #expect(reason.contains("its rules cannot be put back"), "\(reason)")
            #expect(await check(bench).perform("a") == .walled)
        }
    }
}
