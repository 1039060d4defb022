import TestSupport
import Testing

/// One thing that real files have, or that is wrong with them.
struct Dialect: Sendable, CustomTestStringConvertible {
    typealias Edit = @Sendable (inout [String], inout SplitMix64) -> Void

    let name: String
    /// To be refused.
    let isMistake: Bool
    /// Refused by us and taken by the real parser: it fails later, or was never tried with a migration.
    let isStricter: Bool
    /// A mistake only for servers after 3.4.
    let isLater: Bool
    /// What 3.4 does not read.
    let isNew: Bool
    let edit: Edit

    var testDescription: String { name }

    private static func taken(_ name: String, isNew: Bool = false, _ edit: @escaping Edit) -> Dialect {
        Dialect(name: name, isMistake: false, isStricter: false, isLater: false, isNew: isNew, edit: edit)
    }

    private static func refused(
        _ name: String,
        isLater: Bool = false,
        isNew: Bool = false,
        _ edit: @escaping Edit
    ) -> Dialect {
        Dialect(name: name, isMistake: true, isStricter: false, isLater: isLater, isNew: isNew, edit: edit)
    }

    private static func stricter(_ name: String, isNew: Bool = false, _ edit: @escaping Edit) -> Dialect {
        Dialect(name: name, isMistake: true, isStricter: true, isLater: false, isNew: isNew, edit: edit)
    }

    /// The file with this and nothing else.
    func file(_ dataDir: String, _ random: inout SplitMix64) -> [UInt8] {
        Self.file([self], dataDir, &random)
    }

    static func file(_ dialects: [Dialect], _ dataDir: String, _ random: inout SplitMix64) -> [UInt8] {
        var lines = [
            "# written by hand", "tickTime=2000", "initLimit=10", "syncLimit=5", "dataDir=\(dataDir)",
            "clientPort=2181", "server.1=192.0.2.1:2888:3888", "server.2=192.0.2.2:2888:3888",
            "server.3=192.0.2.3:2888:3888",
        ]
        // What is about a file's very beginning or its ends of lines comes last.
        for dialect in dialects.sorted(by: { $0.order < $1.order }) { dialect.edit(&lines, &random) }
        let text = lines.joined(separator: "\n") + "\n"
        return text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }

    private var order: Int { name.hasPrefix("CR") ? 2 : name.contains("byte order") ? 1 : 0 }

    private static func set(_ lines: inout [String], _ key: String, _ value: String?) {
        lines.removeAll { $0.hasPrefix(key + "=") }
        if let value { lines.append("\(key)=\(value)") }
    }

    private static func mistake(_ random: inout SplitMix64) -> String {
        ["ten", "10s", "0x10", "1.5", "", "99999999999", "5 # ticks", "2\u{A0}"].randomElement(using: &random)
            ?? ""
    }

    static let all = plain + mistakes + stricterOnes

