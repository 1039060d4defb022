import LabKit
import Subprocess
import Testing
import Topology

@Suite("The test network", .serialized)
struct TestNetworkTests {
    static func host(_ name: String, _ number: Int) throws -> TestNetwork.Host {
        TestNetwork.Host(
            name: name,
            addresses: [
                try #require(IPAddress("198.51.100.\(number)")),
                try #require(IPAddress("2001:db8::\(number)")),
            ]
        )
    }

    /// What a TCP connection from host `a` to `address` ends in, as the name of the errno.
    static func outcome(of address: String, in network: TestNetwork) async throws -> String {
        let program = """
            import errno, socket, sys
            family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(3)
                print(errno.errorcode.get(probe.connect_ex((sys.argv[1], 9)), "connected"), end="")
            """
        let inside = ["netns", "exec", network.namespace(of: "a"), "/usr/bin/python3", "-c", program]
        return try await run(
            .name("ip"),
            arguments: Arguments(inside + [address]),
            output: .string(limit: 4096)
        ).standardOutput
    }

    static func namespaces(of network: TestNetwork) async throws -> [String] {
        let listing = try await run(
            .name("ip"),
            arguments: ["netns", "list"],
            output: .string(limit: 1 << 20)
        )
        let names = listing.standardOutput.split(separator: "\n").compactMap {
            $0.split(separator: " ").first
        }
        return names.map(String.init).filter { network.namespaces.contains($0) }
    }

    @Test("hosts reach one another at once, in both families, and nothing else", .hangLimit)
    func reach() async throws {
        let network = TestNetwork(
            prefix: "mnet\(Int.random(in: 0..<1_000_000))",
            hosts: [try Self.host("a", 1), try Self.host("b", 2)]
        )
        do {
            // The second `up` meets the first one's leftovers.
            try await network.up()
            try await network.up()
            // Nothing listens there: a refusal is an answer of the host itself.
            #expect(try await Self.outcome(of: "198.51.100.2", in: network) == "ECONNREFUSED")
            #expect(try await Self.outcome(of: "2001:db8::2", in: network) == "ECONNREFUSED")
            #expect(try await Self.outcome(of: "203.0.113.1", in: network) == "ENETUNREACH")
        } catch {
            await network.down()
            throw error
        }
        await network.down()
        #expect(try await Self.namespaces(of: network).isEmpty)
        await network.down()
    }
}
