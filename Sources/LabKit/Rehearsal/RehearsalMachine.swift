internal import FoundationEssentials
private import Glibc
internal import SystemCalls
internal import Topology

/// What this machine has for a rehearsal, without anybody's network.
package struct RehearsalMachine: Sendable, Hashable {
    package let cores: Int
    /// Megabytes that nobody uses.
    package let memory: Int
    /// Versions of ZooKeeper that the lab can start as they are, each as the lab asks for it.
    package let zooKeepers: [String]
    /// Of the distribution that ZOOKEEPER_HOME names, and the destination's; the lab takes these whatever else there is.
    package let ownSource: String?
    package let ownDestination: String?
    /// Nil when no broker can be started here; why not is `noKafka`.
    package let kafka: String?
    package let noKafka: String

    package init(
        cores: Int,
        memory: Int,
        zooKeepers: [String],
        ownSource: String? = nil,
        ownDestination: String? = nil,
        kafka: String? = nil,
        noKafka: String = "there is no Kafka on this machine"
    ) {
        self.cores = cores
        self.memory = memory
        self.zooKeepers = zooKeepers
        self.ownSource = ownSource
        self.ownDestination = ownDestination
        self.kafka = kafka
        self.noKafka = noKafka
    }

    package static func look() async throws(LabError) -> RehearsalMachine {
        let cache = KafkaCache()
        var own: [String?] = []
        for variable in ["ZOOKEEPER_HOME", "ZOOKEEPER_DESTINATION_HOME"] {
            own.append(
                try named(variable).map { home throws(LabError) in
                    try ZooKeeperDistribution.own(home, variable).version
                }
            )
        }
        let kafka = try kafka(cache)
        return RehearsalMachine(
            cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
            memory: memory,
            zooKeepers: try await ZooKeeperDistribution.here(cache),
            ownSource: own[0],
            ownDestination: own[1] ?? own[0],
            kafka: kafka.version,
            noKafka: kafka.obstacle
        )
    }

    private static func named(_ variable: String) -> String? { getenv(variable).map { String(cString: $0) } }

    /// What the kernel would give out without swapping.
    private static var memory: Int {
        let lines = (KernelText.read("/proc/meminfo") ?? "").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("MemAvailable:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) / 1024
    }

    private static func kafka(_ cache: KafkaCache) throws(LabError) -> (version: String?, obstacle: String) {
        guard cache.hasClient else {
            return (nil, "Kafka's client was never fetched here (`mitosis-lab run --brokers 1` does it once)")
        }
        if let home = named("KAFKA_HOME") {
            return ("\(try KafkaDistribution.own(home, python: "").version)", "")
        }
        guard FileManager.default.fileExists(atPath: cache.jar) else {
            return (nil, "there is no Kafka here: let KAFKA_HOME name an unpacked one")
        }
        return ("0.8.1.1", "")
    }
}

extension ZooKeeperDistribution {
    /// Versions that are on this machine, complete.
    static func here(_ cache: KafkaCache) async throws(LabError) -> [String] {
        var found = [debianVersion].compactMap(\.self)
        guard cache.hasClient else { return found }
        if FileManager.default.fileExists(atPath: cache.jar) { found.append("3.4.6") }
        let own = ZooKeeperCache(folder: cache.folder)
        for archive in ZooKeeperArchive.all where try await own.has(archive) { found.append(archive.version) }
        return found
    }
}
