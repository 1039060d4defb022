import ControlProtocol
import Drafting
import Settings
import TestSupport
import Testing
import Topology

@Suite("A plan drafted from what agents say")
struct DraftTests {
    private func name(_ text: String) throws -> HostName { try #require(HostName(text)) }

    @Test("a set-up in which nothing is missing becomes a whole plan, without a question")
    func whole() throws {
        let file = try Scene.usual.draft()
        #expect(file.questions.isEmpty && file.remarks.isEmpty, "\(file.questions) \(file.remarks)")
        let plan = try Scene.plan(file)
        #expect(plan.name == "shared" && plan.strategy == .participants)
        #expect(plan.source.map(\.id.value) == [1, 2, 3] && plan.destination.map(\.id.value) == [4, 5, 6])
        #expect(plan.source.map(\.address) == ["198.51.100.11", "198.51.100.12", "198.51.100.13"])
        #expect(plan.source[0].allAddresses.map(\.description) == ["198.51.100.11", "2001:db8::11"])
        #expect(plan.destination.map(\.host.description) == ["d1", "d2", "d3"])
        #expect(plan.kafka?.chroot == "/kafka")
        #expect(
            plan.brokers.map(\.id.value) == [1, 2] && plan.brokers.map(\.host.description) == ["k1", "k2"]
        )
        #expect(plan.pki.directory == "/plans/pki" && plan.pki.coordinator == "ops")
        #expect(
            file.text.contains(
                "# ZooKeeper 3.8.0; sessions of 4000 to 40000 ms (tickTime 2000)\n  servers:\n"
                    + "    # follower, 3989 nodes, 12 MB on disk, 9000 MB free\n    - {id: 1, host: s1, address: 198.51.100.11, "
            ),
            "\(file.text)"
        )
        #expect(!file.text.contains("defaults:") && !file.text.contains("deadlines:"))
    }

    @Test("with the inventory to refer to, the same plan repeats nothing of it")
    func referring() throws {
        let folder = try TemporaryFolder()
        let inventory = try folder.write(Scene.usual.inventoryText, to: "hosts.yaml")
        let place = DraftPlace(
            plan: folder.path + "/p.yaml",
            inventory: "./hosts.yaml",
            pkiDirectory: "./pki"
        )
        let file = try Scene.usual.draft(standalone: false, place: place)
        #expect(file.questions.isEmpty, "\(file.questions)")
        #expect(
            file.text.contains("inventory: \"./hosts.yaml\"\n")
                || file.text.contains("inventory: ./hosts.yaml\n")
        )
        #expect(!file.text.contains("pki:") && !file.text.contains("address:"))
        let plan = try PlanReader.read(path: try folder.write(file.text, to: "p.yaml"))
        let other = try Scene.plan(Scene.usual.draft())
        #expect(plan.source.map(\.allAddresses) == other.source.map(\.allAddresses))
        #expect(plan.servers.map(\.member) == other.servers.map(\.member))
        #expect(plan.sharedInventory?.file == inventory)
    }

    @Test("an inventory that says something else than the hosts is not referred to, and the reason is told")
    func disagreement() throws {
        var scene = Scene.usual
        scene.lines["s2"] = "address: s2.example, addresses: [198.51.100.12]"
        let file = try scene.draft(standalone: false)
        #expect(file.questions.isEmpty, "\(file.questions)")
        #expect(
            file.remarks == [
                "the plan carries its hosts itself: s2 is 198.51.100.12 in server lines and s2.example in the inventory"
            ]
        )
        let server = try #require(try Scene.plan(file).source.first { $0.id.value == 2 })
        #expect(server.address == "198.51.100.12" && server.agentAddress == "s2.example")
    }

    @Test("odd paths, units and ports stand where they differ, and under defaults where all have them")
    func oddities() throws {
        var scene = Scene.usual
        for name in scene.servers.keys {
            scene.servers[name]?.service = "zk@shared.service"
            scene.servers[name]?.settings = "clientPort=2185\ndataDir=/data\n"
        }
        scene.servers["s2"]?.config = "/srv/zk conf/#2: \"two\"\\zoo.cfg"
        scene.brokers["k2"]?.service = "kafka-b.service"
        scene.brokers["k2"]?.config = "/opt/kafka/b.properties"
        let file = try scene.draft()
        #expect(file.questions.isEmpty, "\(file.questions)")
        #expect(
            file.text.contains("defaults:\n  client_port: 2185\n  service: \"zk@shared.service\"\n"),
            "\(file.text)"
        )
        let plan = try Scene.plan(file)
        #expect(plan.servers.allSatisfy { $0.clientPort.number == 2185 && $0.service == "zk@shared.service" })
        #expect(plan.source[1].configPath == "/srv/zk conf/#2: \"two\"\\zoo.cfg")
        #expect(plan.source[0].configPath == "/etc/zookeeper/conf/zoo.cfg")
        #expect(plan.brokers.map(\.service) == ["kafka.service", "kafka-b.service"])
        #expect(plan.brokers[1].configPath == "/opt/kafka/b.properties")
    }

    @Test(
        "a version that cannot grow by restarts, or an older one than the destination's, is divided with observers"
    )
    func strategies() throws {
        var scene = Scene.usual
        for name in ["s1", "s2", "s3"] { scene.servers[name]?.version = ServerVersion(3, 5, 5) }
        let file = try scene.draft()
        #expect(try Scene.plan(file).strategy == .observers)
        #expect(file.text.contains("ZOOKEEPER-3829"))
        let asked = try scene.draft { $0.strategy = .participants }
        #expect(try Scene.plan(asked).strategy == .participants)
    }

    @Test("data that takes long to load makes deadlines longer, and says why")
    func deadlines() throws {
        var scene = Scene.usual
        scene.servers["s3"]?.dataSize = 3_000_000_000
        let file = try scene.draft()
        let plan = try Scene.plan(file)
        #expect(plan.deadlines.restart == .seconds(360) && plan.deadlines.join == .seconds(360))
        #expect(plan.deadlines.division == .seconds(600))
        #expect(file.text.contains("# a server may take 112 s to load its 3000 MB"), "\(file.text)")
        scene.servers["s3"]?.dataSize = .max
        #expect(try Scene.plan(scene.draft()).deadlines.restart == .seconds(3600))
    }
}
