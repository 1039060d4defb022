import ControlProtocol
import Fleet
import Printable
import Procedure
import Settings
import Topology

extension StepID {
    static let preflightChecks: StepID = "preflight.checks"
    static let nobodyStays: StepID = "division.clients"
    static let leaderHoldsAll: StepID = "division.history"
    static let sessionsKept: StepID = "division.sessions"
    static let sessionsAtTheEnd: StepID = "clean-up.kafka"
    static let treesCompared: StepID = "proof.compare"
    static let writesAtTheEnd: StepID = "clean-up.writes"
    static let rulesRemoved: StepID = "clean-up.remove-rules"
}

/// The first lines of a report: each says what a proof of the run says, and nothing where there is none.
struct ReportSummary {
    private let source: ReportSource
    private let walls: [RunReport.WallSpan]

    init(_ source: ReportSource, walls: [RunReport.WallSpan]) {
        self.source = source
        self.walls = walls
    }

    var claims: [RunReport.Claim] {
        [moved, window, lost, left, trees, sessions, rules].compactMap(\.self)
    }

    private var facts: RunFacts { source.facts }

    private var moved: RunReport.Claim {
        let (value, judgement): (String, RunReport.Claim.Judgement) =
            switch source.ending {
            case .finished: ("yes", .good)
            case .withdrawn: ("taken back", .open)
            case .stopped, nil: ("not yet", .open)
            }
        let plan = source.procedure?.plan
        let sides = plan.map { plan in
            "from \(plan.source.map(\.host.description).joined(separator: ", ")) to "
                + plan.destination.map(\.host.description).joined(separator: ", ")
        }
        let trees = plan?.census.trees ?? []
        let what = trees.isEmpty ? nil : trees.joined(separator: ", ")
        return claim(
            .moved,
            "Moved",
            value,
            judgement,
            [what, sides, source.ending == .finished ? nil : "the migration is \(source.history.standing)"]
                .compactMap(\.self)
                .joined(separator: "; ")
        )
    }

    private var window: RunReport.Claim {
        let predicted = facts.window.map { "predicted \(RunPrinter.seconds($0.window))" }
        guard let seen = facts.windowSeen else {
            let isOpen = facts.windowOpenedAt != nil && source.history.standing == .dividing
            return claim(
                .window,
                "Window",
                isOpen ? "open" : "not yet",
                .open,
                predicted ?? "nobody has been without ZooKeeper by this run"
            )
        }
        let shortest = facts.window?.sessions.values.min()
        let isShort = shortest.map { seen < Int64($0) } ?? true
        return claim(
            .window,
            "Window",
            RunPrinter.seconds(Int(clamping: seen)),
            isShort ? .good : .bad,
            [
                predicted ?? "no prediction was recorded",
                shortest.map { "the shortest session lasts \(RunPrinter.seconds($0))" },
            ].compactMap(\.self).joined(separator: "; "),
            [.detach, .startFirstQuorum]
        )
    }

    /// Nothing was lost when every detached history was known whole, the leader held all of them, and the trees agree.
    private var lost: RunReport.Claim {
        let steps: [StepID] = [.detach, .leaderHoldsAll, .treesCompared]
        guard let held = source.observed(.leaderHoldsAll) else {
            return claim(
                .lost,
                "Writes lost",
                "not yet known",
                .open,
                "nothing was divided, or not to the end"
            )
        }
        let unproven = facts.detached.filter { !$0.value.proof.isKnown }.keys.sorted()
        guard unproven.isEmpty else {
            return claim(
                .lost,
                "Writes lost",
                "not proven",
                .bad,
                "what \(unproven.joined(separator: ", ")) acknowledged before the end is not known",
                steps
            )
        }
        guard let proof = facts.proofs[StepID.treesCompared.description]?.answer else {
            return claim(
                .lost,
                "Writes lost",
                "not compared",
                .open,
                "\(held); both sides' trees were not compared",
                steps
            )
        }
        switch proof.result {
        case .proven: return claim(.lost, "Writes lost", "0", .good, "\(held); no node differs", steps)
        case .partly:
            return claim(.lost, "Writes lost", "0 of what could be judged", .open, proof.summary, steps)
        case .refuted: return claim(.lost, "Writes lost", "see the trees", .bad, proof.summary, steps)
        case .open: return claim(.lost, "Writes lost", "not compared", .open, proof.summary, steps)
        }
    }

