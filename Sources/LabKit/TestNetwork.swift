internal import Subprocess
internal import SystemCalls
internal import SystemPackage
package import Topology

/// What went wrong while a test network was made or used.
package enum TestNetworkError: Error, CustomStringConvertible {
    /// `ip` could not be run, or refused.
    case refused(step: String, diagnostics: String)

    package var description: String {
        switch self {
        case .refused(let step, let diagnostics):
            "the test network could not be made (\(step)): \(diagnostics); "
                + "it needs root, iproute2 and a kernel with namespaces, veth and bridge"
        }
    }
}

/// Hosts as network namespaces on one bridge, which has a namespace of its own.
///
/// Nothing is attached to the root namespace and there is no default route: a host reaches the other
/// hosts of its network and nothing else. `up` first removes what an earlier, crashed run left under the
/// same names; `down` tolerates whatever part is missing.
package struct TestNetwork: Sendable {
    /// One host: `eth0` in a namespace of its own, with these addresses (/24 and /64, on-link).
    package struct Host: Sendable, Hashable {
        package let name: String
        package let addresses: [IPAddress]

        package init(name: String, addresses: [IPAddress]) {
            self.name = name
            self.addresses = addresses
        }
    }

    package let prefix: String
    package let hosts: [Host]

    package init(prefix: String, hosts: [Host]) {
        self.prefix = prefix
        self.hosts = hosts
    }

    /// The name that `ip netns` knows the host's namespace by.
    package func namespace(of host: String) -> String { "\(prefix)-\(host)" }

    /// The bridge's namespace; a dot, so that no host's name can be the same.
    package var hub: String { "\(prefix).hub" }

    /// Every namespace of this network, the bridge's first.
    package var namespaces: [String] { [hub] + hosts.map { namespace(of: $0.name) } }

    package func up() async throws {
        await down()
        do {
            try await make()
        } catch {
            await down()
            throw error
        }
    }

    private func make() async throws {
        try await batch(namespaces.map { "netns add \($0)" }, in: nil)
        var bridge = [
            "link set lo up",
            "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            "link set br0 addrgenmode none",
            "link set br0 up",
        ]
        for (index, host) in hosts.enumerated() {
            bridge.append("link add p\(index) type veth peer name eth0 netns \(namespace(of: host.name))")
            bridge.append("link set p\(index) addrgenmode none master br0")
            bridge.append("link set p\(index) up")
        }
        try await batch(bridge, in: hub)
        for host in hosts {
            let addresses = host.addresses.map { address in
                switch address.family {
                case .ipv4: "addr add \(address)/24 dev eth0"
                // Without nodad an address is unusable for a second after it was given.
                case .ipv6: "addr add \(address)/64 dev eth0 nodad"
                }
            }
            try await batch(
                ["link set lo up", "link set eth0 addrgenmode none"] + addresses + ["link set eth0 up"],
                in: namespace(of: host.name)
            )
        }
    }

    /// Cuts a host off from all others, or connects it again.
    package func setLink(of host: String, up: Bool) async throws {
        guard let index = hosts.firstIndex(where: { $0.name == host }) else { return }
        try await batch(["link set p\(index) \(up ? "up" : "down")"], in: hub)
    }

    /// Removes every namespace of this network; processes inside must have been ended by their owner.
    package func down() async {
        for name in namespaces {
            // A missing namespace is what is wanted; one that cannot be removed fails the next `up`.
            do { _ = try await Self.ip(["netns", "delete", name]) } catch { continue }
        }
    }

    private func batch(_ lines: [String], in namespace: String?) async throws {
        let target = namespace.map { ["-netns", $0] } ?? []
        let answer = try await Self.ip(target + ["-batch", "-"], input: lines.joined(separator: "\n") + "\n")
        guard answer.succeeded else {
            throw TestNetworkError.refused(
                step: namespace ?? "making the namespaces",
                diagnostics: answer.diagnostics
            )
        }
    }

    private static func ip(
        _ arguments: [String],
        input: String = ""
    ) async throws -> (succeeded: Bool, diagnostics: String) {
        // Written before it begins: it may end before it reads.
        let given = FileDescriptor(rawValue: try PrivatePipe.holding(Array(input.utf8)))
        let result = try await run(
            .name("ip"),
            arguments: Arguments(arguments),
            input: .fileDescriptor(given, closeAfterSpawningProcess: true),
            output: .discarded,
            error: .string(limit: 65_536)
        )
        return (result.terminationStatus.isSuccess, result.standardError)
    }
}
