import Diagnostics
import Logging
import Procedure
import Settings
import SystemCalls
import Topology
import ZooKeeperClient

/// A probe of each side beside a run: of the source from the beginning, of the destination from the time when clients may use it.
struct Probing: Sendable {
    private let plan: MigrationPlan
    private let credentials: [Credentials]
    private let timing: Timing
    private let log: Logger
    private let joined: AsyncStream<Void>
    private let seedsServe: AsyncStream<Void>.Continuation

    /// Nil where the plan does without.
    init?(_ plan: MigrationPlan, credentials: [Credentials], timing: Timing, log: Logger) {
        guard plan.proofs.skipped[.probe] == nil else { return nil }
        self.plan = plan
        self.credentials = credentials
        self.timing = timing
        self.log = log
        (joined, seedsServe) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The seeds serve, and nothing will stop them but the division: on the way back they are stopped, and are to have no clients.
    func begin() { seedsServe.yield() }

    /// Ends when its task is cancelled; no node and no session stays then.
    func watch(_ tell: @escaping @Sendable (ProbeSample) -> Void) async {
        async let source: Void = probe(.source, plan.source, tell)
        async let destination: Void = {
            for await _ in joined { break }
            guard !Task.isCancelled else { return }
            await probe(.destination, plan.seeds, tell)
        }()
        _ = await (source, destination)
    }

    private func probe(
        _ side: ProbedSide,
        _ servers: [PlannedServer],
        _ tell: @escaping @Sendable (ProbeSample) -> Void
    ) async {
        let list = servers.map { ConnectString.Server(host: $0.address, port: $0.clientPort).description }
        guard let connect = ConnectString(list.joined(separator: ",")) else { return }
        var options = EnsembleProbe.Options()
        options.credentials = credentials
        await EnsembleProbe(side, of: connect, plan: plan.name, options: options, timing: timing, log: log)
            .watch(tell)
    }
}
