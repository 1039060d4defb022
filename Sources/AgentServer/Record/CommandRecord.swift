package import ControlProtocol
import FoundationEssentials
import SystemCalls

/// `commands.jsonl`: what this agent was told to do and what came of it, kept over restarts.
///
/// An intent is on disk before the agent acts and an outcome before anybody hears of it. After a crash an
/// intent without outcome may have happened; since a command names a desired end, the same command under the
/// same id is then carried out again. Only the last two runs, and 10,000 commands, are kept: an older id
/// counts as new.
package struct CommandRecord: ~Copyable {
    package struct Limits: Sendable {
        package let runs: Int
        package let commands: Int
        package let bytes: Int

        package init(runs: Int = 2, commands: Int = 10_000, bytes: Int = 32 << 20) {
            self.runs = runs
            self.commands = commands
            self.bytes = bytes
        }
    }

    package enum Lookup: Hashable, Sendable {
        case unknown
        /// Recorded before acting, nothing known of its end.
        case open
        case finished(outcome: CommandOutcome)
        /// The id belongs to another command, or to another run.
        case differs
    }

    private struct Known {
        let run: RunID
        let digest: String
        var intent: LineFile.Extent
        var outcome: LineFile.Extent?
    }

    private struct Unsaved {
        let outcome: CommandOutcome
        let at: Int64
    }

    private let limits: Limits
    private let reserve: SpaceReserve
    /// Outcomes that could not be written: served from here, and written as soon as there is room.
    private var unsaved: [CommandID: Unsaved] = [:]
    private var file: LineFile
    private var known: [CommandID: Known] = [:]
    /// Oldest first, by each command's latest intent.
    private var order: [CommandID] = []
    /// Bytes of a torn last line that opening cut off.
    package let discarded: Int

    package init(directory: String, limits: Limits = Limits()) throws(AgentServerError) {
        self.limits = limits
        reserve = SpaceReserve(directory: directory)
        let path = directory + "/commands.jsonl"
        var opened = try Self.opening(path)
        var known: [CommandID: Known] = [:]
        var order: [CommandID] = []
        var number = 0
        discarded = try opened.replay { (extent, line) throws(AgentServerError) in
            number += 1
            let entry: RecordEntry
            do {
                entry = try WireJSON.decode(from: line)
            } catch {
                throw .recordCorrupt(path: path, line: number, reason: JSONProblem.describe(error))
            }
            switch entry {
            case .intent(let intent):
                if known[intent.id] != nil { order.removeAll { $0 == intent.id } }
                known[intent.id] = Known(run: intent.lease.runID, digest: intent.digest, intent: extent)
                order.append(intent.id)
            case .outcome(let id, _, _):
                guard known[id] != nil else {
                    throw .recordCorrupt(
                        path: path,
                        line: number,
                        reason: "an outcome of \(id) without its intent"
                    )
                }
                known[id]?.outcome = extent
            }
        }
        file = opened
        self.known = known
        self.order = order
        reserve.fill()
    }

    /// What is known of this id; `digest` and `run` say whether it is the same command.
    package func look(up id: CommandID, run: RunID, digest: String) throws(AgentServerError) -> Lookup {
        guard let command = known[id] else { return .unknown }
        guard command.run == run, command.digest == digest else { return .differs }
        guard let outcome = try outcome(of: id) else { return .open }
        return .finished(outcome: outcome)
    }

    package func outcome(of id: CommandID) throws(AgentServerError) -> CommandOutcome? {
        if let unsaved = unsaved[id] { return unsaved.outcome }
        guard let extent = known[id]?.outcome else { return nil }
        do {
            let entry = try WireJSON.decode(RecordEntry.self, from: try file.read(extent))
            guard case .outcome(id, _, let outcome) = entry else {
                throw SystemCallError(call: "find the outcome of \(id) in", code: 0)
            }
            return outcome
        } catch let error as SystemCallError {
            throw .storage(path: file.path, operation: error.call, reason: error.reason)
        } catch {
            throw .storage(path: file.path, operation: "read", reason: JSONProblem.describe(error))
        }
    }

    /// Returns once the intent is on disk; throws with nothing recorded.
    ///
    /// - Parameter urgent: for what undoes harm; on a full disk it gets the room kept in reserve.
    package mutating func begin(_ intent: RecordEntry.Intent, urgent: Bool = false) throws(AgentServerError) {
        reserve.fill()
        saveUnsaved()
        do throws(AgentServerError) {
            try makeRoom(for: intent.lease.runID)
        } catch {
            // The file grows beyond its limit, which does less harm than a wall that stays.
            guard urgent else { throw error }
        }
        let extent = try append(.intent(entry: intent), urgent: urgent)
        unsaved[intent.id] = nil
        if known[intent.id] != nil { order.removeAll { $0 == intent.id } }
        known[intent.id] = Known(run: intent.lease.runID, digest: intent.digest, intent: extent)
        order.append(intent.id)
    }

    /// What cannot be written is kept in memory, and written with one of the next commands.
    package mutating func finish(_ id: CommandID, _ outcome: CommandOutcome, at: Int64)
        throws(AgentServerError)
    {
        do throws(AgentServerError) {
            let extent = try append(.outcome(id: id, at: at, outcome: outcome), urgent: true)
            known[id]?.outcome = extent
        } catch {
            unsaved[id] = Unsaved(outcome: outcome, at: at)
            throw error
        }
    }

    private mutating func saveUnsaved() {
        for (id, kept) in unsaved {
            do throws(AgentServerError) {
                let entry = RecordEntry.outcome(id: id, at: kept.at, outcome: kept.outcome)
                let extent = try append(entry, urgent: false)
                known[id]?.outcome = extent
                unsaved[id] = nil
            } catch {
                // Still no room; the outcome stays in memory.
                return
            }
        }
    }

    private mutating func append(_ entry: RecordEntry, urgent: Bool) throws(AgentServerError)
        -> LineFile.Extent
    {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let line = try encoder.encode(entry)
            guard urgent else { return try file.append(line) }
            return try reserve.using { () throws(SystemCallError) in try file.append(line) }
        } catch let error as SystemCallError {
            throw .storage(path: file.path, operation: error.call, reason: error.reason)
        } catch {
            throw .storage(path: file.path, operation: "encode a line of", reason: "\(error)")
        }
    }

    /// Rewrites the file without the oldest runs and commands when there are too many: a new file, complete and
    /// on disk, takes the old one's name.
    private mutating func makeRoom(for run: RunID) throws(AgentServerError) {
        var runs: [RunID] = [run]
        for id in order.reversed() {
            guard let command = known[id], !runs.contains(command.run) else { continue }
            runs.append(command.run)
        }
        let full = order.count >= limits.commands || file.size >= limits.bytes
        guard full || runs.count > limits.runs else { return }
        let recent = Set(runs.prefix(limits.runs))
        let candidates = order.filter { id in known[id].map { recent.contains($0.run) } ?? false }
        // Half of the limit: the next rewrite is far away.
        let kept = full ? Array(candidates.suffix(limits.commands / 2)) : candidates
        try rewrite(keeping: kept)
    }

    private mutating func rewrite(keeping kept: [CommandID]) throws(AgentServerError) {
        let path = file.path
        do throws(SystemCallError) {
            var content = Data()
            for id in kept {
                guard let command = known[id] else { continue }
                content.append(try file.read(command.intent) + Data("\n".utf8))
                if let outcome = command.outcome { content.append(try file.read(outcome) + Data("\n".utf8)) }
            }
            try DurableFile.replace(path, with: [UInt8](content))
        } catch {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        }
        // Reading it again gives the new extents, and checks what was written.
        let unsaved = unsaved
        self = try CommandRecord(directory: String(path.dropLast("/commands.jsonl".count)), limits: limits)
        self.unsaved = unsaved
    }

    private static func opening(_ path: String) throws(AgentServerError) -> LineFile {
        do {
            return try LineFile.opening(path)
        } catch {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        }
    }
}
