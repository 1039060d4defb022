import AgentServer
import ControlProtocol
import Testing
import Topology

@Suite("What an agent's configuration allows")
struct AllowListTests {
    @Test(
        "address blocks contain what their prefix says",
        arguments: [
            ("198.51.100.0/24", "198.51.100.255", true), ("198.51.100.0/24", "198.51.101.0", false),
            ("198.51.100.8/29", "198.51.100.15", true), ("198.51.100.8/29", "198.51.100.16", false),
            ("2001:db8::/64", "2001:db8::ffff:1", true), ("2001:db8::/64", "2001:db8:0:1::1", false),
            ("2001:db8::7", "2001:db8::7", true), ("0.0.0.0/0", "203.0.113.1", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "198.51.100.1", false),
        ]
    )
    func blocks(block: String, address: String, isInside: Bool) throws {
        let block = try #require(AddressBlock(block))
        #expect(block.contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(
        "what is not a block is refused",
        arguments: ["198.51.100.1/24", "198.51.100.0/33", "a/8", "1.2.3.4/", "::/129", "1.2.3.4/+8"]
    )
    func notABlock(text: String) {
        #expect(AddressBlock(text) == nil)
    }

    @Test("a wall may hit listed peers only, and never a protected port")
    func wall() throws {
        let allow = AllowList(
            peers: [try #require(AddressBlock("198.51.100.0/24"))],
            files: ["/etc/zoo.cfg"],
            services: ["zookeeper"],
            protectedPorts: [try #require(Port(22)), try #require(Port(9760))]
        )
        #expect(allow.objection(to: try Sample.wall()) == nil)
        #expect(isNotAllowed(allow.objection(to: try Sample.wall("203.0.113.1"))))
        #expect(isNotAllowed(allow.objection(to: try Sample.wall(ports: [2888, 9760]))))
        #expect(isNotAllowed(allow.objection(to: try Sample.wall(ports: [22]))))
        #expect(isNotAllowed(allow.objection(toFile: "/etc/zoo.cfg2")))
        #expect(isNotAllowed(allow.objection(toFile: "/etc/../etc/zoo.cfg")))
        #expect(isNotAllowed(allow.objection(to: .service(request: .init(service: "ssh", action: .stop)))))
        #expect(
            allow.objection(to: Wall(peers: [], scope: .allTCP))
                == .invalid(reason: "a wall needs at least one peer address")
        )
    }

    @Test("hand-made rules are looked for and removed against listed peers and the agent's own address only")
    func handMade() throws {
        let allow = AllowList(
            peers: [try #require(AddressBlock("198.51.100.0/24"))],
            files: [],
            services: [],
            protectedPorts: [],
            own: IPAddress("203.0.113.9")
        )
        func objection(_ addresses: String...) throws -> Refusal? {
            let request = HandMadeRequest(addresses: try addresses.map { try #require(IPAddress($0)) })
            #expect(
                allow.objection(to: .removeHandMadeRules(request: request)) == allow.objection(to: request)
            )
            return allow.objection(to: request)
        }
        #expect(try objection("198.51.100.7", "198.51.100.8", "203.0.113.9") == nil)
        let refusal = try #require(try objection("198.51.100.7", "203.0.113.1"))
        #expect(
            isNotAllowed(refusal) && refusal.description.contains("203.0.113.1 is in none of firewall.peers")
        )
        #expect(isNotAllowed(try objection("2001:db8::1")))
    }

    private func isNotAllowed(_ refusal: Refusal?) -> Bool {
        guard case .notAllowed = refusal else { return false }
        return true
    }
}
