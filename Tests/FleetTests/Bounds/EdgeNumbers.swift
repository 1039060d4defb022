import ControlProtocol
import FoundationEssentials
import Testing
import Topology

/// JSON in which one number after another says what cannot be.
struct EdgeNumbers {
    /// Beyond every bound, and each at the edge of a type or past it.
    static let literals = [
        "-9223372036854775808", "9223372036854775807", "18446744073709551615", "18446744073709551616",
        "1e308",
        "-1e308", "1e999", "0.5", "-9007199254740993",
    ]

    struct Place: Sendable {
        /// The name under which the number stands, or its list does.
        let key: String
        let text: String
        fileprivate let range: Range<Int>

        func saying(_ literal: String) -> Data {
            let bytes = Array(text.utf8)
            return Data(bytes[..<range.lowerBound]) + Data(literal.utf8) + Data(bytes[range.upperBound...])
        }
    }

    /// Every number of a value.
    static func places(in value: some Encodable) throws -> [Place] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        let bytes = Array(text.utf8)
        var places: [Place] = []
        var (key, word) = ("", "")
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                let begin = index + 1
                index = begin
                while bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                word = String(decoding: bytes[begin..<index], as: UTF8.self)
            case UInt8(ascii: ":"): key = word
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let begin = index
                while "-+.eE0123456789".utf8.contains(bytes[index]) { index += 1 }
                places.append(Place(key: key, text: text, range: begin..<index))
                continue
            case _: break
            }
            index += 1
        }
        return places
    }
}

extension Sample {
    /// A status in which nothing is left out.
    static func fullStatus(_ name: String = "s1", epoch: UInt64 = 7) throws -> HostStatus {
        let host = try #require(HostName(name))
        let file = FileState(
            path: "/zoo.cfg",
            digest: "ab",
            size: 12,
            mode: 0o644,
            owner: 0,
            group: 0,
            symlinkTarget: "/etc/zoo.cfg",
            changedAt: 1_800_000_000_000
        )
        let member = Member(
            id: try #require(ServerID(1)),
            address: "198.51.100.1",
            quorumPort: try #require(Port(2888)),
            electionPort: try #require(Port(3888))
        )
        let zookeeper = ZooKeeperStatus(
            service: "zookeeper",
            state: .running(pid: 4711),
            processStartedAt: 1_800_000_000_000,
            configPath: "/zoo.cfg",
            file: file,
            fileView: [member],
            runningView: [member],
            serving: .yes(
                stats: ServerStats(
                    version: ServerVersion(3, 8, 0),
                    role: .leader,
                    zxid: Zxid(epoch: 5, counter: 9),
                    connections: 3,
                    outstanding: 1,
                    nodeCount: 99,
                    syncedFollowers: 2,
                    sessions: 3
                )
            ),
            data: try fullData(),
            peerSockets: [
                PeerSocket(
                    localPort: try #require(Port(2888)),
                    remoteAddress: try #require(IPAddress("198.51.100.2")),
                    remotePort: try #require(Port(40_000))
                )
            ],
            diskFree: 1 << 40,
            javaProperties: ["a": "b"],
            dataSize: 1 << 20,
            lookingFor: 100,
            leadingFor: 50
        )
        return HostStatus(
            host: host,
            agentVersion: "0.1.0",
            protocolVersion: ControlProtocolVersion.current,
            clock: 1_800_000_000_000,
            agentStartedAt: 1_799_999_999_000,
            lease: LeaseState(
                highestEpoch: FencingEpoch(epoch),
                current: try lease(epoch),
                holder: "ops",
                expiresAt: 1_800_000_060_000
            ),
            rules: try fullRules(),
            zookeeper: zookeeper,
            services: [NamedService(name: "kafka.service", state: .running(pid: 9))],
            files: [file],
            credentials: CredentialExpiry(certificate: 1_900_000_000_000, authority: 1, revocationList: 2),
            ruleManagers: [RuleManager(name: "firewalld", pid: 17)]
        )
    }

    private static func fullData() throws -> DataDirectory {
        DataDirectory(
            path: "/data",
            logPath: "/data",
            isEmpty: false,
            myid: 1,
            currentEpoch: 5,
            acceptedEpoch: 5,
            snapshot: Zxid(epoch: 5, counter: 1),
            lastZxid: Zxid(epoch: 5, counter: 9),
            epochEnds: [Zxid(epoch: 5, counter: 9)],
            missing: [ZxidRange(Zxid(epoch: 5, counter: 3), through: Zxid(epoch: 5, counter: 4))],
            problems: []
        )
    }

    private static func fullRules() throws -> InstalledRules {
        InstalledRules(
            backend: .nftables,
            wall: Wall(
                peers: [try #require(IPAddress("198.51.100.2"))],
                scope: .ports(numbers: [try #require(Port(2888))])
            ),
            closed: ClosedPorts(ports: [try #require(Port(2181))], exception: Port(40_001)),
            count: 4,
            counters: [InstalledRules.Counter(chain: "input", family: .ipv4, packets: 3, bytes: 180)],
            listing: "table",
            restored: 1
        )
    }

    static func fullReport() throws -> DetachReport {
        DetachReport(
            service: "zookeeper",
            pid: 4711,
            proof: .held(memory: Zxid(epoch: 5, counter: 9)),
            data: try fullData(),
            rules: try fullRules(),
            copy: "/data/mitosis-r",
            phases: [DetachReport.Phase(name: "closed", milliseconds: 3)]
        )
    }
}
