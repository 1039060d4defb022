import ControlProtocol
import Testing
import Topology

/// A status in which nothing is missing.
enum FullStatus {
    static func status(_ host: HostName) throws -> HostStatus {
        let run = try #require(RunID("run-1"))
        let address = try #require(IPAddress("198.51.100.7"))
        let port = try #require(Port(2888))
        return HostStatus(
            host: host,
            agentVersion: "0.1.0",
            protocolVersion: 2,
            clock: 1,
            agentStartedAt: 1,
            lease: LeaseState(
                highestEpoch: FencingEpoch(1),
                current: Lease(runID: run, epoch: FencingEpoch(1)),
                holder: "ops",
                expiresAt: 1
            ),
            rules: InstalledRules(
                backend: .nftables,
                wall: Wall(peers: [address], scope: .ports(numbers: [port])),
                closed: ClosedPorts(ports: [port]),
                count: 4,
                counters: [.init(chain: "input", family: .ipv4, packets: 1, bytes: 1)],
                listing: "table inet mitosis {\n\tchain input\n}",
                unreadable: "nft is missing"
            ),
            zookeeper: try zookeeper(address, port),
            services: [
                NamedService(
                    name: "kafka",
                    state: .running(pid: 1),
                    overrides: ["zookeeper.connect": "a:2181"],
                    hasOwnNetwork: true,
                    configPath: "/etc/server.properties"
                ),
                NamedService(name: "mirror", state: .failed(reason: "exit 1")),
            ],
            files: [file("/etc/zoo.cfg"), file("/etc/server.properties")],
            credentials: CredentialExpiry(certificate: 1, authority: 1, revocationList: 1),
            ruleManagers: [RuleManager(name: "firewalld", pid: 17)]
        )
    }

    private static func file(_ path: String) -> FileState {
        FileState(
            path: path,
            digest: "ab",
            size: 1,
            mode: 0o644,
            owner: 0,
            group: 0,
            symlinkTarget: "/etc/other",
            changedAt: 1
        )
    }

    private static func zookeeper(_ address: IPAddress, _ port: Port) throws -> ZooKeeperStatus {
        let member = Member(
            id: try #require(ServerID(1)),
            address: "s1",
            quorumPort: port,
            electionPort: port
        )
        let socket = PeerSocket(localPort: port, remoteAddress: address, remotePort: port)
        return ZooKeeperStatus(
            service: "zookeeper",
            state: .failed(reason: "exit-code"),
            processStartedAt: 1,
            configPath: "/etc/zoo.cfg",
            file: file("/etc/zoo.cfg"),
            fileView: [member],
            runningView: [member],
            serving: .yes(
                stats: ServerStats(
                    version: ServerVersion(3, 8, 0),
                    role: .follower,
                    zxid: Zxid(1),
                    connections: 1,
                    outstanding: 0,
                    nodeCount: 1,
                    syncedFollowers: 1,
                    sessions: 1
                )
            ),
            data: DataDirectory(
                path: "/data",
                logPath: "/log",
                isEmpty: false,
                myid: 1,
                currentEpoch: 1,
                acceptedEpoch: 1,
                snapshot: Zxid(1),
                lastZxid: Zxid(2),
                epochEnds: [Zxid(2)],
                problems: ["/data/myid holds no number"]
            ),
            peerSockets: [socket],
            diskFree: 1,
            javaProperties: [ToldProperties.maxBuffer: "1"],
            dataSize: 1,
            lookingFor: 1,
            leadingFor: 1,
            hasOwnNetwork: true
        )
    }
}
