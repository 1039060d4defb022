import Diagnostics
import Fleet
import KafkaMetadata
import Logging
import Printable
import Settings
import SystemCalls
import Topology
import ZooKeeperClient

/// Ensembles as a run sees them: what their clients see, and what the diagnostics prove of them.
struct ProvingEnsembles: EnsembleReading {
    /// Findings that are kept with a run; all are counted.
    private static let limit = 20
    /// Characters of one: paths and texts are others'.
    private static let width = 600

    private let clients: EnsembleClients
    private let credentials: [Credentials]
    private let log: Logger

    init(credentials: [Credentials], log: Logger) {
        self.credentials = credentials
        self.log = log
        clients = EnsembleClients(credentials: credentials, log: log)
    }

    func kafka(at source: KafkaSource) async throws(KafkaReadingError) -> KafkaCluster {
        try await clients.kafka(at: source)
    }

    func findCanaries(_ question: CanaryQuestion) async -> CanaryAnswer {
        await clients.findCanaries(question)
    }

    func census(_ question: CensusQuestion) async -> EnsembleCensus {
        let census = await clients.census(question)
        guard case .found(let found) = census.ephemerals else { return census }
        let printable = TreeEphemerals(
            owners: found.owners.map { owner in
                owner.renamed { PrintableText($0, limit: Self.width).description }
            },
            byTree: found.byTree,
            named: found.named,
            missing: found.missing,
            nodes: found.nodes,
            unreadable: found.unreadable,
            unreadablePaths: found.unreadablePaths.map {
                PrintableText($0, limit: Self.width).description
            },
            isWhole: found.isWhole
        )
        return EnsembleCensus(
            ephemerals: .found(printable),
            own: census.own,
            addresses: census.addresses
        )
    }

    func close() async { await clients.close() }

    func prove(
        _ question: ProofQuestion,
        progress: @escaping @Sendable (String) -> Bool
    ) async -> ProofAnswer {
        switch question {
        case .smokeTest(let servers, let root):
            var options = SmokeTest.Options()
            options.root = root
            options.credentials = credentials
            let servers = servers.map { ComparedServer($0) }
            return Self.answer(await SmokeTest(servers, options: options, log: log).report())
        case .comparison(let trees): return Self.answer(await report(trees, progress), trees)
        case .test(let test, let moment): return await run(test, at: moment, progress)
        }
    }

    private func report(
        _ question: TreeQuestion,
        _ progress: @escaping @Sendable (String) -> Bool
    ) async -> ComparisonReport {
        var options = TreeComparison.Options()
        options.rate = question.rate
        options.limit = Self.limit
        options.credentials = credentials
        options.except = Set(question.except)
        if let split = question.split { options.newer = .above(split) }
        let comparison = TreeComparison(
            ComparedSides(
                source: question.source.map { ComparedServer($0) },
                destination: question.destination.map { ComparedServer($0) }
            ),
            path: question.path,
            options: options,
            timing: .system,
            log: log
        )
        // A task of its own: what the operator gives up is the comparison, not the run.
        let task = Task {
            let began = ContinuousClock.now
            return await comparison.report { nodes in
                let rate = Int(Double(nodes) / max(0.001, began.duration(to: .now).seconds))
                if !progress("compared \(nodes) nodes, \(rate)/s of each server") {
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
        }
        return await task.value
    }

    static func answer(_ report: SmokeReport) -> ProofAnswer {
        guard report.isGood else {
            let failures = report.failures.map { "\($0.server): \($0.step.rawValue): \($0.reason)" }
            // A server that nobody could open a session with has shown nothing yet.
            let isOpen = report.failures.allSatisfy { $0.step == .session }
            return ProofAnswer(
                isOpen ? .open : .refuted,
                "the smoke test failed on \(Set(report.failures.map(\.server)).count) of \(report.servers.count) servers",
                details: printable(failures + report.notes)
            )
        }
        let slowest = zip(report.servers, report.milliseconds)
            .map { server, took in (server: server, milliseconds: took.values.max() ?? 0) }
            .max { $0.milliseconds < $1.milliseconds }
        let most = slowest.map {
            ", the slowest answer in \(Int($0.milliseconds.rounded(.up))) ms on \($0.server)"
        }
        let latencies = zip(report.servers, report.milliseconds).compactMap { server, took in
            took.values.max().map { (server, Int($0.rounded(.up))) }
        }
        return ProofAnswer(
            .proven,
            "smoke test: \(report.servers.count) servers are good" + (most ?? ""),
            details: printable(report.notes),
            latencies: Dictionary(latencies) { max($0, $1) }
        )
    }

    static func answer(_ report: ComparisonReport, _ question: TreeQuestion) -> ProofAnswer {
        let place = question.path + (question.split.map { ", divided after \($0)" } ?? "")
        let sum =
            "\(report.nodes) nodes of \(report.servers.joined().count) servers from \(place): \(report.newer) newer on the "
            + "destination, \(report.ended) ended with their sessions, in \(Int(report.seconds.rounded())) s"
        let text = ComparisonText(report)
        if report.different > 0 {
            return ProofAnswer(
                .refuted,
                "DIFFERENT: \(report.different) differences in \(sum)",
                details: printable(text.differences)
            )
        }
        if report.isAbsent {
            return ProofAnswer(
                .open,
                "no server has \(question.path), so nothing was compared: \(sum)",
                details: printable(text.doubts)
            )
        }
        if !report.lost.isEmpty || report.unread > 0 {
            return ProofAnswer(.open, "not all could be read: \(sum)", details: printable(text.doubts))
        }
        if report.unjudgedCount > 0 {
            return ProofAnswer(
                .partly,
                "no difference, but \(report.unjudgedCount) could not be judged: \(sum)",
                details: printable(text.doubts)
            )
        }
        return ProofAnswer(.proven, "equal: \(sum)")
    }

    private static func printable(_ lines: [String]) -> [String] {
        lines.prefix(2 * limit).map { PrintableText($0, limit: width).description }
    }
}
