internal import FoundationEssentials
private import Glibc

/// A version of ZooKeeper that the lab's servers run.
package struct ZooKeeperDistribution: Codable, Sendable, Hashable {
    /// As asked for; `Debian's` where nothing was.
    package let version: String
    /// What Java is to load, in order.
    package let classPath: [String]
    /// What programs on a host must be able to read.
    package let folders: [String]

    private static let java = "/usr/share/java"
    /// Where a server finds how to log: to standard error, whatever it brings along.
    private static let logging = ["slf4j-api.jar", "slf4j-simple.jar"].map { "\(java)/\($0)" }
    /// The manifest of Debian's zookeeper.jar names every other library it needs except a binding for slf4j.
    package static let debian = ZooKeeperDistribution(
        version: "Debian's",
        classPath: [ZooKeeperServer.jar, "\(java)/slf4j-simple.jar"],
        folders: []
    )

    /// Versions that need nobody's download but the lab's own; Debian's is told by its jar.
    package static var known: [String] {
        var versions = ["3.4.6"] + ZooKeeperArchive.all.map(\.version)
        if let debianVersion { versions.append(debianVersion) }
        let numbers = { (version: String) in version.split(separator: ".").map { Int($0) ?? 0 } }
        return versions.sorted { numbers($0).lexicographicallyPrecedes(numbers($1)) }
    }

    /// Of Debian's package, which has its jar under a name with the version, too.
    static var debianVersion: String? {
        do throws(LabError) {
            return try Folder.entries(java).compactMap { version(ofJar: $0) }.first
        } catch {
            // Whoever asks for it is told the versions that there are.
            return nil
        }
    }

    /// `zookeeper-3.6.3.jar` is 3.6.3; nil for any other name.
    package static func version(ofJar name: String) -> String? {
        guard name.hasPrefix("zookeeper-"), name.hasSuffix(".jar") else { return nil }
        let version = name.dropFirst("zookeeper-".count).dropLast(".jar".count)
        let parts = version.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, Int(parts[0]) != nil, Int(parts[1]) != nil, parts[2].first?.isNumber == true
        else { return nil }
        return String(version)
    }

    /// Source's and destination's, from what was asked for, else from the environment, else Debian's.
    ///
    /// Fetches what is missing; the second time nothing is.
    static func prepare(_ pair: ZooKeeperPair, report: @Sendable (String) -> Void) async throws(LabError)
        -> (source: ZooKeeperDistribution, destination: ZooKeeperDistribution)
    {
        let source = try await one(pair.source, "ZOOKEEPER_HOME", report)
        if pair.destination == pair.source, named("ZOOKEEPER_DESTINATION_HOME") == nil {
            return (source, source)
        }
        return (source, try await one(pair.destination, "ZOOKEEPER_DESTINATION_HOME", report))
    }

    private static func named(_ variable: String) -> String? { getenv(variable).map { String(cString: $0) } }

    private static func one(_ asked: String?, _ variable: String, _ report: @Sendable (String) -> Void)
        async throws(LabError) -> ZooKeeperDistribution
    {
        guard let asked else {
            guard let home = named(variable) else { return debian }
            return try own(home, variable)
        }
        if asked == debianVersion { return debian }
        let cache = KafkaCache()
        guard known.contains(asked) else { throw .invalid(reason: unknown(asked)) }
        try Folder.make(cache.folder)
        let lock = try LabLock(waitingFor: cache.folder + "/lock")
        defer { withExtendedLifetime(lock) {} }
        let python = try await cache.client(report: report)
        let log4j = "\(java)/log4j-1.2.jar"
        for path in logging + [log4j] where !FileManager.default.fileExists(atPath: path) {
            throw .missing(program: path, remedy: "apt-get install libslf4j-java liblog4j1.2-java")
        }
        guard let archive = ZooKeeperArchive.all.first(where: { $0.version == asked }) else {
            // The broker's jar of Kafka 0.8.1.1 carries the server.
            let jar = try await cache.broker(python: python, report: report)
            return ZooKeeperDistribution(
                version: asked,
                classPath: logging + [log4j, jar],
                folders: [cache.folder]
            )
        }
        let jars = try await ZooKeeperCache(folder: cache.folder)
            .jars(of: archive, python: python, report: report)
        return ZooKeeperDistribution(
            version: asked,
            classPath: logging + [log4j] + jars,
            folders: [cache.folder]
        )
    }

    static func unknown(_ version: String) -> String {
        "the lab knows no ZooKeeper '\(version)': use \(known.joined(separator: ", ")), or let ZOOKEEPER_HOME "
            + "and ZOOKEEPER_DESTINATION_HOME name unpacked distributions"
    }

    /// A distribution that the user has unpacked: 3.4 has its jar beside `lib`, later ones in it.
    package static func own(_ home: String, _ variable: String = "ZOOKEEPER_HOME") throws(LabError)
        -> ZooKeeperDistribution
    {
        let names = try Folder.entries(home) + Folder.entries(home + "/lib")
        guard home.hasPrefix("/"), let version = names.compactMap({ version(ofJar: $0) }).first else {
            throw .missing(
                program: "\(home)/lib/zookeeper-*.jar",
                remedy: "let \(variable) be the absolute path of an unpacked ZooKeeper, or unset it"
            )
        }
        return ZooKeeperDistribution(
            version: version,
            classPath: logging + [home + "/*", home + "/lib/*"],
            folders: [home]
        )
    }
}

/// Which ZooKeeper each side of a lab runs; nil is what the environment says, or Debian's.
package struct ZooKeeperPair: Codable, Sendable, Hashable {
    package let source: String?
    package let destination: String?

    package init() {
        source = nil
        destination = nil
    }

    /// - Parameter source: a version; the destination's is what the environment says.
    init(source: String) throws(LabError) {
        self.source = try ZooKeeperPair(source).source
        destination = nil
    }

    /// `3.4.6`, or `3.4.6,3.8.0`: source, destination.
    package init(_ text: String) throws(LabError) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw .invalid(reason: "'\(text)': name one version, or source and destination as 3.4.6,3.8.0")
        }
        for part in parts where !ZooKeeperDistribution.known.contains(part) {
            throw .invalid(reason: ZooKeeperDistribution.unknown(part))
        }
        source = parts[0]
        destination = parts.last
    }
}

extension Lab {
    /// Fetches the versions of ZooKeeper that the lab is to run, and records them.
    func prepareZooKeeper() async throws(LabError) {
        let (source, destination) = try await ZooKeeperDistribution.prepare(
            configuration.zooKeeper,
            report: report
        )
        report("ZooKeeper: \(source.version) on the source, \(destination.version) on the destination")
        try RecordFile.write([source, destination], at: layout.zooKeeper)
    }

    /// What a host's ZooKeeper is.
    package func distribution(of host: LabHost) throws(LabError) -> ZooKeeperDistribution {
        let both = try RecordFile.read([ZooKeeperDistribution].self, at: layout.zooKeeper) ?? []
        return (host.side == .destination ? both.last : both.first) ?? .debian
    }
}
