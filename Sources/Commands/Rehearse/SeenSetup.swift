import ControlProtocol
import Fleet
import Logging
import MutualTLS
import Printable
import Procedure
import Rehearsals
import Settings
import SystemCalls
import Topology

/// What a rehearsal is of: the plan, and as much as its agents tell within a bounded time.
///
/// They are only asked what they see; no lease is taken, nothing is changed. They need not answer at all.
struct SeenSetup {
    /// Of each host's look, and of reading all hosts' files: what is there by then is rehearsed with.
    private static let patience = Duration.seconds(30)
    /// Bytes of a zoo.cfg that is taken for one.
    private static let longestFile = 256 << 10

    private let plan: MigrationPlan
    private var statuses: [HostName: HostStatus] = [:]
    private var files: [HostName: String] = [:]
    private var remarks: [String] = []

    /// From the plan alone.
    init(_ plan: MigrationPlan, remarks: [String] = []) {
        self.plan = plan
        self.remarks = remarks
    }

    /// - Parameter survey: of the same plan; nil where nothing was surveyed.
    init(_ plan: MigrationPlan, _ observations: [HostName: Observation], _ survey: Survey?) {
        self.plan = plan
        var silent: [String] = []
        for server in plan.servers {
            switch observations[server.host] {
            case .status(let status): statuses[server.host] = status
            case .silent, nil: silent.append(server.host.description)
            }
            if let content = survey?.file(of: server.host)?.content, content.count <= Self.longestFile {
                files[server.host] = String(decoding: content, as: UTF8.self)
            }
        }
        if statuses.isEmpty {
            remarks.append("no agent answered: rehearsed from the plan alone")
        } else if !silent.isEmpty {
            remarks.append("\(silent.joined(separator: ", ")): the agent did not answer")
        }
    }

    static func look(at plan: MigrationPlan, log: Logger) async -> SeenSetup {
        let fleet: AgentFleet
        do {
            fleet = try AgentFleet(plan: plan, log: log, warn: Output.warn)
        } catch {
            return SeenSetup(
                plan,
                remarks: ["no agent was asked, and it is rehearsed from the plan alone: \(error)"]
            )
        }
        let hosts = plan.servers.map(\.host)
        let looks = await mapHosts(hosts) { host in await fleet.look(at: host, within: patience) }
        let observations = Dictionary(uniqueKeysWithValues: zip(hosts, looks))
        let hasAnswer = looks.contains {
            switch $0 {
            case .status: true
            case .silent: false
            }
        }
        guard hasAnswer else { return SeenSetup(plan, observations, nil) }
        let survey = await Deadline.abandoning(after: patience) {
            await Survey.take(of: plan, through: fleet)
        }
        var seen = SeenSetup(plan, observations, survey)
        if survey == nil {
            let seconds = patience.components.seconds
            seen.remarks.append("not all hosts' files were read within \(seconds) s: none is rehearsed with")
        }
        return seen
    }

    var setup: RehearsedSetup {
        RehearsedSetup(
            plan: plan.name,
            strategy: plan.strategy == .observers ? .observers : .participants,
            scope: plan.scope == .allTCP ? .allTCP : .quorumPorts,
            deadlines: RehearsedSetup.Deadlines(
                join: Int(plan.deadlines.join.components.seconds),
                restart: Int(plan.deadlines.restart.components.seconds),
                division: Int(plan.deadlines.division.components.seconds)
            ),
            source: plan.source.map(server),
            destination: plan.destination.map(server),
            seeds: plan.seeds.map { $0.id.value },
            chroot: plan.kafka?.chroot,
            brokers: plan.brokers.map { broker in
                RehearsedSetup.Broker(
                    id: Int(broker.id.value),
                    host: broker.host.description,
                    address: broker.address
                )
            },
            clients: plan.clients.all.map { client in
                RehearsedSetup.Client(
                    name: client.name,
                    host: client.host.description,
                    address: client.address,
                    kind: Self.kind(of: client.connect)
                )
            },
            tests: plan.tests.map { test in
                RehearsedSetup.Test(
                    name: test.name,
                    command: test.command,
                    seconds: Int(test.limit.components.seconds),
                    isForRehearsals: test.moments.contains(.rehearse)
                )
            },
            waivers: Dictionary(plan.waivers.map { ($0.check.rawValue, Self.line($0.reason)) }) { first, _ in
                first
            },
            remarks: (remarks + treesLeftOut).map(Self.line)
        )
    }

    private var treesLeftOut: [String] {
        let trees = plan.census.declared
        guard !trees.isEmpty else { return [] }
        return [
            "none of the plan's \(trees.count) 'trees' is here: the lab's clients write nodes of their own"
        ]
    }

    private func server(_ server: PlannedServer) -> RehearsedSetup.Server {
        let zookeeper = statuses[server.host]?.zookeeper
        let stats: ServerStats? =
            switch zookeeper?.serving {
            case .yes(let stats): stats
            case .looking, .unreachable, nil: nil
            }
        return RehearsedSetup.Server(
            id: server.id.value,
            host: server.host.description,
            address: server.address,
            version: stats.map { Self.line($0.version.description) },
            configuration: files[server.host],
            nodes: stats?.nodeCount,
            bytes: zookeeper?.dataSize.map { Int(clamping: $0) }
        )
    }

    /// As the lab takes a text: one line, of a bounded length.
    private static func line(_ text: String) -> String { PrintableText(text, limit: 1000).description }

    private static func kind(of place: ConnectPlace) -> RehearsedSetup.ClientKind {
        switch place {
        case .property: .property
        case .variable: .variable
        case .text: .text
        }
    }
}
