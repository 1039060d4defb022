import Topology

/// The system properties of a server's JVM, and the settings on a broker's command line, that a migration depends on: all that an
/// agent tells of them, to anybody.
///
/// The others can be secrets (passwords of key stores, `zookeeper.DigestAuthenticationProvider.superDigest`), and are not sent.
package enum ToldProperties {
    package static let maxBuffer = "jute.maxbuffer"
    package static let forceSync = "zookeeper.forceSync"
    package static let names: Set<String> = [
        maxBuffer, forceSync, "zookeeper.extendedTypesEnabled", "zookeeper.emulate353TTLNodes",
        trustEmptySnapshot,
    ]
    package static let trustEmptySnapshot = "zookeeper.snapshot.trust.empty"
    /// Those whose values are names of classes.
    package static let classes: Set<String> = [ZooConfiguration.connectionFactoryProperty]
    /// Properties that decide whatever a file says, or where it says nothing.
    package static let observerSync = "zookeeper.observer.syncEnabled"
    package static let leaderServes = "zookeeper.leaderServes"
    package static let digestAlgorithm = "zookeeper.DigestAuthenticationProvider.digestAlg"
    private static let deciding: Set<String> = [observerSync, leaderServes, digestAlgorithm]
    /// What follows is anybody's; the value is a class.
    package static let authProvider = "zookeeper.authProvider."
    /// More than any server has.
    private static let mostProviders = 16
    package static let brokerID = "broker.id"
    /// Keys of server.properties that a broker's command line can set.
    package static let settings: Set<String> = [
        ServerProperties.connectKey, brokerID, "log.dirs", "log.dir", "process.roles",
        "zookeeper.session.timeout.ms",
        "zookeeper.connection.timeout.ms",
    ]

    /// A number or a word stands as it is; what is neither is no value that these properties can have.
    package static func told(of all: [String: String]) -> [String: String] {
        let classes = all.filter { Self.classes.contains($0.key) }.mapValues {
            isClass($0) ? $0 : "unreadable"
        }
        return all.filter { names.contains($0.key) || deciding.contains($0.key) }
            .mapValues { isValue($0) ? $0 : "unreadable" }
            .merging(classes) { $1 }
            .merging(providers(all)) { $1 }
    }

    private static func providers(_ all: [String: String]) -> [(String, String)] {
        all.filter { $0.key.hasPrefix(authProvider) && $0.key != authProvider && isName($0.key, "._-") }
            .sorted { $0.key < $1.key }.prefix(mostProviders)
            .map { ($0.key, isClass($0.value) ? $0.value : "unreadable") }
    }

    private static func isClass(_ text: String) -> Bool {
        isName(text, "._$") && !text.hasPrefix(".") && !text.hasSuffix(".") && !text.contains("..")
    }

    /// Of letters and digits, and these.
    private static func isName(_ text: String, _ others: String) -> Bool {
        (1...200).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                let letter = byte | 0x20
                return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || others.utf8.contains(byte)
            }
    }

    private static func isValue(_ text: String) -> Bool {
        text.utf8.count <= 20
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "#-+".utf8.contains(byte)
                }
            }
    }
}
