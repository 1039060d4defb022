import ControlProtocol
import FoundationEssentials
import Glibc
import Testing

@testable import HostControl

@Suite("A server's command line")
struct ServerCommandLineTests {
    private static let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

    private func properties(_ arguments: [String], _ environment: [String] = []) -> [String: String]? {
        ServerCommandLine(arguments: arguments)?.all(environment)
    }

    @Test("properties before the main class count, what follows it does not")
    func properties() {
        let found = properties([
            "/usr/bin/java", "-Xmx1g", "-Djute.maxbuffer=4194304", "-Dflag", "-Dempty=", "-Da=b=c", "-D",
            Self.main, "/etc/zoo.cfg", "-Dlate=1",
        ])
        #expect(found == ["jute.maxbuffer": "4194304", "flag": "", "empty": "", "a": "b=c"])
    }

    @Test("the environment's options come before the command line's, _JAVA_OPTIONS after")
    func precedence() {
        let line = ["java", "-Db=line", "-Dc=line", Self.main, "/etc/zoo.cfg"]
        let found = properties(
            line,
            [
                "JAVA_TOOL_OPTIONS=-Da=tool -Db=tool", "JDK_JAVA_OPTIONS=-Da=jdk '-Dquoted=two words'",
                "_JAVA_OPTIONS=-Dc=last", "OTHER=-Dd=1",
            ]
        )
        #expect(found == ["a": "jdk", "b": "line", "c": "last", "quoted": "two words"])
    }

    @Test(
        "another program is no server, and an environment that cannot be read leaves the properties unknown"
    )
    func unknown() {
        #expect(ServerCommandLine(arguments: ["java", "kafka.Kafka"]) == nil)
        let blind = ServerCommandLine(arguments: ["java", Self.main, "/etc/zoo.cfg"], pid: .max)
        #expect(blind != nil && blind?.properties() == nil && blind?.configPath == "/etc/zoo.cfg")
    }

    @Test("of all properties those are told that a migration depends on, with values that they can have")
    func told() {
        let all = [
            "jute.maxbuffer": "0x400000", "zookeeper.forceSync": "no\u{1B}[2J", "a": "1",
            "zookeeper.ssl.trustStore.password": "s3cret",
        ]
        #expect(
            ToldProperties.told(of: all) == [
                "jute.maxbuffer": "0x400000", "zookeeper.forceSync": "unreadable",
            ]
        )
    }

    @Test("of a class its name is told, and nothing that cannot be one")
    func classes() {
        let factory = "zookeeper.serverCnxnFactory"
        let netty = "org.apache.zookeeper.server.NettyServerCnxnFactory"
        for (value, told) in [
            (netty, netty), ("a.B$C_1", "a.B$C_1"), ("a b", "unreadable"), ("a..b", "unreadable"),
            ("", "unreadable"), ("\u{1B}[2J", "unreadable"),
            (String(repeating: "a", count: 201), "unreadable"),
        ] {
            #expect(ToldProperties.told(of: [factory: value]) == [factory: told])
        }
        #expect(ToldProperties.told(of: ["jute.maxbuffer": netty]) == ["jute.maxbuffer": "unreadable"])
    }

    @Test(
        "properties that decide over files are told with values that they can have, classes of providers as classes"
    )
    func deciding() {
        let plain = [
            "zookeeper.observer.syncEnabled": "false", "zookeeper.leaderServes": "no",
            "zookeeper.DigestAuthenticationProvider.digestAlg": "SHA3-256",
            "zookeeper.authProvider.1": "org.example.Inner$Provider", "zookeeper.authProvider.sasl-2": "a.B",
        ]
        let hidden = [
            "zookeeper.DigestAuthenticationProvider.superDigest": "super:s3cret",
            "zookeeper.authProvider.": "a.B", "zookeeper.authProvider.a b": "a.B",
            "zookeeper.authProviders": "a",
        ]
        let odd = ["zookeeper.authProvider.3": "a.B;s3cret=1", "zookeeper.authProvider.4": ""]
        let told = ToldProperties.told(of: plain.merging(hidden) { $1 }.merging(odd) { $1 })
        #expect(told == plain.merging(odd.mapValues { _ in "unreadable" }) { $1 })
        let many = (1...100).map { ("zookeeper.authProvider.\($0)", "a.B") }
        #expect(ToldProperties.told(of: Dictionary(many) { $1 }).count == 16)
    }

    @Test("a server with a port and a directory reads no file")
    func standalone() {
        #expect(
            ServerCommandLine(arguments: ["java", Self.main, "2181", "/data"])?.configPath == nil
        )
    }

    @Test(
        "a real server's properties and the size of its data are seen",
        .enabled(if: RealZooKeeper.isInstalled, "ZooKeeper or Java is not installed")
    )
    func real() async throws {
        let port = try RealZooKeeper.freePort()
        let server = try RealZooKeeper(
            ["clientPort=\(port)", "clientPortAddress=127.0.0.1"],
            javaOptions: [
                "-Djute.maxbuffer=2097152", "-Dzookeeper.forceSync=no",
                "-Dzookeeper.ssl.keyStore.password=s3cret",
                "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:s3cret", "-Dharmless=s3cret",
            ]
        )
        defer { withExtendedLifetime(server) {} }
        let inspector = server.inspector()
        #expect(await eventually { if case .yes = await inspector.status().serving { true } else { false } })
        let empty = try #require(await inspector.status().dataSize)
        _ = try await RealZooKeeper.write(500, to: port)
        let status = await inspector.status()
        let found = try #require(status.javaProperties)
        #expect(found["jute.maxbuffer"] == "2097152" && found["zookeeper.forceSync"] == "no")
        // The others can be anything, passwords too.
        #expect(found.keys.sorted() == ["jute.maxbuffer", "zookeeper.forceSync"])
        let told = String(decoding: try JSONEncoder().encode(status), as: UTF8.self)
        #expect(!told.contains("s3cret"))
        // 500 nodes of 2.5 kB on the average.
        #expect(try #require(status.dataSize) > empty + 1_000_000)
        server.end()
        #expect(await inspector.status().javaProperties == nil)
    }
}
