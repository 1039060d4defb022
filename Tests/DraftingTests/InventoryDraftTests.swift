import ControlProtocol
import Drafting
import Fleet
import Settings
import TestSupport
import Testing

@Suite("An inventory begun from one host")
struct InventoryDraftTests {
    private func draft(_ host: String) throws -> InventoryDraft {
        InventoryDraft(
            host: try #require(HostName(host)),
            address: "198.51.100.11",
            pkiDirectory: "/srv/pki: \"a\"",
            coordinator: "ops"
        )
    }

    private func read(_ text: String) throws -> Inventory {
        try InventoryReader.read(YAMLDocument(bytes: Array(text.utf8), file: "/plans/hosts.yaml"))
    }

    @Test("it has the other servers of the ensemble, with names like that of the host, marked as guessed")
    func others() throws {
        let seen = try #require(try Scene.usual.sighting().hosts.first?.seen)
        let text = try draft("s1").text(seen)
        let inventory = try read(text)
        #expect(inventory.hosts.map(\.host.description) == ["s1", "s2", "s3"])
        #expect(inventory.hosts.map(\.address) == ["198.51.100.11", "198.51.100.12", "198.51.100.13"])
        #expect(inventory.pki.directory == "/srv/pki: \"a\"")
        #expect(
            text.hasSuffix(
                "  # guessed, server 2\n  - {host: s3, address: 198.51.100.13}  # guessed, server 3\n"
            )
        )
    }

    @Test("what is to be done next for a plan is one sentence, with the commands to be typed")
    func next() {
        let text = InventoryDraft.next("hosts.yaml")
        #expect(text.hasPrefix("hosts.yaml: begun, an inventory and no plan yet: "))
        for part in ["`mitosis agents install hosts.yaml`", "`mitosis init hosts.yaml -o PLAN`", "brokers"] {
            #expect(text.contains(part), "\(text)")
        }
        #expect(!text.contains(". ") && !text.contains("\n"))
    }

    @Test("servers that are addressed by names have these, and no name stands twice")
    func names() throws {
        var scene = Scene.usual
        scene.servers["s1"]?.members = [
            "server.1=zk-a.example:2888:3888", "server.2=zk-b.example:2888:3888",
            "server.3=zk-b.other:2888:3888",
            "server.4=198.51.100.14:2888:3888",
        ]
        let seen = try #require(try scene.sighting().hosts.first?.seen)
        let inventory = try read(draft("zk-a").text(seen))
        #expect(inventory.hosts.map(\.host.description) == ["zk-a", "zk-b", "zk3", "zk4"])
    }

    @Test("an address that nobody could read becomes no host, and is shown for what it is")
    func hostile() throws {
        var scene = Scene.usual
        scene.servers["s1"]?.members = [
            "server.1=a:2888:3888", "server.2=zk\u{202E}b:2888:3888", "server.3=c:2888:3888",
        ]
        let seen = try #require(try scene.sighting().hosts.first?.seen)
        let text = try draft("s1").text(seen)
        #expect(
            HostileText.offences(in: text).isEmpty
                && text.contains("# server 2 has an address that nobody could read: zk")
        )
        #expect(try read(text).hosts.map(\.host.description) == ["s1", "c"])
    }

    @Test("a host that is silent, or runs no server of an ensemble, begins none")
    func nothing() throws {
        let draft = try draft("s1")
        #expect(throws: InventoryDraftError.silent(draft.host, reason: "x")) {
            try draft.text(.silent(reason: "x"))
        }
        var scene = Scene.usual
        scene.servers["s1"] = nil
        let seen = try #require(try scene.sighting().hosts.first?.seen)
        #expect(throws: InventoryDraftError.noEnsemble(draft.host)) { try draft.text(seen) }
    }
}
