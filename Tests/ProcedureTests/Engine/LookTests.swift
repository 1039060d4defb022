import ControlProtocol
import Fleet
import KafkaMetadata
import Settings
import Synchronization
import SystemCalls
import Testing
import Topology

@testable import Procedure

@Suite("What two gates want to see")
struct LookTests {
    private let plan: MigrationPlan
    private let source: KafkaSource
    private let destination: KafkaSource
    private let host: HostName

    init() throws {
        plan = try Fixture.plan(source: 3, destination: 3)
        source = KafkaSource(servers: plan.source, chroot: "/kafka")
        destination = KafkaSource(servers: plan.destination, chroot: "/kafka")
        host = plan.destination[0].host
    }

    private func gate(_ look: Look) -> Gate {
        Gate("seen", looking: look, deadline: .seconds(1)) { _, _ in .holds(observed: "it") }
    }

    @Test("of two ZooKeepers with Kafka both are asked, the same one once")
    func kafka() {
        let both = gate(Look(kafka: source)).and(gate(Look(kafka: destination)))
        #expect(both.look.kafka == [source, destination])
        #expect(both.or(gate(Look(kafka: source))).look.kafka == [source, destination])
        #expect(gate(Look()).and(gate(Look(kafka: source))).look.kafka == [source])
    }

    @Test("of two canaries both are looked for, the same one once")
    func canaries() {
        let one = CanaryQuestion(name: "model", sides: [plan.source])
        let two = CanaryQuestion(name: "model", sides: [plan.source, plan.destination])
        let both = Look(canary: one).merging(Look(canary: two)).merging(Look(canary: one))
        #expect(both.canaries == [one, two])
    }

    @Test("of two questions about histories both are asked")
    func histories() {
        let host = host
        let both = Look(histories: { _, _ in [host: [Zxid(1)]] })
            .merging(Look(histories: { _, _ in [host: [Zxid(2)]] }))
        let asked = both.histories.map { $0(FleetView(), RunFacts()) }
        #expect(asked == [[host: [Zxid(1)]], [host: [Zxid(2)]]])
    }

    @Test("of two walls for a host both are shown to its backend, the same one once")
    func walls() {
        let one = plan.wall(for: plan.destination[0])
        let two = plan.wall(for: plan.destination[1])
        let both = Look(walls: [host: one]).merging(Look(walls: [host: two]))
            .merging(Look(walls: [host: one]))
        #expect(both.walls == [host: one == two ? [one] : [one, two]])
    }

    @Test("a gate judges by the answer to its own question")
    func ownAnswer() {
        let silent = KafkaReadingError(reason: "no server answers")
        let view = FleetView(kafka: [source: .failure(silent)])
        #expect(view.kafka(from: source) == nil)
        #expect(view.kafkaSilence(of: source) == "\(silent)")
        #expect(view.kafkaSilence(of: destination) == "Kafka was not read")
    }

    @Test("a look asks every ZooKeeper and looks for every canary, and keeps each answer with its question")
    func answers() async {
        let canaries = [
            CanaryQuestion(name: "one", sides: [plan.source]),
            CanaryQuestion(name: "two", sides: [plan.destination]),
        ]
        let look = Look(kafka: source, canary: canaries[0])
            .merging(Look(kafka: destination, canary: canaries[1]))
        let ensembles = AskedEnsembles()
        let watch = GateWatch(
            fleet: ModelFleet(plan: plan),
            ensembles: ensembles,
            timing: .system,
            stopRequest: { .none },
            progress: { _ in }
        )
        let view = await watch.look(look, facts: RunFacts())
        #expect(ensembles.asked == [source, destination])
        #expect(view.kafkaSilence(of: source).hasSuffix("1 asked"))
        #expect(view.kafkaSilence(of: destination).hasSuffix("2 asked"))
        #expect(view.canaries[canaries[0]] == .silent(reason: "one"))
        #expect(view.canaries[canaries[1]] == .silent(reason: "two"))
    }

