import ArgumentParser
import Fleet
import Logging
import Procedure
import Settings
import SystemCalls
import Topology
import Trees
import ZooKeeperClient

/// How long a command waits for sessions to end that nobody uses any more.
struct WaitOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Wait so many seconds at most for ephemeral nodes of clients that have moved to go with their sessions; else they are refused.",
            valueName: "seconds"
        )
    )
    var wait = 0

    func validate() throws {
        guard (0...3600).contains(wait) else { throw ValidationError("--wait is from 0 to 3600 seconds") }
    }
}

/// Sessions that own ephemeral nodes in an old copy: told with where their clients are, and waited for where these have moved.
struct LapsingSessions {
    private let plan: MigrationPlan
    private let side: EnsembleSide
    private let session: TreeSession
    private let wait: Duration
    private let log: Logger
    private let timing = Timing.system

    init(
        _ plan: MigrationPlan,
        _ side: EnsembleSide,
        over session: TreeSession,
        wait: WaitOption,
        log: Logger
    ) {
        self.plan = plan
        self.side = side
        self.session = session
        self.wait = .seconds(wait.wait)
        self.log = log
    }

    /// Performs `look`, and again when everybody is gone whom it found.
    func without<Value>(_ look: () async throws -> Value) async throws -> Value {
        let end = timing.monotonic() + wait
        while true {
            do {
                return try await look()
            } catch TreesError.inhabited(let owners, let nodes) {
                try await outlast(owners, nodes, until: end)
            }
        }
    }

    /// Returns when they are gone.
    private func outlast(_ found: [Inhabitant], _ nodes: Int, until end: Duration) async throws {
        var owners = found
        var isTold = false
        let fleet = Result { try AgentFleet(plan: plan, log: log, warn: Output.warn) }
        while !owners.isEmpty {
            guard !Task.isCancelled else { throw TreesError.zooKeeper(.cancelled) }
            let places = await places(of: owners, fleet)
            guard wait > .zero, timing.monotonic() < end, !places.contains(where: \.isInUse) else {
                throw Complaint(refusal(owners, nodes, places))
            }
            if !isTold {
                Output.write(
                    "waiting for \(owners.count) sessions to end, \(wait.components.seconds) s at most: "
                        + list(owners, places) + "\n"
                )
                isTold = true
            }
            await timing.sleep(.seconds(1))
            owners = try await session.remaining(owners)
        }
    }

    private func places(
        of owners: [Inhabitant],
        _ fleet: Result<AgentFleet, any Error>
    ) async -> [Whereabouts.Place] {
        switch fleet {
        case .success(let fleet):
            let clients = await fleet.clients(of: plan.servers.map(\.host), within: .seconds(10))
            let whereabouts = Whereabouts(plan, side, clients: clients)
            return owners.map { whereabouts.place(of: SessionNumber($0.session.value)) }
        case .failure(let error): return owners.map { _ in .untold(reason: "\(error)") }
        }
    }

    private func list(_ owners: [Inhabitant], _ places: [Whereabouts.Place]) -> String {
        // Those first whom somebody has to move.
        let all = zip(owners, places).sorted { $0.1.isInUse && !$1.1.isInUse }
        return all.prefix(5).map { "\($0.sentence): it \($1)" }.joined(separator: "; ")
            + (all.count > 5 ? "; and \(all.count - 5) sessions more" : "")
    }

    private func refusal(_ owners: [Inhabitant], _ nodes: Int, _ places: [Whereabouts.Place]) -> String {
        let way =
            places.contains(where: \.isInUse)
            ? "move these clients first"
            : wait > .zero
                ? "they were waited for in vain: see who they are"
                : "where these are clients that have moved, --wait 60 waits until their sessions have ended"
        return "\(nodes) ephemeral nodes are there: \(list(owners, places)). Nothing was changed; \(way)"
    }
}
