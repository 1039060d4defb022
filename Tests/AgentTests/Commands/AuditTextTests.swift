import ControlProtocol
import Foundation
import Testing
import Topology

@testable import AgentServer

@Suite("What the audit trail says of commands")
struct AuditTextTests {
    private static let digest = "57df783d2597da1fce4e040eace1407f468e1283f522aa788eb28754653adf27"

    private static func wall(_ scope: Wall.Scope) throws -> Wall {
        Wall(
            peers: try ["198.51.100.12", "2001:db8::11"].map { try #require(IPAddress($0)) },
            scope: scope
        )
    }

    private static func write(replacing expected: String?) -> Command {
        let content = Data("tickTime=2000\n".utf8)
        return .writeFile(write: FileWrite(path: "/etc/zoo.cfg", expected: expected, content: content))
    }

    @Test("walls come with their peers and what they close")
    func walls() throws {
        let ports = Wall.Scope.ports(numbers: try [3888, 2888].map { try #require(Port($0)) })
        #expect(
            AuditText.of(.installWall(wall: try Self.wall(ports)))
                == "install wall peers=198.51.100.12,2001:db8::11 scope=2888,3888"
        )
        #expect(AuditText.of(.removeWall) == "remove wall")
        #expect(
            AuditText.of(.sever(wall: try Self.wall(.allTCP)))
                == "sever connections peers=198.51.100.12,2001:db8::11 scope=all-tcp"
        )
        let detach = { (pid: Int32?) in
            Command.detach(
                request: DetachRequest(
                    service: "zookeeper",
                    pid: pid,
                    wall: try Self.wall(.allTCP),
                    seconds: 60
                )
            )
        }
        #expect(
            AuditText.of(try detach(7))
                == "detach zookeeper pid=7 seconds=60 wall peers=198.51.100.12,2001:db8::11 scope=all-tcp"
        )
        #expect(
            AuditText.of(try detach(nil))
                == "detach zookeeper pid=(none) seconds=60 wall peers=198.51.100.12,2001:db8::11 scope=all-tcp"
        )
    }

    @Test("files come with both digests in full, and never with what is in them")
    func files() {
        #expect(
            AuditText.of(Self.write(replacing: nil)) == "write /etc/zoo.cfg from=(absent) to=\(Self.digest)"
        )
        let old = String(repeating: "0a", count: 32)
        #expect(
            AuditText.of(Self.write(replacing: old)) == "write /etc/zoo.cfg from=\(old) to=\(Self.digest)"
        )
        #expect(AuditText.of(.restoreFile(restore: FileRestore(path: "/a b"))) == "restore /a b")
    }

    @Test(
        "services come with what is done to them",
        arguments: [
            (.start, nil, "start zookeeper"), (.stop, nil, "stop zookeeper"),
            (.restart, nil, "restart zookeeper"), (.restart, 7, "restart zookeeper replacing=7"),
        ] as [(ServiceRequest.Action, Int32?, String)]
    )
    func services(_ action: ServiceRequest.Action, _ pid: Int32?, _ text: String) {
        let request = ServiceRequest(service: "zookeeper", action: action, replacing: pid)
        #expect(AuditText.of(.service(request: request)) == text)
    }

    @Test("what is done to a server's data")
    func data() {
        #expect(AuditText.of(.discardCopy) == "discard the copy of the data")
        #expect(
            AuditText.of(.setAside(request: SetAsideRequest(service: "zookeeper")))
                == "set aside the data of zookeeper"
        )
    }

    @Test("the removal of hand-made rules comes with its addresses, of very many with the first of them")
    func handMade() throws {
        let few = try ["2001:db8::11", "198.51.100.12"].map { try #require(IPAddress($0)) }
        #expect(
            AuditText.of(.removeHandMadeRules(request: HandMadeRequest(addresses: few)))
                == "remove hand-made rules addresses=198.51.100.12,2001:db8::11"
        )
        let many = try (0..<4096).map { try #require(IPAddress("198.18.\($0 / 256).\($0 % 256)")) }
        let text = AuditText.of(.removeHandMadeRules(request: HandMadeRequest(addresses: many)))
        #expect(text.hasSuffix(",198.18.0.63,and 4032 more") && text.count < 1000)
    }

    @Test("outcomes come with the reason")
    func outcomes() {
        let result = CommandResult.data(report: DataReport(path: nil))
        #expect(AuditText.of(.done(result: result)) == "done")
        #expect(
            AuditText.of(.refused(refusal: .fileChanged(path: "/f", expected: "ab", found: nil)))
                == "refused: /f has digest (absent), not ab; somebody else changed it"
        )
        #expect(AuditText.of(.failed(message: "the disk is full")) == "failed: the disk is full")
    }

    @Test(
        "what an agent is too busy for is told apart, and what differs each time is left out",
        arguments: [
            (503, "the agent is stopping; nothing was done", "refused: the agent is stopping"),
            (
                503, "too many commands wait for their turn (8 of this run, 8 in all); nothing was done",
                "refused: too many commands wait for their turn"
            ),
            (
                503, "too many large bodies are under way; nothing was done",
                "refused: too many large bodies are under way"
            ),
            (429, "viewer/v asks too often; ask again in a while", "refused: viewer/v asks too often"),
            (500, "disk; full", "failed with status 500"),
        ]
    )
    func busy(_ status: Int, _ told: String, _ text: String) {
        #expect(RequestText.outcome(.error(status, told, retryAfter: 1)) == text)
    }

    @Test("equal commands have one digest, others another")
    func digests() throws {
        let first = try CommandDigest.of(Self.write(replacing: nil))
        #expect(try CommandDigest.of(Self.write(replacing: nil)) == first)
        #expect(try CommandDigest.of(Self.write(replacing: "ab")) != first)
    }
}
