import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Reporting
import Settings
import TestSupport
import Testing
import Topology

/// A division that was made up: a plan, the events until the window opened, and what its hosts answer then.
struct LiveFixture {
    static let start: Int64 = 1_767_225_600_000
    static let now = start + 431_400

    let plan: MigrationPlan
    var board: LiveBoard
    private let folder: TemporaryFolder

    /// - Parameters:
    ///   - servers: of each side; those of the destination are seeds as far as the plan has them be.
    init(servers: Int = 3, brokers: Int = 3) throws {
        folder = try TemporaryFolder()
        let line = { (id: Int, letter: String, net: Int) in
            "    - {id: \(id), host: \(letter)\(id), address: 198.51.\(net).\(id)}\n"
        }
        let source = (1...servers).map { line($0, "s", 100) }.joined()
        let destination = (servers + 1...2 * servers).map { line($0, "d", 101) }.joined()
        let kafka =
            brokers == 0
            ? ""
            : "kafka:\n  chroot: /kafka\n  brokers:\n" + (1...brokers).map { line($0, "k", 102) }.joined()
        let text =
            "version: 1\nname: kafka-a\npki: {directory: ./pki, coordinator: ops}\n"
            + "source:\n  servers:\n\(source)destination:\n  servers:\n\(destination)\(kafka)"
        plan = try PlanReader.read(path: try folder.write(text, to: "plan.yaml"))
        board = LiveBoard(plan)
        for (seconds, what) in Self.events { tell(what, at: Int64(seconds * 1000)) }
        board.take(WindowPrediction(starts: [1900], bytes: 10_000_000, limit: 20_000, sessions: [:]))
        board.take(
            LiveBoard.Kafka(registered: brokers, planned: brokers, underReplicated: 0),
            at: Self.now - 12_000
        )
    }

    mutating func tell(_ what: RunEvent.What, at milliseconds: Int64) {
        board.take(RunEvent(what, at: Self.start + milliseconds, run: "\(Self.start)-kafka-a"))
    }

    private static let detach = RunEvent.Subject(
        stage: .division,
        step: .detach,
        title: "Detach the seeds, each when its disk holds all that it acknowledged; wall off the rest"
    )

    private static let events: [(seconds: Double, what: RunEvent.What)] = [
        (0, .runStarted(message: "0 steps were done before")),
        (0, .stageStarted(.preflight, title: "Look")),
        (4.2, .stageFinished(.preflight, title: "Look", milliseconds: 4200)),
        (4.2, .stageStarted(.join, title: "Join")),
        (
            9,
            .warning(
                RunEvent.Subject(stage: .join, title: "Restart the sources"),
                message: "s2 took 21 s to serve again"
            )
        ),
        (180, .stageFinished(.join, title: "Join", milliseconds: 175_800)),
        (180, .stageStarted(.repoint, title: "Repoint")),
        (420, .stageFinished(.repoint, title: "Repoint", milliseconds: 240_000)),
        (420, .stageStarted(.division, title: "Divide")),
        (430, .stepStarted(detach)),
        (430.2, .stepWaiting(detach, message: "d4: detaching\nd5: detaching")),
    ]

    /// What a server answers while all is well.
    func server(
        _ host: HostName,
        role: ServerStats.Role = .follower,
        counter: UInt32 = 0x1200,
        rules: Int = 0,
        state: ServiceState = .running(pid: 4711),
        serving: Serving? = nil
    ) throws -> Observation {
        let stats = ServerStats(
            version: ServerVersion(3, 8, 4),
            role: role,
            zxid: Zxid(epoch: 2, counter: counter),
            connections: 5,
            outstanding: 0,
            nodeCount: 1234,
            syncedFollowers: nil,
            sessions: role == .leader ? 12 : nil
        )
        let data = DataDirectory(
            path: "/var/lib/zookeeper",
            logPath: "/var/lib/zookeeper",
            isEmpty: false,
            myid: 1,
            currentEpoch: 2,
            acceptedEpoch: 2,
            lastZxid: Zxid(epoch: 2, counter: counter),
            problems: []
        )
        let zookeeper = ZooKeeperStatus(
            service: "zookeeper.service",
            state: state,
            processStartedAt: Self.start,
            configPath: "/etc/zoo.cfg",
            file: FileState(
                path: "/etc/zoo.cfg",
                digest: nil,
                size: nil,
                mode: nil,
                owner: nil,
                group: nil,
                symlinkTarget: nil,
                changedAt: nil
            ),
            fileView: nil,
            runningView: plan.jointMembers.prefix(6).map { $0 },
            serving: serving ?? .yes(stats: stats),
            data: data,
            peerSockets: nil,
            diskFree: 87_000_000_000
        )
        return .status(status(host, rules: rules, zookeeper: zookeeper))
    }

    func broker(_ host: HostName) -> Observation {
        let service = NamedService(name: "kafka.service", state: .running(pid: 815))
        return .status(status(host, services: [service]))
    }

    private func status(
        _ host: HostName,
        rules: Int = 0,
        zookeeper: ZooKeeperStatus? = nil,
        services: [NamedService] = []
    ) -> HostStatus {
        HostStatus(
            host: host,
            agentVersion: "0.3.0",
            protocolVersion: 2,
            clock: Self.now,
            agentStartedAt: Self.start,
            lease: LeaseState(highestEpoch: FencingEpoch(3), current: nil, holder: nil, expiresAt: nil),
            rules: InstalledRules(
                backend: .nftables,
                wall: nil,
                count: rules,
                counters: [],
                listing: "",
                restored: 0
            ),
            zookeeper: zookeeper,
            services: services
        )
    }

    /// All as it is within the window: the source serves, the seeds are detached and walled off.
    mutating func lookWithinWindow() throws {
        var look: [HostName: Observation] = [:]
        for (index, server) in plan.source.enumerated() {
            look[server.host] = try self.server(
                server.host,
                role: index == 0 ? .leader : .follower,
                counter: 0x1200 - UInt32(min(index, 2))
            )
        }
        for server in plan.destination {
            look[server.host] = try self.server(
                server.host,
                rules: 4,
                state: .stopped,
                serving: .unreachable(reason: "nothing listens")
            )
        }
        for broker in plan.brokers { look[broker.host] = self.broker(broker.host) }
        board.take(look, at: Self.now - 800)
    }

    func screen(_ columns: Int, _ rows: Int) -> [LiveLine] {
        LiveScreen(
            board,
            size: LiveScreen.Size(columns: columns, rows: rows),
            now: Self.now,
            footer: "Ctrl-C stops at the next resting place"
        ).lines
    }
}
