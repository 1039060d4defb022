package import ControlProtocol

/// A run as its chain tells of it.
package struct ChainedRun: Hashable, Sendable {
    package let beginning: ChainBeginning
    /// Its survey has no contents.
    package private(set) var record: RunRecord
    package private(set) var entries: [JournalEntry] = []
    /// Nil while it is under way, or after a crash.
    package private(set) var ending: RunEnding?
    package private(set) var endedAt: Int64?

    package init(_ links: [ChainLink]) throws(ChainProblem) {
        guard let first = links.first, case .began(let beginning) = try Self.entry(first) else {
            throw ChainProblem(number: 0, reason: "it does not begin with the beginning of a run")
        }
        guard beginning.format == ChainBeginning.format else {
            throw ChainProblem(
                number: 0,
                reason:
                    "a newer mitosis has written it (format \(beginning.format)); take the run over with that version"
            )
        }
        self.beginning = beginning
        record = RunRecord(
            id: beginning.run,
            plan: beginning.plan,
            planDigest: beginning.planDigest,
            startedAt: beginning.startedAt,
            survey: beginning.survey,
            epoch: FencingEpoch(0)
        )
        for link in links.dropFirst() {
            if let objection = take(try Self.entry(link)) {
                throw ChainProblem(number: link.number, reason: objection)
            }
        }
    }

    package var history: RunHistory { RunHistory(entries) }

    /// With the files' contents, once they have been read from their hosts.
    package mutating func complete(with survey: Survey) {
        record = RunRecord(
            id: record.id,
            plan: record.plan,
            planDigest: record.planDigest,
            startedAt: record.startedAt,
            survey: survey,
            epoch: record.epoch,
            facts: record.facts
        )
    }

    private static func entry(_ link: ChainLink) throws(ChainProblem) -> ChainEntry {
        do throws(WireProblem) {
            return try ChainEntry.opened(link.content)
        } catch {
            throw ChainProblem(number: link.number, reason: "it cannot be understood: \(error)")
        }
    }

    /// Why the entry cannot stand there; nil when it can.
    private mutating func take(_ entry: ChainEntry) -> String? {
        switch entry {
        case .began: return "a run begins a second time"
        case .omitted(let bytes): return "\(bytes) bytes were too many to be kept"
        case .epoch(let number):
            record.epoch = number
            (ending, endedAt) = (nil, nil)
        case .facts(let facts): record.facts = facts
        case .ended(let ending, let at): (self.ending, endedAt) = (ending, at)
        case .intent(let step, let attempt, let commands, let at):
            guard !entries.contains(where: { $0.step == step && $0.attempt == attempt }) else {
                return "attempt \(attempt) at \(step) is begun a second time"
            }
            entries.append(
                JournalEntry(
                    step: step,
                    attempt: attempt,
                    commands: commands,
                    intendedAt: at,
                    verdict: nil,
                    decidedAt: nil
                )
            )
        case .verdict(let step, let attempt, let verdict, let at):
            guard let place = entries.lastIndex(where: { $0.step == step && $0.attempt == attempt }) else {
                return "a verdict on attempt \(attempt) at \(step), which was not begun"
            }
            entries[place] = JournalEntry(
                step: step,
                attempt: attempt,
                commands: entries[place].commands,
                intendedAt: entries[place].intendedAt,
                verdict: verdict,
                decidedAt: at
            )
        }
        return nil
    }
}

/// A chain that no run can be made of.
package struct ChainProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let number: Int
    package let reason: String

    package var description: String { "entry \(number) of the chain: \(reason)" }
}
