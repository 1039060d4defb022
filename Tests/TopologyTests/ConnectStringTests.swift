import Testing
import Topology

@Suite("Connect strings")
struct ConnectStringTests {
    @Test("hosts change and the chroot stays")
    func replaces() throws {
        let old = try #require(ConnectString("zk1:2181,zk2:2182, [2001:db8::3]:2183,zk4/kafka/a"))
        #expect(old.chroot == "/kafka/a")
        #expect(old.description == "zk1:2181,zk2:2182,[2001:db8::3]:2183,zk4:2181/kafka/a")
        let port = try #require(Port(2181))
        let new = old.replacingServers([
            .init(host: "d1", port: port), .init(host: "2001:db8::5", port: port),
        ])
        #expect(new?.description == "d1:2181,[2001:db8::5]:2181/kafka/a")
        #expect(old.replacingServers([]) == nil)
    }

    @Test("one server is one server, however often it is listed")
    func single() {
        #expect(ConnectString("zk1")?.isSingleServer == true)
        #expect(ConnectString("zk1:2181,zk1")?.isSingleServer == true)
        #expect(ConnectString("zk1:2181,zk1:2182")?.isSingleServer == false)
    }

    @Test("a root chroot is none")
    func rootChroot() {
        #expect(ConnectString("zk1:2181/")?.chroot.isEmpty == true)
    }

    @Test(
        "what a client would refuse is refused",
        arguments: [
            "", "/kafka", "zk1:0", "zk1:65536", "zk1:x", "zk1:2181/a//b", "zk1:2181/a/", "zk1:2181/../b",
            ":2181",
            "2001:db8::1:2181", "[zk1]:2181", "[2001:db8::1", "zk1 zk2:2181",
        ]
    )
    func malformed(_ text: String) {
        #expect(ConnectString(text) == nil)
    }
}

@Suite("Versions")
struct ZooKeeperVersionTests {
    @Test(
        "ZOOKEEPER-3829 is in 3.5.0 to 3.5.8, 3.6.0 and 3.6.1 only",
        arguments: [
            ("3.4.14-4c25d480e66aadd371de8bd2fd8da255ac140bcf, built on 03/06/2019", false),
            ("3.5.0-alpha", true),
            ("3.5.3-beta", true), ("3.5.8", true), ("3.5.9", false), ("3.6.0", true), ("3.6.1", true),
            ("3.6.2", false), ("3.7.0", false), ("3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f", false),
        ]
    )
    func affected(_ text: String, _ expected: Bool) throws {
        #expect(try #require(ZooKeeperVersion(text)).isAffectedBy3829 == expected)
    }

    @Test("versions order by number, not by text")
    func order() throws {
        #expect(ZooKeeperVersion(3, 4, 14) > ZooKeeperVersion(3, 4, 9))
        #expect(ZooKeeperVersion(3, 10, 0) > ZooKeeperVersion(3, 9, 9))
    }

    @Test("what is no version is none", arguments: ["", "3.8", "v3.8.0", "3..0", "unknown"])
    func malformed(_ text: String) {
        #expect(ZooKeeperVersion(text) == nil)
    }
}
