import AgentServer
import ControlProtocol
import Testing
import Topology

@Suite("A wall for a trial, as an agent takes it")
struct PilotWallTests {
    private static func allow() throws -> AllowList {
        AllowList(
            peers: [try #require(AddressBlock("10.0.0.0/8"))],
            files: [],
            services: [],
            protectedPorts: [try #require(Port(22)), try #require(Port(9760))]
        )
    }

    private static func isRefused(_ command: Command) throws -> Bool {
        guard case .notAllowed? = try allow().objection(to: command) else { return false }
        return true
    }

    private static func ports(_ numbers: Int...) throws -> Wall.Scope {
        .ports(numbers: try numbers.map { try #require(Port($0)) })
    }

    @Test("its addresses need no permission, and no others are taken, nor a protected port")
    func allowed() throws {
        let pilot = Wall.pilot(peers: 3, scope: try Self.ports(2888, 3888))
        #expect(pilot.peers.count == 6 && pilot.isPilot)
        #expect(try Self.allow().objection(to: .pilotWall(wall: pilot)) == nil)
        #expect(try Self.isRefused(.installWall(wall: pilot)))
        for text in ["10.0.0.1", "198.51.100.1", "192.0.3.1", "2001:db8::1", "2001:db8:6d68::1"] {
            let peers = pilot.peers + [try #require(IPAddress(text))]
            let mixed = Wall(peers: peers, scope: pilot.scope)
            #expect(!mixed.isPilot)
            #expect(try Self.isRefused(.pilotWall(wall: mixed)), "\(text)")
        }
        #expect(
            try Self.isRefused(.pilotWall(wall: Wall.pilot(peers: 1, scope: try Self.ports(2888, 9760))))
        )
        #expect(try Self.isRefused(.pilotWall(wall: Wall(peers: [], scope: .allTCP))))
    }
}
