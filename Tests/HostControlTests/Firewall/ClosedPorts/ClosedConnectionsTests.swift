import ControlProtocol
import Glibc
import LabKit
import SystemCalls
import Testing
import Topology

@testable import HostControl

/// What becomes of connections of ports that are closed: both ends are told, whoever was about to say something.
@Suite(.needsNamespaces, .serialized)
struct ClosedConnectionsTests {
    private static let client = port(2181)
    private static let closed = ClosedPorts(ports: [client, port(2182)], exception: port(23_456))

    @Test("a client that waits in silence learns of it at once", arguments: FirewallBackend.allCases)
    func silentClientsLearn(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            for address in FirewallBench.walled {
                let (served, waiting) = try Self.connected(bench, address)
                let firewall = bench.firewall(backend)
                _ = try await firewall.close(Self.closed, behind: nil)
                // Three seconds without a word would be another error.
                #expect(waiting.receive() == .failed(ECONNRESET))
                _ = try await firewall.remove()
                withExtendedLifetime(served) {}
            }
        }
    }

    @Test(
        "a client that is being answered learns of it at once",
        arguments: FirewallBackend.allCases
    )
    func answeredClientsLearn(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.firewall(backend)
            for address in FirewallBench.walled {
                let (server, waiting) = try Self.connected(bench, address)
                // While rules change, the server's words and its being cut off meet in every order.
                let talker = Task {
                    await BlockingThread.run { while server.send() == .fine { usleep(100) } }
                }
                let closed = try await firewall.close(Self.closed, behind: nil)
                #expect(closed.closed == Self.closed && closed.listing.lowercased().contains("drop"))
                var ending = FirewallSocket.Ending.fine
                while ending == .fine { ending = waiting.receive() }
                #expect(ending == .failed(ECONNRESET), "\(address)")
                await talker.value
                _ = try await firewall.remove()
            }
        }
    }

    @Test(
        "where the kernel ends no connections, the host's own ends are reset as soon as they speak",
        arguments: FirewallBackend.allCases
    )
    func withoutEnding(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            for answer in [nil, 1] {
                let firewall = bench.firewall(backend) { _ in answer }
                let (server, waiting) = try Self.connected(bench, FirewallBench.walled[0])
                let closed = try await firewall.close(Self.closed, behind: FirewallBench.wall)
                #expect(closed.closed == Self.closed && closed.wall == FirewallBench.wall)
                #expect(!closed.listing.lowercased().contains("drop"))
                #expect(try await bench.firewall(backend).installed().closed == Self.closed)
                _ = server.send()
                // The reset comes from this host itself, at once.
                #expect(server.receive() == .failed(ECONNRESET))
                let opened = try await firewall.install(FirewallBench.wall)
                #expect(opened.closed == nil && opened.wall == FirewallBench.wall)
                withExtendedLifetime(waiting) {}
                _ = try await firewall.remove()
            }
        }
    }

    @Test(
        "ports that somebody opened in between are not told to have been closed",
        arguments: FirewallBackend.allCases
    )
    func reopened(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            for firewall in [bench.firewall(backend), bench.lasting(backend)] {
                let closed = try await firewall.close(Self.closed, behind: nil)
                #expect(try await firewall.stillCloses(closed))
                // What has nothing to do with them changes nothing.
                try await bench.onWalled("nft", ["add", "table", "inet", "another"])
                #expect(try await firewall.stillCloses(closed))
                let guarding = Task { await firewall.watch(unless: { false }) { _ in } }
                defer { guarding.cancel() }
                do throws(FirewallError) {
                    _ = try await bench.firewall(backend).remove()
                } catch .readbackDiffers {
                    // Removed, and put back before this one has looked.
                }
                let back = try await eventually(within: .seconds(10)) {
                    try await firewall.installed().closed == Self.closed
                }
                #expect(back)
                #expect(try await !firewall.stillCloses(closed))
                guarding.cancel()
                _ = await guarding.value
                _ = try await firewall.remove()
                try await bench.onWalled("nft", ["delete", "table", "inet", "another"])
            }
        }
    }

    private static func connected(
        _ bench: FirewallBench,
        _ address: IPAddress
    ) throws -> (server: FirewallSocket, client: FirewallSocket) {
        let listener = try FirewallSocket.listening(
            in: bench.network.namespace(of: "walled"),
            at: address,
            client
        )
        let peer = bench.network.namespace(of: "peer")
        let (waiting, ending) = try FirewallSocket.connecting(in: peer, to: address, client)
        #expect(ending == .fine)
        let served = try listener.accepted()
        #expect(FirewallSocket.exchange(waiting, served) == .fine)
        return (served, waiting)
    }
}