    private static let plain = [
        taken("nothing") { _, _ in },
        taken("escaped colons") { lines, _ in
            lines = lines.map { $0.hasPrefix("server.") ? $0.replacing(":", with: "\\:") : $0 }
        },
        taken("blanks around the separator") { lines, random in
            let separator = [" = ", "\t=\t", ": ", " ", " :"].randomElement(using: &random) ?? "="
            lines = lines.map { $0.replacing("=", with: separator) }
        },
        taken("CR LF") { lines, _ in lines = lines.map { $0 + "\r" } },
        taken("comments that are not ASCII") { lines, _ in lines.insert("# caf\u{C3}\u{A9} \u{E9}", at: 1) },
        taken("a byte order mark before a comment") { lines, _ in
            lines[0] = "\u{EF}\u{BB}\u{BF}" + lines[0]
        },
        taken("a key twice") { lines, random in
            lines.append("tickTime=\(Int.random(in: 1000...3000, using: &random))")
        },
        taken("continued lines") { lines, _ in
            lines = lines.map { $0.replacing(":3888", with: ":\\\n    3888") }
        },
        taken("a participant by name") { lines, _ in
            lines = lines.map { $0.replacing("3:2888:3888", with: "3:2888:3888:participant") }
        },
        taken("an observer") { lines, _ in lines.append("server.9=192.0.2.9:2888:3888:observer") },
        taken("peerType that disagrees") { lines, _ in lines.append("peerType=observer") },
        taken("a suffix with the port", isNew: true) { lines, _ in
            lines = lines.map { $0.replacing("1:2888:3888", with: "1:2888:3888;2181") }
        },
        taken("a suffix for every address", isNew: true) { lines, _ in
            set(&lines, "clientPort", nil)
            lines = lines.map { $0.replacing("1:2888:3888", with: "1:2888:3888;0.0.0.0:2181") }
        },
        taken("IPv6 in brackets", isNew: true) { lines, _ in
            lines = lines.map { $0.replacing("=192.0.2.2:", with: "=[2001:db8::2]:") }
        },
        taken("unknown keys") { lines, _ in lines += ["snapCount=100000", "preAllocSize=65536"] },
        taken("listening on all addresses") { lines, _ in lines.append("quorumListenOnAllIPs=true") },
        taken("dataLogDir as dataDir") { lines, _ in
            lines += lines.filter { $0.hasPrefix("dataDir") }.map {
                $0.replacing("dataDir", with: "dataLogDir")
            }
        },
        taken("session limits") { lines, _ in lines += ["minSessionTimeout=4000", "maxSessionTimeout=40000"]
        },
        taken("autopurge") { lines, _ in
            lines += ["autopurge.snapRetainCount=3", "autopurge.purgeInterval=1"]
        },
        taken("clientPortAddress") { lines, _ in lines.append("clientPortAddress=192.0.2.1") },
        taken("clientPortAddress in brackets") { lines, random in
            let address =
                ["[2001:db8::1]", "[::]", "[0:0:0:0:0:0:0:0]"].randomElement(using: &random) ?? "[::]"
            lines.append("clientPortAddress=\(address)")
        },
        taken("clientPortAddress in brackets beside a suffix", isNew: true) { lines, _ in
            lines = lines.map { $0.replacing("1:2888:3888", with: "1:2888:3888;[2001:db8::1]:2181") }
            lines.append("clientPortAddress=[2001:DB8::1]")
        },
    ]

    private static let mistakes = [
        refused("no initLimit") { lines, _ in set(&lines, "initLimit", nil) },
        refused("no syncLimit") { lines, _ in set(&lines, "syncLimit", nil) },
        refused("initLimit=0") { lines, _ in set(&lines, "initLimit", "0") },
        refused("another electionAlg", isLater: true) { lines, random in
            set(&lines, "electionAlg", ["0", "1", "2", "4"].randomElement(using: &random))
        },
        refused("words where a number belongs") { lines, random in
            let key = [
                "tickTime", "initLimit", "syncLimit", "clientPort", "maxClientCnxns", "minSessionTimeout",
                "maxSessionTimeout", "electionAlg", "autopurge.snapRetainCount", "autopurge.purgeInterval",
            ].randomElement(using: &random)
            set(&lines, key ?? "tickTime", mistake(&random))
        },
        refused("words where a newer version wants a number", isLater: true) { lines, random in
            let key = [
                "secureClientPort", "observerMasterPort", "quorum.cnxn.threads.size",
                "connectToLearnerMasterLimit", "clientPortListenBacklog", "jvm.pause.sleep.time.ms",
                "multiAddress.reachabilityCheckTimeoutMs",
            ].randomElement(using: &random)
            set(&lines, key ?? "secureClientPort", mistake(&random))
        },
        refused("yes for true", isLater: true) { lines, random in
            let key = [
                "syncEnabled", "standaloneEnabled", "reconfigEnabled", "localSessionsEnabled", "sslQuorum",
                "portUnification", "quorumListenOnAllIPs", "quorum.auth.enableSasl", "multiAddress.enabled",
                "quorum.auth.serverRequireSasl", "quorum.auth.learnerRequireSasl", "jvm.pause.monitor",
            ].randomElement(using: &random)
            set(&lines, key ?? "syncEnabled", "yes")
        },
        refused("no dataDir") { lines, _ in set(&lines, "dataDir", nil) },
        refused("tickTime=0") { lines, _ in set(&lines, "tickTime", "0") },
        refused("shortest session above the longest") { lines, _ in
            lines += ["minSessionTimeout=9000", "maxSessionTimeout=8000"]
        },
        refused("no such peerType") { lines, _ in set(&lines, "peerType", "voter") },
        refused("clientPortAddress without a port", isLater: true) { lines, _ in
            set(&lines, "clientPort", nil)
            lines.append("clientPortAddress=192.0.2.1")
        },
        refused("malformed server lines") { lines, random in
            let value = [
                "192.0.2.4:2888:38x8", "192.0.2.4:2888:3888:voter", "192.0.2.4", "192.0.2.4:a:b", "",
            ]
            .randomElement(using: &random)
            lines.append("server.4=\(value ?? "")")
        },
        refused("an id that is no number") { lines, _ in lines.append("server.x=192.0.2.4:2888:3888") },
        refused("no election port") { lines, _ in lines.append("server.4=192.0.2.4:2888") },
        refused("two client ports", isNew: true) { lines, _ in
            lines = lines.map { $0.replacing("1:2888:3888", with: "1:2888:3888;2182") }
        },
        refused("a suffix on another address than the key", isNew: true) { lines, _ in
            lines = lines.map { $0.replacing("1:2888:3888", with: "1:2888:3888;2181") }
            lines.append("clientPortAddress=192.0.2.1")
        },
        refused("several addresses", isNew: true) { lines, _ in
            lines = lines.map { $0.replacing("3:2888:3888", with: "3:2888:3888|192.0.2.33:2888:3888") }
        },
        refused("SASL required and not enabled", isLater: true) { lines, _ in
            lines.append("quorum.auth.learnerRequireSasl=true")
        },
        refused("a broken escape") { lines, _ in lines.append("x=\\u00g1") },
    ]