    @Test(
        "a proof that two gates want is made once, by what the run remembers, and given up when the operator says so"
    )
    func proofs() async throws {
        let question: Look.ProofOrder = { [plan] facts in
            .smokeTest(servers: plan.source, root: "/\(facts.waived.joined())")
        }
        let look = Look(proof: question).merging(Look(proof: question))
        #expect(!Look(hosts: [host]).shows(all: look))
        var facts = RunFacts()
        facts.waived = ["root"]
        for (stop, said) in [
            (StopRequest.none, "to the end"), (.atRestingPlace(), "to the end"), (.now, "given up"),
        ] {
            let told = Mutex<[String]>([])
            let watch = GateWatch(
                fleet: ModelFleet(plan: plan),
                ensembles: AskedEnsembles(),
                timing: .system,
                stopRequest: { stop },
                progress: { text in told.withLock { $0.append(text) } }
            )
            let view = await watch.look(look, facts: facts)
            let answer = ProofAnswer(.proven, "1 proved, \(said)")
            let expected = [ProofQuestion.smokeTest(servers: plan.source, root: "/root"): answer]
            #expect(view.proofs == expected)
            #expect(told.withLock { $0 } == ["half of it"])
        }
    }

    @Test("what must be seen for an hour is, however long each look takes")
    func lasting() async {
        let elapsed = Elapsed()
        let timing = Timing(
            now: { 0 },
            monotonic: { elapsed.now },
            // With a look of three seconds.
            sleep: { elapsed.pass($0 + .seconds(3)) }
        )
        let watch = GateWatch(
            fleet: ModelFleet(plan: plan),
            ensembles: AskedEnsembles(),
            timing: timing,
            stopRequest: { .none },
            progress: { _ in }
        )
        let looks = Mutex(0)
        let gate = Gate("seen", looking: Look(), deadline: .seconds(3900)) { _, _ in
            // Away for a moment after a quarter of an hour: it begins anew.
            let isAway = looks.withLock { looks in
                looks += 1
                return looks == 180
            }
            return isAway ? .waiting(reason: "away") : .holds(observed: "it")
        }
        var (facts, seen): (RunFacts, GateWatch.Seen?) = (RunFacts(), nil)
        let result = await watch.wait(
            for: gate.seen(for: .seconds(3600), every: .seconds(2)),
            facts: &facts,
            seen: &seen
        )
        #expect(result == .holds(observed: "it"))
        #expect(elapsed.now >= .seconds(4500) && elapsed.now < .seconds(4510))
        #expect(gate.seen(for: .seconds(7), every: nil).and(gate).lasting == .seconds(7))
    }

    @Test("what one host's history is asked by two questions is asked at once, each transaction once")
    func sharedHistory() async {
        let host = host
        let look = Look(histories: { _, _ in [host: [Zxid(1), Zxid(2)]] })
            .merging(Look(histories: { _, _ in [host: [Zxid(2), Zxid(3)]] }))
        let watch = GateWatch(
            fleet: ModelFleet(plan: plan),
            ensembles: AskedEnsembles(),
            timing: .system,
            stopRequest: { .none },
            progress: { _ in }
        )
        guard case .found(let presence)? = await watch.look(look, facts: RunFacts()).histories[host] else {
            Issue.record("no history")
            return
        }
        #expect(presence.keys.sorted() == [Zxid(1), Zxid(2), Zxid(3)])
    }
}

/// Ensembles that say how often they were asked.
private final class AskedEnsembles: EnsembleReading {
    private let log = Mutex<[KafkaSource]>([])
    private let proved = Mutex(0)

    var asked: [KafkaSource] { log.withLock { $0 } }

    func kafka(at source: KafkaSource) async throws(KafkaReadingError) -> KafkaCluster {
        let count = log.withLock { log in
            log.append(source)
            return log.count
        }
        throw KafkaReadingError(reason: "\(count) asked")
    }

    func census(_ question: CensusQuestion) async -> EnsembleCensus {
        EnsembleCensus(ephemerals: .silent(reason: "\(question.trees)"))
    }

    func findCanaries(_ question: CanaryQuestion) async -> CanaryAnswer { .silent(reason: question.name) }

    func prove(_ question: ProofQuestion, progress: @escaping @Sendable (String) -> Bool) async -> ProofAnswer
    {
        let count = proved.withLock { proved in
            proved += 1
            return proved
        }
        return ProofAnswer(.proven, "\(count) proved, \(progress("half of it") ? "to the end" : "given up")")
    }
}
