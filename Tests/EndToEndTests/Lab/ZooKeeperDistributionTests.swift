import FoundationEssentials
import LabKit
import Testing

@Suite("a ZooKeeper of the lab")
struct ZooKeeperDistributionTests {
    @Test("is named for both sides or for each, and what is not known is refused with what is")
    func pair() throws {
        let both = try ZooKeeperPair("3.4.6")
        #expect(both.source == "3.4.6" && both.destination == "3.4.6")
        let each = try ZooKeeperPair("3.4.6,3.9.3")
        #expect(each.source == "3.4.6" && each.destination == "3.9.3")
        for text in ["3.5.0", "3.4.6,", "", "3.4.6,3.6.3,3.9.3", "3.4.6,latest"] {
            #expect(throws: LabError.self, "\(text)") { try ZooKeeperPair(text) }
        }
        let error = try #require(throws: LabError.self) { try ZooKeeperPair("3.4.6,3.5.0") }
        #expect("\(error)".hasPrefix("the lab knows no ZooKeeper '3.5.0': use 3.4.6, 3.4.14, 3.6.3, "))
    }

    @Test("of the user is told by its jar, wherever it lies, and run from its own folder")
    func own() throws {
        for jar in ["zookeeper-3.4.14.jar", "lib/zookeeper-3.7.1.jar"] {
            let home = "/var/tmp/mitosis-lab/zookeeper\(UInt32.random(in: 0..<1_000_000))"
            try Folder.make(home + "/lib")
            try Folder.write("", to: home + "/lib/zookeeper-jute-3.7.1.jar")
            try Folder.write("", to: "\(home)/\(jar)")
            let found = try ZooKeeperDistribution.own(home)
            #expect(jar.hasSuffix("zookeeper-\(found.version).jar"))
            #expect(found.classPath.suffix(2) == [home + "/*", home + "/lib/*"])
            try Folder.remove(home)
        }
        #expect(throws: LabError.self) { try ZooKeeperDistribution.own("/var/tmp/mitosis-lab/nothing-here") }
    }

    @Test("runs with the heap and the class path that it is given")
    func command() {
        let command = ZooKeeperServer.command(configuration: "/zoo.cfg", heap: 1500)
        #expect(command.contains("-Xmx1500m") && command.last == "/zoo.cfg")
        #expect(command.contains(ZooKeeperDistribution.debian.classPath.joined(separator: ":")))
    }

    @Test("a lab refuses what no machine has")
    func bounds() throws {
        #expect(throws: LabError.self) { try TreeFilling(znodes: -1) }
        #expect(throws: LabError.self) { try TreeFilling(sessions: 10_001) }
        #expect(throws: LabError.self) { try LabConfiguration(heap: 1) }
    }
}
