import ControlProtocol
import FoundationEssentials
import Procedure
import Testing
import Topology

@Suite("What people read of commands")
struct CommandSummaryTests {
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

    @Test("walls name their peers and what they close")
    func walls() throws {
        let ports = Wall.Scope.ports(numbers: try [3888, 2888].map { try #require(Port($0)) })
        #expect(
            Command.installWall(wall: try Self.wall(ports)).summary
                == "install the wall against 198.51.100.12, 2001:db8::11, TCP ports 2888, 3888"
        )
        #expect(
            Command.installWall(wall: try Self.wall(ports), holding: ["zookeeper"]).summary
                == "install the wall against 198.51.100.12, 2001:db8::11, TCP ports 2888, 3888, and hold zookeeper back"
        )
        #expect(Command.removeWall.summary == "remove the wall")
        #expect(
            Command.sever(wall: try Self.wall(.allTCP)).summary
                == "end every connection with 198.51.100.12, 2001:db8::11, all TCP but the protected ports"
        )
        let detach = { (pid: Int32?) in
            DetachRequest(service: "zookeeper", pid: pid, wall: try Self.wall(.allTCP), seconds: 60)
        }
        #expect(
            Command.detach(request: try detach(7)).summary
                == "detach zookeeper (pid 7), then the wall against 198.51.100.12, 2001:db8::11, "
                + "all TCP but the protected ports"
        )
        #expect(
            Command.detach(request: try detach(nil)).summary
                == "detach zookeeper, then the wall against 198.51.100.12, 2001:db8::11, "
                + "all TCP but the protected ports"
        )
    }

    @Test("files are named with their size and the beginning of both digests")
    func files() {
        #expect(
            Self.write(replacing: nil).summary
                == "write /etc/zoo.cfg, 14 bytes, sha256 57df783d2597, replacing sha256 (absent)"
        )
        #expect(
            Self.write(replacing: String(repeating: "0a", count: 32)).summary
                == "write /etc/zoo.cfg, 14 bytes, sha256 57df783d2597, replacing sha256 0a0a0a0a0a0a"
        )
        #expect(
            Command.restoreFile(restore: FileRestore(path: "/etc/zoo.cfg")).summary
                == "restore /etc/zoo.cfg byte for byte"
        )
    }

    @Test(
        "services are named with what is done to them",
        arguments: [
            (.start, nil, "start zookeeper"), (.stop, nil, "stop zookeeper"),
            (.restart, nil, "restart zookeeper"), (.restart, 7, "restart zookeeper, replacing pid 7"),
        ] as [(ServiceRequest.Action, Int32?, String)]
    )
    func services(_ action: ServiceRequest.Action, _ pid: Int32?, _ text: String) {
        let request = ServiceRequest(service: "zookeeper", action: action, replacing: pid)
        #expect(Command.service(request: request).summary == text)
    }

    @Test("what is done to a server's data")
    func data() {
        #expect(Command.discardCopy.summary == "remove the copy of the data")
        #expect(
            Command.setAside(request: SetAsideRequest(service: "zookeeper")).summary
                == "move the data of zookeeper aside"
        )
    }
}
