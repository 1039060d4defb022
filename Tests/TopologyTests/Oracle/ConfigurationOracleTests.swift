import Foundation
import Glibc
import TestSupport
import Testing

@testable import Topology

/// A server's own parser, `QuorumPeerConfig`, of one version.
struct ServerParser: Sendable, CustomTestStringConvertible {
    let version: String
    let classPath: [String]

    var testDescription: String { version }

    static let debian = ServerParser(
        version: "3.8.0",
        classPath: [
            "/usr/share/java/zookeeper.jar", "/usr/share/java/zookeeper-jute.jar",
            "/usr/share/java/slf4j-api.jar",
            "/usr/share/java/slf4j-simple.jar", "/usr/share/java/netty-all.jar",
            "/usr/share/java/netty-handler.jar",
            "/usr/share/java/netty-transport.jar", "/usr/share/java/netty-common.jar",
        ]
    )
    /// Its classes are within the broker that the lab fetches.
    static let old = ServerParser(
        version: "3.4.6",
        classPath: [
            "/usr/share/java/slf4j-api.jar", "/usr/share/java/slf4j-simple.jar",
            "/usr/share/java/log4j-1.2.jar",
            "/var/cache/mitosis-lab/kafka-0.8.1.1.jar",
        ]
    )

    var isThere: Bool {
        JavaOracle.isInstalled && classPath.allSatisfy { access($0, R_OK) == 0 || $0.contains("netty") }
    }

    static let source = """
        import java.io.*;
        import java.nio.file.*;

        class Oracle {
            static void set(Class<?> parser, String name, boolean value) throws Exception {
                try {
                    parser.getMethod(name, boolean.class).invoke(null, value);
                } catch (NoSuchMethodException old) {
                    return;
                }
            }

            public static void main(String[] arguments) throws Exception {
                var parser = Class.forName("org.apache.zookeeper.server.quorum.QuorumPeerConfig");
                var in = new DataInputStream(new BufferedInputStream(new FileInputStream(arguments[0])));
                var out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(arguments[1])));
                var file = Path.of(arguments[1] + ".cfg");
                while (true) {
                    int count;
                    try { count = in.readInt(); } catch (EOFException end) { break; }
                    Files.write(file, in.readNBytes(count));
                    set(parser, "setStandaloneEnabled", true);
                    set(parser, "setReconfigEnabled", false);
                    System.getProperties().keySet().removeIf(key -> key.toString().startsWith("zookeeper."));
                    String said = "";
                    try {
                        var one = parser.getDeclaredConstructor().newInstance();
                        parser.getMethod("parse", String.class).invoke(one, file.toString());
                    } catch (java.lang.reflect.InvocationTargetException refused) {
                        Throwable cause = refused.getCause();
                        while (cause.getCause() != null) cause = cause.getCause();
                        said = "" + cause;
                    }
                    out.writeInt(said.length());
                    out.writeChars(said);
                }
                out.close();
            }
        }
        """

    /// What it says of each file; empty for one that it takes.
    func verdicts(on files: [[UInt8]]) throws -> [String] {
        var answer = try JavaOracle(source: Self.source, classPath: classPath).answer(
            to: files.reduce(into: Data()) { $0 += JavaOracle.framed($1) }
        )
        return try files.map { _ in try answer.text() }
    }
}

@Suite("zoo.cfg as the server's own parser reads it")
struct ConfigurationOracleTests {
    @Test(
        "what the real parser refuses is refused, and little else",
        .enabled(if: JavaOracle.isExpected, "needs openjdk-17-jdk-headless, zookeeper"),
        arguments: [ServerParser.debian, .old].filter { $0.version == "3.8.0" || $0.isThere }
    )
    func generated(_ parser: ServerParser) throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        try FileManager.default.createDirectory(
            atPath: folder.path + "/data",
            withIntermediateDirectories: true
        )
        _ = try folder.write("1\n", to: "data/myid")
        let own = try #require(ServerID(1))
        let known = Dialect.all.filter { parser.version != "3.4.6" || !$0.isNew }

        var random = SplitMix64(seed: 7)
        var files: [(dialects: [Dialect], bytes: [UInt8])] = []
        for dialect in known {
            for _ in 0..<60 { files.append(([dialect], dialect.file(folder.path + "/data", &random))) }
        }
        for _ in 0..<3000 {
            let chosen = known.shuffled(using: &random).prefix(Int.random(in: 2...3, using: &random))
            files.append((Array(chosen), Dialect.file(Array(chosen), folder.path + "/data", &random)))
        }
        let said = try parser.verdicts(on: files.map(\.bytes))
        var (both, neither, stricter) = (0, 0, [String: Int]())
        for (file, reason) in zip(files, said) {
            let ours = Self.faults(file.bytes, own)
            let shown =
                "\(file.dialects.map(\.name)): \(reason)\n\(ours)\n\(String(decoding: file.bytes, as: UTF8.self))"
            switch (reason.isEmpty, ours.isEmpty) {
            case (true, true): neither += 1
            case (false, false): both += 1
            // A file does not say which version will read it: later ones do without.
            case (false, true) where parser.version == "3.4.6" && reason.hasSuffix("clientPort is not set"):
                stricter["3.4 without clientPort, which is taken", default: 0] += 1
            case (false, true): Issue.record("\(parser.version) refuses, we do not: \(shown)")
            case (true, false):
                let deliberate = file.dialects.filter {
                    $0.isStricter || parser.version == "3.4.6" && $0.isLater
                }
                #expect(!deliberate.isEmpty, "\(parser.version) takes it, we refuse: \(shown)")
                for dialect in deliberate { stricter[dialect.name, default: 0] += 1 }
            }
        }
        print(
            "\(parser.version): \(files.count) files, \(both) refused by both, \(neither) by neither; stricter: \(stricter)"
        )
        #expect(both > 1000 && neither > 500)
    }

    @Test("every mistake names its line, or says what is missing", arguments: Dialect.all.filter(\.isMistake))
    func named(_ dialect: Dialect) throws {
        var random = SplitMix64(seed: 11)
        let own = try #require(ServerID(1))
        for _ in 0..<20 {
            let file = dialect.file("/var/lib/zookeeper", &random)
            let faults = Self.faults(file, own)
            #expect(!faults.isEmpty, "\(String(decoding: file, as: UTF8.self))")
            for fault in faults where !fault.contains("is not set") && !fault.contains("participant") {
                #expect(fault.hasPrefix("line "), "\(fault)")
            }
        }
    }

    @Test("what means the same as the plain form is taken", arguments: Dialect.all.filter { !$0.isMistake })
    func taken(_ dialect: Dialect) throws {
        var random = SplitMix64(seed: 13)
        let own = try #require(ServerID(1))
        for _ in 0..<20 {
            let file = dialect.file("/var/lib/zookeeper", &random)
            #expect(Self.faults(file, own).isEmpty, "\(String(decoding: file, as: UTF8.self))")
            #expect(try ZooConfiguration(file).content == file)
        }
    }

    private static func faults(_ file: [UInt8], _ own: ServerID) -> [String] {
        do throws(ZooConfigurationError) {
            return try ZooConfiguration(file).startFaults(of: own).map(\.description)
        } catch {
            return [error.description]
        }
    }
}
