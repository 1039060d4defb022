import ControlProtocol
import Glibc
import Testing

@testable import HostControl

@Suite("Kafka's version, by a broker's class path")
struct BrokerClassPathTests {
    @Test("the broker's jar names it, other jars of Kafka's do not")
    func jars() {
        for (name, version) in [
            ("kafka_2.13-3.4.0.jar", "3.4.0"), ("kafka_2.10-0.10.2.2.jar", "0.10.2.2"),
            ("kafka_2.12-5.5.1-ccs.jar", "5.5.1-ccs"), ("kafka-0.8.1.1.jar", "0.8.1.1"),
        ] {
            #expect(BrokerClassPath.version(ofJar: name)?.description == version)
        }
        for name in [
            "kafka-clients-3.4.0.jar", "kafka_2.13-3.4.0-sources.jar", "kafka_2.13-3.4.0-test.jar",
            "kafka-streams-3.4.0.jar", "kafka_2.13.jar", "kafka_2.13-.jar", "kafka_2.13-3.4.0.jar.asc",
            "kafka", "",
            "kafka_2.13-3.4.0\u{1B}[2J.jar", "zookeeper-3.8.0.jar",
        ] {
            #expect(BrokerClassPath.version(ofJar: name) == nil, "\(name)")
        }
    }

    @Test("jars count in the order of the class path, and in a folder of which all are loaded")
    func classPath() throws {
        let scratch = try Scratch()
        try scratch.file("kafka_2.13-3.3.1.jar", [])
        try scratch.file("kafka-clients-3.3.1.jar", [])
        let folder = "\(scratch.path)/*"
        #expect(BrokerClassPath.version(on: "/etc:\(folder)")?.description == "3.3.1")
        let named = "/a/kafka_2.12-1.0.0.jar:\(folder)"
        #expect(BrokerClassPath.version(on: named[...])?.description == "1.0.0")
        #expect(BrokerClassPath.version(on: "/etc:/no/such/folder/*::") == nil)
        #expect(BrokerClassPath.version(ofProcess: getpid()) == nil)
        #expect(BrokerClassPath.version(ofProcess: .max) == nil)
    }
}
