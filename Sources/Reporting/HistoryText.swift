import ControlProtocol
import Fleet
package import Procedure
import Topology

/// A journal for a person: a head for each run, and below it every step with its commands, verdict and time.
package enum HistoryText {
    package static func head(_ run: RunRecord, _ ending: RunEnding?) -> String {
        let state = ending?.rawValue ?? "under way, or its coordinator died"
        let waived = run.facts.waived.map { "  waived: \($0)\n" }.joined()
        let proofs = run.facts.proofs.sorted { $0.value.at < $1.value.at }.map { step, proof in
            "  \(step): \(proof.answer.result.rawValue): \(proof.answer.summary)\n"
        }
        let window = run.facts.window.map { window in
            "  window: predicted \(window.window) ms, seen \(run.facts.windowSeen.map { "\($0) ms" } ?? "not yet")\n"
        }
        let accepted = run.facts.accepted.sorted { $0.key < $1.key }.map { "  accepted: \($0): \($1)\n" }
        return "run \(run.id)  plan \(run.planDigest.prefix(12))  epoch \(run.epoch)  \(state)\n" + waived
            + ([window].compactMap(\.self) + proofs + accepted).joined()
    }

    /// Where it stands, and the ways on from there; nothing of a run that has come to an end for good.
    package static func standing(_ history: RunHistory, _ ending: RunEnding?) -> String {
        switch ending {
        case .finished, .withdrawn: ""
        case .stopped, nil: "  \(history.standing): \(history.standing.advice)\n"
        }
    }

    package static func text(_ entry: JournalEntry) -> String {
        let attempt = entry.attempt > 1 ? " (attempt \(entry.attempt))" : ""
        let verdict =
            switch entry.verdict {
            case .done(let observed): "done: \(indented(observed))"
            case .failed(let reason): "failed: \(indented(reason))"
            case nil: "intended, no verdict: it may have happened"
            }
        let time =
            entry.decidedAt.map {
                "  \(RunPrinter.seconds(Int(clamping: $0.minus(saturating: entry.intendedAt))))"
            } ?? ""
        let commands = entry.commands.map { "      \($0.host): \($0.command.summary)\n" }.joined()
        return "  \(entry.step)\(attempt)\(time)\n\(commands)      \(verdict)\n"
    }

    /// What a run's terminal had of an event, under its time; empty for what is no line there.
    package static func told(_ event: RunEvent) -> String {
        let time = UnixTime.text(event.at)
        let margin = String(repeating: " ", count: time.count + 4)
        return RunPrinter.lines(event).filter { !$0.isEmpty }
            .map { "  \(time)  \($0.replacing("\n", with: "\n" + margin))\n" }.joined()
    }

    private static func indented(_ text: String) -> String {
        text.replacing("\n", with: "\n        ")
    }
}