    private var left: RunReport.Claim {
        guard facts.wrongSide.isEmpty else {
            return claim(
                .left,
                "Left behind",
                "wrote on the source",
                .bad,
                facts.wrongSide.prefix(20).joined(separator: "; "),
                [.nobodyStays, .writesAtTheEnd]
            )
        }
        guard let census = source.observed(.nobodyStays) else {
            let isDivided = facts.windowOpenedAt != nil
            return claim(
                .left,
                "Left behind",
                isDivided ? "not recorded" : "not yet known",
                isDivided ? .notRecorded : .open,
                isDivided
                    ? "no census was made before the division" : "the census is made before the division"
            )
        }
        return claim(.left, "Left behind", "0", .good, census, [.nobodyStays])
    }

    private var trees: RunReport.Claim {
        guard let proof = facts.proofs[StepID.treesCompared.description]?.answer else {
            let skipped = source.observed(.treesCompared)
            return claim(
                .trees,
                "Trees",
                "not compared",
                skipped == nil ? .open : .notRecorded,
                skipped ?? "they are compared after the division",
                [.treesCompared]
            )
        }
        let reason = facts.accepted[StepID.treesCompared.description]
        let detail = proof.summary + (reason.map { "; accepted: \($0)" } ?? "")
        let (value, judgement): (String, RunReport.Claim.Judgement) =
            switch proof.result {
            case .proven: ("equal", .good)
            case .partly: ("equal as far as judged", .open)
            case .refuted: ("DIFFERENT", .bad)
            case .open: ("not compared", .open)
            }
        return claim(.trees, "Trees", value, judgement, detail, [.treesCompared])
    }

    private var sessions: RunReport.Claim? {
        guard source.procedure?.plan.kafka != nil else { return nil }
        let steps: [StepID] = [.sessionsKept, .sessionsAtTheEnd]
        guard let kept = source.observed(.sessionsAtTheEnd) ?? source.observed(.sessionsKept) else {
            return claim(.sessions, "Brokers' sessions", "not yet known", .open, "seen after the division")
        }
        // The run goes on whatever is seen: that the step is done says nothing.
        let areKept = kept.hasPrefix(KafkaProcedure.keptSessions)
        return claim(
            .sessions,
            "Brokers' sessions",
            areKept ? "kept" : "not all seen to be kept",
            areKept ? .good : .bad,
            kept,
            steps
        )
    }

    private var rules: RunReport.Claim {
        let standing = Set(walls.filter { $0.removedAt == nil }.map(\.host)).sorted()
        if !standing.isEmpty {
            return claim(
                .rules,
                "Rules left",
                "\(standing.count) hosts",
                .open,
                "a wall stands on \(standing.joined(separator: ", ")), as far as the journal tells"
            )
        }
        if let read = source.observed(.rulesRemoved) {
            return claim(.rules, "Rules left", "0", .good, "read back: \(read)", [.rulesRemoved])
        }
        return claim(
            .rules,
            "Rules left",
            walls.isEmpty ? "none raised" : "0",
            walls.isEmpty ? .open : .good,
            walls.isEmpty ? "the division raises them" : "every wall was removed on the way back"
        )
    }

    /// Only steps that the journal holds are named.
    private func claim(
        _ subject: RunReport.Claim.Subject,
        _ title: String,
        _ value: String,
        _ judgement: RunReport.Claim.Judgement,
        _ detail: String,
        _ steps: [StepID] = []
    ) -> RunReport.Claim {
        let known = Set(source.entries.map(\.step))
        return RunReport.Claim(
            subject: subject,
            title: title,
            value: value,
            judgement: judgement,
            detail: PrintableText(lines: detail).description,
            steps: steps.filter(known.contains).map(\.description)
        )
    }
}
