import ControlProtocol
import Fleet
import Printable
import Procedure
import Settings
import Topology

extension RunReport {
    package init(_ source: ReportSource, at now: Int64) {
        let (record, facts) = (source.record, source.record.facts)
        let timeline = ReportTimeline(source)
        let orders = ReportOrders(source)
        program = ProgramVersion.line(of: "mitosis")
        madeAt = now
        run = record.id.description
        plan = record.plan
        planDigest = record.planDigest
        epoch = record.epoch.value
        standing = source.history.standing
        switch source.ending {
        case .finished: (state, advice) = (.finished, nil)
        case .withdrawn: (state, advice) = (.withdrawn, nil)
        case .stopped: (state, advice) = (.stopped, source.history.standing.advice)
        case nil: (state, advice) = (.underWay, source.history.standing.advice)
        }
        startedAt = record.startedAt
        endedAt = source.endedAt
        activeMilliseconds = timeline.end
        setting = source.procedure.map { Setting($0.plan) }
        stages = timeline.visits
        let probed = ProbedSide.allCases.compactMap { Probed($0, source.probes) }
        probes = probed.isEmpty ? nil : probed
        unavailability = Unavailability(
            source: probed.first { $0.side == .source }.map { Int64($0.longestGap) },
            destination: facts.windowSeen,
            destinationFrom: facts.windowOpenedAt,
            destinationTo: facts.windowClosedAt
        )
        window = facts.window.map { Window($0, seen: facts.windowSeen) }
        split = facts.split?.description
        histories = Self.histories(facts)
        starts = facts.starts.sorted { $0.key < $1.key }
            .map { Start(host: $0.key, milliseconds: $0.value.milliseconds) }
        proofs = Self.proofs(facts, timeline)
        checks = Self.checks(source.observed(.preflightChecks) ?? "")
        census = source.observed(.nobodyStays)
        files = orders.files
        walls = orders.walls
        tests = Self.tests(source, timeline)
        waived = facts.waived.map { PrintableText(lines: $0).description }
        accepted = facts.accepted.sorted { $0.key < $1.key }
            .map { Acceptance(step: $0.key, reason: PrintableText(lines: $0.value).description) }
        planText = source.beginning.map { Self.shown($0.planText) }
        inventoryText = source.beginning?.inventoryText.map(Self.shown)
        summary = ReportSummary(source, walls: orders.walls).claims
        notRecorded = []
        notRecorded = missing
    }

    /// What a reader would look for and this journal does not hold.
    private var missing: [String] {
        [
            unavailability.source == nil ? "unavailability of the source: it was not probed" : nil,
            unavailability.destination == nil ? "window: no division came to its end" : nil,
            window == nil ? "predicted window" : nil,
            histories.isEmpty ? "ends of histories: no node was detached" : nil,
            starts.isEmpty ? "starts of nodes" : nil,
            proofs.contains { $0.latencies != nil } ? nil : "latencies of the smoke tests",
            census == nil ? "census of clients" : nil,
            planText == nil ? "text of the plan" : nil,
            setting == nil
                ? "titles of steps, and who moves: the plan file has changed since the run began"
                : nil,
            files.contains { $0.difference == nil }
                ? "contents of files: the run was taken over without them" : nil,
        ].compactMap(\.self)
    }

    private static func histories(_ facts: RunFacts) -> [NodeHistory] {
        let freshest = facts.detached.values.map(\.end).max()
        return facts.detached.sorted { $0.key < $1.key }.map { host, node in
            let isComparable = node.end.zxid.epoch == freshest?.zxid.epoch
            return NodeHistory(
                host: host,
                epoch: node.end.epoch,
                zxid: node.end.zxid.description,
                behind: isComparable
                    ? freshest.map {
                        UInt64($0.zxid.counter) - UInt64(min($0.zxid.counter, node.end.zxid.counter))
                    }
                    : nil,
                proof: PrintableText(node.proof.sentence).description,
                isProven: node.proof.isKnown
            )
        }
    }

    private static func proofs(_ facts: RunFacts, _ timeline: ReportTimeline) -> [Proof] {
        facts.proofs.sorted { ($0.value.at, $0.key) < ($1.value.at, $1.key) }.map { step, proof in
            Proof(
                step: step,
                title: timeline.title(of: StepID(step)),
                at: proof.at,
                result: proof.answer.result.rawValue,
                summary: PrintableText(proof.answer.summary).description,
                details: proof.answer.details.map { PrintableText($0).description },
                latencies: proof.answer.latencies
            )
        }
    }

    /// Steps by their ids: `STAGE.test-1`.
    private static func tests(_ source: ReportSource, _ timeline: ReportTimeline) -> [TestRun] {
        let outputs = Dictionary(source.outputs.map { ($0.place, $0.text) }) { $1 }
        return timeline.visits.flatMap(\.steps).filter { $0.step.contains(".test-") }.map { attempt in
            let place = StepOutput.Place(step: StepID(attempt.step), attempt: attempt.attempt)
            return TestRun(
                step: attempt.step,
                title: attempt.title,
                attempt: attempt.attempt,
                at: attempt.intendedAt,
                result: attempt.result,
                output: outputs[place].map { PrintableText(lines: $0).description }
            )
        }
    }

    /// The findings as the preflight's verdict lists them: a line begins with its check's name, or goes on with the one before.
    private static func checks(_ observed: String) -> [Check] {
        var found: [Check] = []
        for line in observed.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if let name = parts.first.flatMap({ CheckName(rawValue: String($0)) }), parts.count == 2 {
                let text = parts[1].drop { $0 == " " }
                found.append(Check(name: name.rawValue, traps: name.traps, observed: String(text)))
            } else if let last = found.popLast() {
                found.append(Check(name: last.name, traps: last.traps, observed: "\(last.observed)\n\(line)"))
            }
        }
        return found
    }

    private static func shown(_ text: String) -> String {
        PrintableText(lines: SecretValues.hidden(in: text)).description
    }
}

extension RunReport.Setting {
    fileprivate init(_ plan: MigrationPlan) {
        strategy = plan.strategy.rawValue
        source = plan.source.map(\.host.description)
        destination = plan.destination.map(\.host.description)
        brokers = plan.brokers.map { "\($0.id) (\($0.host))" }
        trees = plan.census.trees
    }
}

extension RunReport.Window {
    fileprivate init(_ prediction: WindowPrediction, seen: Int64?) {
        predicted = prediction.window
        predictedWithStall = prediction.worst
        self.seen = seen
        slowestStart = prediction.start
        isMeasured = prediction.isMeasured
        megabytes = prediction.megabytes
        startLimit = prediction.limit
        sessions = prediction.sessions
    }
}
