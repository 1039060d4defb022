/// How the lab runs ZooKeeper, Debian's and others.
package enum ZooKeeperServer {
    static let java = "/usr/bin/java"
    package static let jar = "/usr/share/java/zookeeper.jar"

    /// The configuration file of one host, with its own side's ensemble as its view.
    ///
    /// A tick of one second (Debian ships two) halves every timeout that is counted in ticks, so that a
    /// division shows its window and not its waits, and still allows sessions of 20 s.
    ///
    /// - Parameter settings: lines of another set-up in place of the lab's own: ticks, limits and the like.
    package static func configuration(
        of host: LabHost,
        in side: [LabHost],
        data: String,
        sessions: Int = 0,
        settings: [String]? = nil
    ) -> String {
        let servers = side.compactMap { member in
            member.id.map { "server.\($0)=\(member.ipv4):2888:3888" }
        }
        let ticks = settings ?? ["tickTime=1000", "initLimit=20", "syncLimit=5"]
        let connections = settings == nil ? "maxClientCnxns=\(60 + sessions)\n" : ""
        return """
            # ZooKeeper on \(host.name)
            \(ticks.joined(separator: "\n"))
            dataDir=\(data)
            clientPort=2181
            \(connections)
            \(servers.joined(separator: "\n"))

            """
    }

    /// The Java command line.
    package static func command(
        configuration: String,
        distribution: ZooKeeperDistribution = .debian,
        heap: Int = 128
    ) -> [String] {
        [
            java,
            "-Xmx\(heap)m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
            "-Dzookeeper.admin.enableServer=false",
            "-Dzookeeper.jmx.log4j.disable=true",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
            "-cp", distribution.classPath.joined(separator: ":"),
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            configuration,
        ]
    }
}
