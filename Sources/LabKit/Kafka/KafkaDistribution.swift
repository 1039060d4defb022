internal import FoundationEssentials
private import Glibc

/// The Kafka whose brokers a lab runs, and the client that its applications use.
///
/// Without `KAFKA_HOME` it is 0.8.1.1: the last place where a package index carries a whole broker is one jar
/// in a source package of PyPI. It is old, and what matters here (the znodes, the sessions, the replication)
/// has the same shape ever since; `KAFKA_HOME` names a 2.x or 3.x distribution to see that for oneself.
package struct KafkaDistribution: Codable, Sendable, Hashable {
    package let version: KafkaVersion
    /// What Java is to load, in order.
    package let classPath: [String]
    /// The folder of the user's distribution; nil for the pinned one.
    package let home: String?
    /// The interpreter that has the client library.
    package let python: String
    /// What programs on a host must be able to read.
    package let folders: [String]

    /// Fetches what is missing; the second time nothing is.
    package static func prepare(
        cache: KafkaCache = KafkaCache(),
        report: @Sendable (String) -> Void = { _ in }
    ) async throws(LabError) -> KafkaDistribution {
        try Folder.make(cache.folder)
        let lock = try LabLock(waitingFor: cache.folder + "/lock")
        defer { withExtendedLifetime(lock) {} }
        let python = try await cache.client(report: report)
        if let named = getenv("KAFKA_HOME") { return try own(String(cString: named), python: python) }
        let jar = try await cache.broker(python: python, report: report)
        return KafkaDistribution(
            version: KafkaVersion(0, 8),
            // Debian's ZooKeeper client comes before the one in the jar, which is too old for Java 17.
            classPath: [
                ZooKeeperServer.jar, "/usr/share/java/log4j-1.2.jar", "/usr/share/java/slf4j-log4j12.jar",
                jar,
            ],
            home: nil,
            python: python,
            folders: [cache.folder]
        )
    }

    /// A distribution that the user has unpacked.
    package static func own(_ home: String, python: String) throws(LabError) -> KafkaDistribution {
        let names = try Folder.entries(home + "/libs")
        guard home.hasPrefix("/"), let version = names.compactMap({ KafkaVersion(jar: $0) }).first else {
            throw .missing(
                program: "\(home)/libs/kafka_*.jar",
                remedy: "let KAFKA_HOME be the absolute path of an unpacked Kafka, or unset it"
            )
        }
        guard version < KafkaVersion(4, 0) else {
            throw .invalid(
                reason: "KAFKA_HOME is Kafka \(version), which has no ZooKeeper mode: use 3.x or earlier"
            )
        }
        return KafkaDistribution(
            version: version,
            classPath: [home + "/libs/*"],
            home: home,
            python: python,
            folders: [home]
        )
    }

    /// The Java command line of a broker.
    package func brokerCommand(configuration: String, logging: String) -> [String] {
        ["/usr/bin/java", "-Xmx256m"] + Self.lean + [
            "-Dlog4j.configuration=file:\(logging)", "-cp", classPath.joined(separator: ":"), "kafka.Kafka",
            configuration,
        ]
    }

    /// The command that makes a topic; `zooKeeper` is a connect string, `broker` an address with port.
    package func topicCommand(
        _ topic: String,
        partitions: Int,
        replicas: Int,
        zooKeeper: String,
        broker: String
    ) -> [String] {
        let wanted = [
            "--create", "--topic", topic, "--partitions", String(partitions), "--replication-factor",
            String(replicas),
        ]
        // Brokers make topics themselves since 2.2, and only they do since 3.0.
        let place =
            version < KafkaVersion(2, 2) ? ["--zookeeper", zooKeeper] : ["--bootstrap-server", broker]
        if let home { return [home + "/bin/kafka-topics.sh"] + place + wanted }
        return ["/usr/bin/java", "-Xmx128m"] + Self.lean
            + ["-cp", classPath.joined(separator: ":"), "kafka.admin.TopicCommand"] + place + wanted
    }

    private static let lean = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
}