    private static let stricterOnes = [
        stricter("groups and weights") { lines, random in
            lines +=
                random.next() % 2 == 0 ? ["group.1=1:2:3"] : ["group.1=1:2:3", "weight.1=1", "weight.2=1"]
        },
        stricter("oraclePath") { lines, _ in lines.append("oraclePath=/etc/oracle") },
        stricter("several addresses that are enabled", isNew: true) { lines, _ in
            lines.append("multiAddress.enabled=true")
        },
        stricter("local sessions") { lines, _ in lines.append("localSessionsEnabled=true") },
        stricter("leaderServes=no") { lines, _ in lines.append("leaderServes=no") },
        stricter("server.0") { lines, _ in lines.append("server.0=192.0.2.10:2888:3888") },
        stricter("an id above 255") { lines, _ in lines.append("server.256=192.0.2.10:2888:3888") },
        stricter("an id above 254 with extended types") { lines, _ in
            lines += ["server.255=192.0.2.10:2888:3888", "extendedTypesEnabled=true"]
        },
        stricter("an own line for every address") { lines, random in
            let own = ["0.0.0.0", "localhost", "127.0.1.1"].randomElement(using: &random) ?? "0.0.0.0"
            lines = lines.map { $0.replacing("=192.0.2.1:", with: "=\(own):") }
        },
        stricter("secureClientPort without Netty", isNew: true) { lines, _ in
            lines.append("secureClientPort=2281")
        },
        stricter("an empty dataLogDir") { lines, _ in lines.append("dataLogDir=") },
        stricter("a relative dataLogDir") { lines, _ in lines.append("dataLogDir=log") },
        stricter("a byte order mark before a setting") { lines, _ in
            lines[0] = "\u{EF}\u{BB}\u{BF}syncLimit=5"
        },
        stricter("a blank within a key") { lines, _ in lines.append("\\ tickTime=2000") },
        stricter("a server twice") { lines, _ in lines.append("server.3=192.0.2.3:2888:3888") },
        stricter("one port for two") { lines, _ in set(&lines, "clientPort", "3888") },
        stricter("a port of 0") { lines, _ in lines.append("server.5=192.0.2.5:0:3888") },
        stricter("a negative tickTime") { lines, _ in set(&lines, "tickTime", "-5") },
        stricter("a negative limit") { lines, random in
            set(&lines, ["initLimit", "syncLimit"].randomElement(using: &random) ?? "syncLimit", "-1")
        },
        stricter("a limit beyond 32 bits of milliseconds") { lines, random in
            let key = ["initLimit", "syncLimit"].randomElement(using: &random) ?? "syncLimit"
            set(&lines, key, "\(Int.random(in: 2_147_484...2_000_000_000, using: &random))")
        },
        stricter("a backslash at the end") { lines, _ in lines.append("x=\\") },
    ]
}
