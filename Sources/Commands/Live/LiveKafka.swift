import Fleet
import KafkaMetadata
import Procedure
import Reporting
import Settings
import SystemCalls

/// Reads now and then what ZooKeeper has of Kafka, over a session of its own.
///
/// A large cluster takes long to read: there is a pause of ten times that between two reads.
struct LiveKafka: Sendable {
    private static let shortestPause = Duration.seconds(10)

    private let kafka: PlannedKafka
    private let plan: MigrationPlan
    private let ensembles: EnsembleClients

    /// Nil for a plan without brokers.
    init?(_ plan: MigrationPlan, through ensembles: EnsembleClients) {
        guard let kafka = plan.kafka else { return nil }
        self.kafka = kafka
        self.plan = plan
        self.ensembles = ensembles
    }

    /// Until it is cancelled.
    ///
    /// - Parameter side: where Kafka is just now; nil while nothing is to be asked.
    func work(
        timing: Timing,
        side: @Sendable () -> ProbedSide?,
        seen: @Sendable (LiveBoard.Kafka) -> Void
    ) async {
        while !Task.isCancelled {
            let began = timing.monotonic()
            if let side = side() {
                let servers = side == .source ? plan.source + plan.seeds : plan.destination
                do throws(KafkaReadingError) {
                    let source = KafkaSource(servers: servers, chroot: kafka.chroot)
                    let cluster = try await ensembles.kafka(at: source)
                    if Task.isCancelled { break }
                    let ids = Set(kafka.brokers.map(\.id))
                    seen(
                        LiveBoard.Kafka(
                            registered: cluster.brokers.keys.count(where: ids.contains),
                            planned: ids.count,
                            underReplicated: cluster.underReplicated.count
                        )
                    )
                } catch {
                    // What was seen last stays; the run's own gates tell of what is wrong.
                }
            }
            await timing.sleep(max(Self.shortestPause, (timing.monotonic() - began) * 10))
        }
        await ensembles.close()
    }
}
