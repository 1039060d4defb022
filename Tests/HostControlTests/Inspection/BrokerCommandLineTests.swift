import Glibc
import Testing

@testable import HostControl

@Suite("A broker's command line")
struct BrokerCommandLineTests {
    private static let start = ["java", "-cp", "x", "kafka.Kafka", "/etc/server.properties"]

    private func overrides(_ arguments: [String]) -> [String: String]? {
        BrokerCommandLine.overrides(in: Self.start + arguments)
    }

    @Test("what it sets beside the file is told, in every form that Kafka takes it")
    func forms() {
        let expected = ["zookeeper.connect": "zk9:2181/k"]
        for arguments in [
            ["--override", "zookeeper.connect=zk9:2181/k"], ["--override=zookeeper.connect=zk9:2181/k"],
            ["--over", "zookeeper.connect=zk9:2181/k"],
            ["--override", "zookeeper.connect=a:1", "--override", "zookeeper.connect=zk9:2181/k"],
        ] { #expect(overrides(arguments) == expected, "\(arguments)") }
        #expect(
            overrides(["--override", "broker.id=", "--override", "log.dirs=/a=b"]) == [
                "broker.id": "", "log.dirs": "/a=b",
            ]
        )
    }

    @Test("settings that can be secrets, other options and half an option are not")
    func others() {
        #expect(overrides([]) == [:])
        for arguments in [
            ["--override", "ssl.keystore.password=s3cret"], ["--override=ssl.keystore.password=s3cret"],
            ["--override"],
            ["--override", "broker.id"], ["--version", "broker.id=1"], ["--", "broker.id=1"], ["broker.id=1"],
            [""],
        ] { #expect(overrides(arguments) == [:], "\(arguments)") }
        let long = overrides(["--override", "log.dirs=" + String(repeating: "x", count: 5000)])
        #expect(long?["log.dirs"]?.count == 1000)
    }

    @Test("the first word after the class is the file that Kafka reads, and options are none")
    func file() throws {
        #expect(BrokerCommandLine.file(in: Self.start) == "/etc/server.properties")
        #expect(BrokerCommandLine.file(in: Self.start + ["--override", "a=b"]) == "/etc/server.properties")
        let confluent = ["java", "io.confluent.support.metrics.SupportedKafka", "etc/server.properties"]
        #expect(BrokerCommandLine.file(in: confluent) == "etc/server.properties")
        #expect(
            BrokerCommandLine.overrides(in: confluent + ["--override", "broker.id=1"]) == ["broker.id": "1"]
        )
        for words in [
            ["kafka.Kafka"], ["kafka.Kafka", "--version"], ["kafka.Kafka", ""], ["other.Main", "/a"],
        ] {
            #expect(BrokerCommandLine.file(in: ["java"] + words) == nil, "\(words)")
        }
        #expect(BrokerCommandLine.file(ofProcess: .max, listed: []) == nil)
    }

    @Test(
        "a file by another path is the listed one if a link leads to it, and another one if it is only a second name"
    )
    func links() throws {
        let scratch = try Scratch()
        try scratch.directory("etc")
        try scratch.directory("opt")
        let listed = try scratch.file("etc/server.properties", [])
        let other = try scratch.file("opt/server-1.properties", [])
        try #require(symlink(scratch("etc"), scratch("opt/config")) == 0)
        try #require(link(listed, scratch("opt/twin.properties")) == 0)
        let told = { BrokerCommandLine.listed($0, among: ["/no/such", listed]) }
        #expect(told(listed) == listed && told(scratch("opt/config/server.properties")) == listed)
        #expect(told(scratch("opt/../etc/server.properties")) == listed)
        for path in [other, scratch("opt/twin.properties"), scratch("opt/gone.properties"), "relative"] {
            #expect(told(path) == path)
        }
    }

    @Test("the running broker's file is absolute, whatever folder it was started in")
    func running() async throws {
        let scratch = try Scratch()
        let listed = try scratch.file("server.properties", [])
        let sleeper = ["/usr/bin/python3", "-c", "import time; time.sleep(600)"]
        let pid = try RealZooKeeper.spawn(
            ["/bin/sh", "-c", "cd \(scratch.path) && exec \"$@\"", "sh"] + sleeper
                + ["kafka.Kafka", "server.properties"],
            log: scratch("log")
        )
        defer {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        #expect(await eventually { BrokerCommandLine.file(ofProcess: pid, listed: []) == listed })
    }

    @Test("another program is no broker")
    func noBroker() {
        #expect(BrokerCommandLine.overrides(in: ["java", "other.Main", "--override", "broker.id=1"]) == nil)
        #expect(BrokerCommandLine.overrides(ofProcess: .max) == nil)
    }
}
