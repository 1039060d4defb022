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

    @Test("another program is no broker")
    func noBroker() {
        #expect(BrokerCommandLine.overrides(in: ["java", "other.Main", "--override", "broker.id=1"]) == nil)
        #expect(BrokerCommandLine.overrides(ofProcess: .max) == nil)
    }
}
