import ControlProtocol
import Fleet
import KafkaMetadata
import SystemCalls
import Topology

/// Looks at the fleet until a gate holds, cannot hold, or its deadline passes.
struct GateWatch: Sendable {
    /// Pause between two looks; each look takes about as long again.
    static let pause = Duration.milliseconds(50)

    let fleet: any Fleet
    let ensembles: any EnsembleReading
    let timing: Timing
    let stopRequest: @Sendable () -> StopRequest
    let progress: @Sendable (String) -> Void

    enum Result: Hashable, Sendable {
        case holds(observed: String)
        /// Good enough to go on, and to be said aloud.
        case warned(observed: String)
        case failed(reason: String)
        /// No waiting helps.
        case refuted(reason: String)
    }

    /// What was seen last, how, and when.
    struct Seen: Sendable {
        let look: Look
        let view: FleetView
        let at: Duration
    }

    /// `seen` stands for the first look when it shows all that the gate wants to see and has just been made; it becomes the
    /// last look.
    ///
    /// - Parameter seeing: given every look before it is judged.
    func wait(
        for gate: Gate,
        facts: inout RunFacts,
        seen: inout Seen?,
        seeing: ((FleetView, inout RunFacts) -> Void)? = nil
    ) async -> Result {
        let deadline = timing.monotonic() + gate.deadline
        var same = 0
        var since = timing.monotonic()
        var last: String?
        var told = ""
        var earlier = seen
        while true {
            let now = await look(gate.look, facts: facts, unless: earlier)
            (seen, earlier) = (now, nil)
            seeing?(now.view, &facts)
            let verdict = gate.judge(now.view, facts)
            switch verdict {
            case .holds(let observed), .warns(let observed):
                if observed != last { (same, since) = (0, timing.monotonic()) }
                same += 1
                last = observed
                if same >= gate.looks, timing.monotonic() - since >= gate.lasting {
                    if case .warns = verdict { return .warned(observed: observed) }
                    return .holds(observed: observed)
                }
            case .never(let reason):
                return .refuted(reason: reason)
            case .waiting(let reason):
                same = 0
                last = nil
                if timing.monotonic() >= deadline {
                    let text = "not within \(gate.deadline): \(gate.title); last seen: \(reason)"
                    return gate.isAdvisory ? .warned(observed: text) : .failed(reason: text)
                }
                if reason != told {
                    told = reason
                    progress(reason)
                }
            }
            if stopRequest() == .now {
                return .failed(reason: "stopped at once, as asked; whoever goes on looks again")
            }
            if timing.monotonic() >= deadline + gate.deadline {
                let text = "\(gate.title): it keeps changing, last seen: \(last ?? "nothing")"
                return gate.isAdvisory ? .warned(observed: text) : .failed(reason: text)
            }
            await timing.sleep(gate.interval ?? Self.pause)
        }
    }

    /// How old a look may be that is used again; a new one would be as old by the time when it has come to its end.
    private static let freshness = Duration.milliseconds(100)

    /// Looks, unless what was seen shortly before shows the same.
    func look(_ look: Look, facts: RunFacts, unless earlier: Seen?) async -> Seen {
        if let earlier, timing.monotonic() - earlier.at <= Self.freshness, earlier.look.shows(all: look) {
            return earlier
        }
        return Seen(look: look, view: await self.look(look, facts: facts), at: timing.monotonic())
    }

    func look(_ look: Look, facts: RunFacts) async -> FleetView {
        var view = FleetView()
        let probes = await fleet.probes(of: look.probes)
        view.probes = probes.mapValues(\.results)
        view.probeErrors = probes.compactMapValues(\.error)
        async let hosts = observe(look)
        async let kafka = kafka(look.kafka)
        async let canaries = canaries(look.canaries)
        async let census = census(look.census)
        async let previews = fleet.previews(of: look.walls)
        async let parsers = mapHosts(look.files) { host, contents throws(FleetError) in
            try await fleet.parse(contents, on: host)
        }
        (view.hosts, view.lookedAt) = await hosts
        view.kafka = await kafka
        view.canaries = await canaries
        view.census = await census
        view.previews = await previews
        view.parsers = await parsers
        if look.ownCredentials { view.ownCredentials = await fleet.ownCredentials() }
        if var side = look.wrongSide?(facts) {
            await side.look(through: fleet, within: .seconds(10))
            view.wrongSide = side
        }
        view.histories = await fleet.histories(of: transactions(look.histories, view, facts))
        view.proofs = await proofs(look.proofs.map { $0(facts) })
        return view
    }

    private func observe(_ look: Look) async -> ([HostName: Observation], ClosedRange<Int64>) {
        let began = timing.now()
        let seen =
            look.awaitsServing ? await fleet.observeServing(look.hosts) : await fleet.observe(look.hosts)
        return (seen, began...max(began, timing.now()))
    }

    /// One after another: one session is kept for it.
    private func kafka(_ sources: [KafkaSource]) async -> [KafkaSource: KafkaAnswer] {
        var answers: [KafkaSource: KafkaAnswer] = [:]
        for source in sources {
            do throws(KafkaReadingError) {
                let cluster = try await ensembles.kafka(at: source)
                answers[source] = .success(cluster)
            } catch {
                answers[source] = .failure(error)
            }
        }
        return answers
    }

    private func canaries(_ questions: [CanaryQuestion]) async -> [CanaryQuestion: CanaryAnswer] {
        var answers: [CanaryQuestion: CanaryAnswer] = [:]
        for question in questions { answers[question] = await ensembles.findCanaries(question) }
        return answers
    }

    private func census(_ questions: [CensusQuestion]) async -> [CensusQuestion: CensusSighting] {
        var sightings: [CensusQuestion: CensusSighting] = [:]
        for question in questions {
            sightings[question] = await CensusSighting.take(question, through: fleet, ensembles)
        }
        return sightings
    }

    /// A question that two have is asked once.
    private func proofs(_ questions: [ProofQuestion]) async -> [ProofQuestion: ProofAnswer] {
        var answers: [ProofQuestion: ProofAnswer] = [:]
        for question in questions where answers[question] == nil {
            answers[question] = await ensembles.prove(question) { [progress, stopRequest] said in
                progress(said)
                return stopRequest() != .now
            }
        }
        return answers
    }

    /// Of each host all transactions that any of the questions is about, each once.
    private func transactions(
        _ questions: [Look.HistoryQuestion],
        _ view: FleetView,
        _ facts: RunFacts
    ) -> [HostName: [Zxid]] {
        questions.reduce(into: [:]) { all, ask in
            all.merge(ask(view, facts)) { first, second in first + second.filter { !first.contains($0) } }
        }
    }
}
