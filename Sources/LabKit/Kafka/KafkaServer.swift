/// How the lab configures its brokers.
package enum KafkaServer {
    package static let port = 9092
    /// What the brokers have in ZooKeeper is below this node; other tenants are beside it.
    package static let chroot = "/kafka"
    package static let topic = "lab"
    package static let partitions = 3

    /// A connect string: every one of those servers, and the chroot.
    package static func connectString(_ servers: [LabHost], chroot: String = chroot) -> String {
        servers.map(\.clientAddress).joined(separator: ",") + chroot
    }

    /// The text of one broker's `server.properties`.
    package static func properties(
        of host: LabHost,
        in configuration: LabConfiguration,
        version: KafkaVersion,
        data: String
    ) -> String {
        let replicas = min(3, configuration.brokers)
        return """
            # Kafka on \(host.name)
            broker.id=\(host.brokerID ?? 0)
            \(listening(host, version))
            log.dirs=\(data)

            # Where the cluster keeps its metadata
            zookeeper.connect=\(connectString(configuration.sourceHosts, chroot: configuration.chroot))
            # Before 2.5 the default is 6 s, which a busy election can outlast.
            zookeeper.session.timeout.ms=18000
            zookeeper.connection.timeout.ms=18000

            num.partitions=\(partitions)
            default.replication.factor=\(replicas)
            auto.create.topics.enable=false
            \(durability(version, replicas: replicas))

            # A stopping broker hands its partitions over first.
            controlled.shutdown.enable=true
            controlled.shutdown.max.retries=3
            controlled.shutdown.retry.backoff.ms=1000

            """
    }

    private static func listening(_ host: LabHost, _ version: KafkaVersion) -> String {
        guard version < KafkaVersion(0, 10) else {
            return """
                listeners=PLAINTEXT://\(host.ipv4):\(port)
                advertised.listeners=PLAINTEXT://\(host.ipv4):\(port)
                """
        }
        return """
            port=\(port)
            host.name=\(host.ipv4)
            advertised.host.name=\(host.ipv4)
            """
    }

    /// 0.8.1 has neither setting: there, `acks=-1` waits for whoever is in sync, be it the leader alone.
    private static func durability(_ version: KafkaVersion, replicas: Int) -> String {
        guard version > KafkaVersion(0, 8) else { return "# acks=-1 waits for every replica in sync." }
        return """
            min.insync.replicas=\(min(2, replicas))
            unclean.leader.election.enable=false
            offsets.topic.replication.factor=\(replicas)
            log.cleaner.dedupe.buffer.size=8388608
            """
    }

    /// Everything to standard output, as the service keeps it.
    package static let logging = """
        log4j.rootLogger=INFO, stdout
        log4j.appender.stdout=org.apache.log4j.ConsoleAppender
        log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
        log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n

        """
}
