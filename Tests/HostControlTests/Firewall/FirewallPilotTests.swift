import ControlProtocol
import LabKit
import Testing
import Topology

@testable import HostControl

/// A wall that is put up and removed for a trial, on a real kernel.
@Suite("A wall for a trial", .needsNamespaces, .serialized)
struct FirewallPilotTests {
    private let pilot = Wall.pilot(peers: 3, scope: .ports(numbers: [port(2888), port(3888)]))

    @Test(
        "it stands, is read back, and nothing is left; others' rules are as before",
        arguments: FirewallBackend.allCases
    )
    func standsAndGoes(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            try await bench.putForeignRules(iptables: "nft")
            try await bench.putForeignIptables("legacy")
            let handles = #/# handle \d+/#
            let before = try await bench.everything().replacing(handles, with: "")
            let report = try await bench.firewall(backend).pilot(pilot)
            #expect(report.backend == backend && report.rules > 0)
            #expect(try await bench.firewall(backend).installed().count == 0)
            #expect(try await bench.everything().replacing(handles, with: "") == before)
        }
    }

    @Test("where a wall stands it is refused, and the wall is as it was", arguments: FirewallBackend.allCases)
    func refused(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let standing = try await bench.firewall(backend).install(FirewallBench.wall)
            await #expect(throws: FirewallError.self) { try await bench.firewall(backend).pilot(pilot) }
            #expect(try await bench.firewall(backend).installed().uncounted == standing.uncounted)
            // In another backend, too.
            let other: FirewallBackend = backend == .nftables ? .iptablesLegacy : .nftables
            await #expect(throws: FirewallError.self) { try await bench.firewall(other).pilot(pilot) }
        }
    }

    @Test(
        "one that an agent left when it was killed goes when the next one starts",
        arguments: FirewallBackend.allCases
    )
    func leftBehind(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let left = try await bench.firewall(backend).install(pilot)
            #expect(left.wall == pilot && pilot.isPilot)
            let opened = try #require(try await bench.firewall(backend).openPorts())
            #expect(opened.count == 0)
            #expect(try await bench.firewall(backend).installed().count == 0)
        }
    }
}
