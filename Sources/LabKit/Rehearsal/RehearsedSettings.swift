internal import Topology

/// What a lab takes over of a server's zoo.cfg: what changes how an ensemble behaves, and nothing that names a place.
struct RehearsedSettings: Sendable, Hashable {
    private static let taken: Set<String> = [
        "tickTime", "initLimit", "syncLimit", "maxClientCnxns", "minSessionTimeout", "maxSessionTimeout",
        "autopurge.snapRetainCount", "autopurge.purgeInterval", "snapCount", "snapSizeLimitInKb",
        "preAllocSize", "txnLogSizeLimitInKb", "globalOutstandingLimit", "globalOutstandingLimitInBytes",
        "cnxTimeout", "leaderServes", "forceSync", "fsync.warningthresholdms", "jute.maxbuffer",
        "syncEnabled", "quorumListenOnAllIPs", "4lw.commands.whitelist", "maxResponseCacheSize",
        "maxGetChildrenResponseCacheSize", "snapshot.trust.empty", "electionAlg", "standaloneEnabled",
        "reconfigEnabled", "extendedTypesEnabled", "localSessionsEnabled", "localSessionsUpgradingEnabled",
        "commitProcessor.numWorkerThreads", "commitProcessor.shutdownTimeout", "maxCnxns",
    ]
    /// Places, and what is the lab's own in every file: not worth a word.
    private static let places: Set<String> = [
        "dataDir", "dataLogDir", "clientPort", "clientPortAddress", "admin.enableServer", "admin.serverPort",
        "admin.serverAddress", "admin.idleTimeout", "admin.commandURL", "metricsProvider.httpPort",
        "metricsProvider.className", "metricsProvider.exportJvmInfo", "peerType",
    ]
    /// What the lab itself asks of every server.
    private static let question = "srvr"

    /// As `key=value`, in the order of the file.
    let lines: [String]
    /// Keys that were left out.
    let leftOut: [String]
    /// What was put in besides, a sentence.
    let added: [String]

    /// Nil for a text that is no zoo.cfg.
    init?(_ text: String) {
        let file: ZooConfiguration
        do throws(ZooConfigurationError) {
            file = try ZooConfiguration(Array(text.utf8))
        } catch {
            return nil
        }
        var lines: [String] = []
        var leftOut: [String] = []
        var added: [String] = []
        for key in file.keys {
            guard let value = file[key], !Self.places.contains(key), !key.hasPrefix("server.") else {
                continue
            }
            guard Self.taken.contains(key), Self.isPlain(value) else {
                leftOut.append(String(key.prefix(60)))
                continue
            }
            if key == "4lw.commands.whitelist", let words = file.allowedFourLetterWords,
                words.isDisjoint(with: ["*", Self.question])
            {
                lines.append("\(key)=\(value), \(Self.question)")
                added.append("'\(Self.question)' is allowed besides in \(key)")
            } else {
                lines.append("\(key)=\(value)")
            }
        }
        for (key, value) in [("initLimit", 10), ("syncLimit", 5)] where file[key] == nil {
            lines.append("\(key)=\(value)")
            added.append("\(key) is \(value)")
        }
        self.lines = lines
        self.leftOut = leftOut
        self.added = added
    }

    /// Nothing that a line of Java's properties, or a shell, would read otherwise than it stands.
    private static func isPlain(_ value: String) -> Bool {
        value.utf8.count <= 500
            && value.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                case _: " .,*-_".utf8.contains($0)
                }
            }
    }
}
