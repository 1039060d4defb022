import ControlProtocol
import LabKit
import Subprocess
import Synchronization
import Testing
import Topology

@testable import HostControl

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Three hosts on one network, each a network namespace: `walled` gets the rules, `peer` is cut off,
/// `other` must notice nothing.
struct FirewallBench: Sendable {
    static let agentPort = port(9760)
    static let protectedPorts = [port(22), agentPort]

    let network: TestNetwork

    static let walled = [address("198.51.100.1"), address("2001:db8::1")]
    static let peer = [
        address("198.51.100.2"), address("198.51.100.22"), address("2001:db8::2"), address("2001:db8::22"),
    ]
    static let other = [address("198.51.100.3"), address("2001:db8::3")]

    /// By ports, with both families.
    static let wall = Wall(peers: peer, scope: .ports(numbers: [port(2888), port(3888)]))

    private static let counter = Atomic<Int>(0)

    /// Makes the network, runs the body and takes the network down whatever happened.
    static func run(_ body: (FirewallBench) async throws -> Void) async throws {
        let number = counter.add(1, ordering: .relaxed).newValue
        let hosts = [("walled", walled), ("peer", peer), ("other", other)]
        let network = TestNetwork(
            prefix: "fw\(getpid())x\(number)",
            hosts: hosts.map { TestNetwork.Host(name: $0.0, addresses: $0.1) }
        )
        try await network.up()
        do {
            try await body(FirewallBench(network: network))
        } catch {
            await network.down()
            throw error
        }
        await network.down()
    }

    /// As an agent on `walled` has it; each call is a fresh one without any memory.
    func firewall(
        _ backend: FirewallBackend,
        protectedPorts: [Port] = protectedPorts,
        seconds: Int = 10,
        ending: (@Sendable (CutConnections) -> Int?)? = nil
    ) -> HostFirewall {
        HostFirewall(
            backend: backend,
            protectedPorts: protectedPorts,
            launcher: launcher,
            seconds: seconds,
            ending: ending ?? self.ending
        )
    }

    /// As an agent on `walled` ends them.
    private var ending: @Sendable (CutConnections) -> Int? {
        let namespace = network.namespace(of: "walled")
        return { cut in
            do {
                return try FirewallSocket.inside(namespace) { SocketDiagnosis.end(cut) }
            } catch {
                return nil
            }
        }
    }

    var launcher: [String] {
        [PacketTools.path(of: "ip") ?? "ip", "netns", "exec", network.namespace(of: "walled")]
    }

    /// Runs a program on `walled`, which must succeed, and gives its output.
    @discardableResult
    func onWalled(_ program: String, _ arguments: [String] = [], input: String = "") async throws -> String {
        let path = try #require(PacketTools.path(of: program))
        let answer = try await PacketTools(launcher: launcher).run(path, arguments, input: input)
        try #require(answer.status.isSuccess, "\(answer.command): \(answer.diagnostics)\n\(input)")
        return answer.output
    }

    /// Everything that anybody has installed on `walled`, with nft's handles, without packet counts.
    func everything() async throws -> String {
        var text = try await onWalled("nft", ["-a", "-s", "list", "ruleset"])
        for family in ["iptables", "ip6tables"] {
            let names = family == "iptables" ? "ip_tables_names" : "ip6_tables_names"
            // Reading a legacy table would create it.
            let tables = try await onWalled("cat", ["/proc/net/\(names)"])
            text += "\(family) legacy tables: \(tables)\n"
            if !tables.isEmpty { text += try await onWalled("\(family)-legacy-save") }
            text += try await onWalled("\(family)-nft-save")
        }
        return text.split(separator: "\n").filter {
            !$0.hasPrefix("# Generated") && !$0.hasPrefix("# Completed")
        }
        .map { $0.replacing(#/\[\d+:\d+\]/#, with: "[0:0]") }
        .joined(separator: "\n")
    }

    static func requirement() -> Bool {
        if getenv("CI").map({ String(cString: $0) }) == "true" { return true }
        let programs = ["ip", "nft", "iptables-nft-restore", "iptables-legacy-restore", "ip6tables-nft-save"]
        return geteuid() == 0 && programs.allSatisfy { PacketTools.path(of: $0) != nil }
    }
}

extension FirewallBench {
    /// As an agent on `walled` asks for them.
    var names: @Sendable () -> RulesetNames? {
        let namespace = network.namespace(of: "walled")
        return {
            do { return try FirewallSocket.inside(namespace) { RulesetNames.read() } } catch {
                return nil
            }
        }
    }

    /// Knows the generation of the rules on `walled`, as an agent there does.
    func lasting(_ backend: FirewallBackend, launcher first: [String] = []) -> HostFirewall {
        let namespace = network.namespace(of: "walled")
        return HostFirewall(
            backend: backend,
            protectedPorts: Self.protectedPorts,
            launcher: first + launcher,
            generation: {
                do { return try FirewallSocket.inside(namespace) { RulesetGeneration.read() } } catch {
                    return nil
                }
            },
            names: names,
            legacy: legacy,
            ending: ending
        )
    }

    /// As an agent on `walled` asks for them.
    var legacy: @Sendable () -> LegacyFigures? {
        let namespace = network.namespace(of: "walled")
        return {
            do { return try FirewallSocket.inside(namespace) { LegacyFigures.read() } } catch { return nil }
        }
    }
}

extension InstalledRules {
    /// Without what depends on the packets that happened to pass.
    var uncounted: InstalledRules {
        InstalledRules(
            backend: backend,
            wall: wall,
            closed: closed,
            count: count,
            counters: counters.map {
                Counter(chain: $0.chain, family: $0.family, packets: 0, bytes: 0)
            },
            listing: listing.replacing(#/packets \d+ bytes \d+|\[\d+:\d+\]/#, with: ""),
            restored: restored
        )
    }
}

/// Test data is written by hand; a typing mistake in it may end the test run.
func address(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("\(text) is no address") }
    return address
}

func port(_ number: Int) -> Port {
    guard let port = Port(number) else { preconditionFailure("\(number) is no port") }
    return port
}

extension Trait where Self == ConditionTrait {
    /// Skips, visibly, where network namespaces cannot be had; never in CI.
    static var needsNamespaces: Self {
        .enabled("needs root, iproute2, nft and both kinds of iptables") { FirewallBench.requirement() }
    }
}
