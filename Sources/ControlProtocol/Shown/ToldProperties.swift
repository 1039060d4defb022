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
        return all.filter { names.contains($0.key) }.mapValues { isValue($0) ? $0 : "unreadable" }
            .merging(classes) { $1 }
    }

    private static func isClass(_ text: String) -> Bool {
        text.utf8.count <= 200
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isName)
    }

    private static func isName(_ part: Substring) -> Bool {
        !part.isEmpty
            && part.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "_$".utf8.contains(byte)
                }
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
