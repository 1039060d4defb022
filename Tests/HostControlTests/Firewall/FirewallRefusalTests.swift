import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@testable import HostControl

/// What never reaches the kernel, and what is said about what went wrong there.
@Suite struct FirewallRefusalTests {
    private let check = WallCheck(protectedPorts: [port(9760), port(22)])

    private func refusal(_ wall: Wall) -> Refusal? {
        do throws(FirewallError) {
            _ = try check.accepted(wall)
            return nil
        } catch {
            switch error {
            case .refused(let refusal): return refusal
            case .backendMissing, .commandFailed, .timedOut, .lockTimeout, .unreadable, .notSaved,
                .readbackDiffers:
                return nil
            }
        }
    }

    @Test("a wall without peers, or by no ports, is refused")
    func empty() {
        #expect(refusal(Wall(peers: [], scope: .allTCP)) != nil)
        #expect(refusal(Wall(peers: [address("198.51.100.1")], scope: .ports(numbers: []))) != nil)
        #expect(refusal(Wall(peers: [address("198.51.100.1")], scope: .allTCP)) == nil)
    }

    @Test(
        "an address that cannot be a peer is refused, and named",
        arguments: [
            "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255",
            "::", "::1", "ff02::1", "::ffff:198.51.100.1",
        ]
    )
    func badPeer(text: String) {
        let reason = refusal(Wall(peers: [address("198.51.100.1"), address(text)], scope: .allTCP))?
            .description
        #expect(reason?.hasPrefix("\(address(text)) cannot be a peer") == true)
    }

    @Test("the host's own addresses are refused as peers")
    func ownAddress() throws {
        let own = try HostAddresses.current()
        #expect(own.contains(address("127.0.0.1")))
        for peer in own {
            let reason = refusal(Wall(peers: [peer], scope: .allTCP))?.description ?? ""
            #expect(reason.contains("\(peer) cannot be a peer: it is this host's own address"))
        }
    }

    @Test("the agent's port and SSH are refused by number")
    func protectedPorts() {
        for number in [22, 9760] {
            let wall = Wall(
                peers: [address("198.51.100.1")],
                scope: .ports(numbers: [port(2888), port(number)])
            )
            let reason = refusal(wall)?.description ?? ""
            #expect(reason.contains("refuses to match its own port") && reason.contains("(\(number))"))
        }
    }

    @Test("a wall decoded out of order is put in order")
    func decoded() throws {
        let json = #"{"peers":["198.51.100.2","198.51.100.1","198.51.100.2"],"scope":{"allTCP":{}}}"#
        let wall = try JSONDecoder().decode(Wall.self, from: Data(json.utf8))
        #expect(try check.accepted(wall).peers == [address("198.51.100.1"), address("198.51.100.2")])
    }

    @Test("a program that does not end is stopped after its time")
    func endless() async throws {
        let start = ContinuousClock.now
        await #expect {
            _ = try await PacketTools(seconds: 1).run("/usr/bin/sleep", ["30"])
        } throws: { error in
            error as? FirewallError == .timedOut(command: "/usr/bin/sleep 30", seconds: 1)
        }
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("a program that fails is quoted with its status and message")
    func failing() async throws {
        let answer = try await PacketTools().run("/usr/bin/ls", ["/nowhere"])
        let text = answer.failure.description
        #expect(text.contains("/usr/bin/ls /nowhere") && text.contains("2") && text.contains("No such file"))
        await #expect(throws: FirewallError.self) { _ = try await PacketTools().run("/nowhere/nft", []) }
    }

    @Test("a change under way is finished though its caller was cancelled")
    func cancelled() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await PacketTools().run("/usr/bin/cat", [], input: "still read\n").output
        }
        #expect(try await task.value == "still read\n")
    }

    @Test("a difference is told with both sides")
    func difference() {
        let desired = Wall(peers: [address("198.51.100.1")], scope: .ports(numbers: [port(2888)]))
        let found = InstalledRules(
            backend: .nftables,
            wall: nil,
            count: 3,
            counters: [],
            listing: "table inet mitosis {"
        )
        let text = FirewallError.readbackDiffers(desired: desired, found: found).description
        #expect(text.contains("2888") && text.contains("198.51.100.1") && text.contains("no intact wall"))
        #expect(text.contains("3 rules") && text.contains("table inet mitosis {"))
    }
}
