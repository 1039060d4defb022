package import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// `commands.jsonl`: what this agent was told to do and what came of it, kept over restarts.
///
/// An intent is on disk before the agent acts and an outcome before anybody hears of it. After a crash an
/// intent without outcome may have happened; since a command names a desired end, the same command under the
/// same id is then carried out again. Only the last two runs, and 10,000 commands, are kept: an older id
/// counts as new.
///
/// Every line bears a checksum. What becomes of a line that is not what was written:
///
/// | found | the record | a command |
/// |---|---|---|
/// | at opening | the file is kept under another name; the sound lines, and a line that says so, take its place | `RecordDamage` |
/// | at opening, on a full disk | stays as it is, and is found again by the next opening | the same |
/// | when it is looked up, or the record rewritten | the same at the next opening | `damaged`, as long as its line is |
/// | an earlier version's, without checksums | is rewritten with them | as ever |
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
        /// What is recorded of it cannot be believed, or it may have been on a line that cannot be read.
        case damaged(reason: String)
    }

    private struct Unsaved {
        let outcome: CommandOutcome
        let at: Int64
    }

    /// Far above any limit of `Limits.bytes`, and of what is written beyond it when there is no other way.
    private static let largest = 256 << 20

    private let limits: Limits
    private let reserve: SpaceReserve
    /// Outcomes that could not be written: served from here, and written as soon as there is room.
    private var unsaved: [CommandID: Unsaved] = [:]
    private var file: LineFile
    /// Set when another file may have this one's name: lines would be written where nobody finds them.
    private var isStale = false
    private var known: [CommandID: RecordReplay.Known] = [:]
    /// Oldest first, by each command's latest intent.
    private var order: [CommandID] = []
    /// Bytes of a torn last line that opening cut off.
    package let discarded: Int
    /// What an opening found, this one or an earlier one.
    package let damage: RecordDamage?
    private let fence: FencingEpoch
    private let replace: Replace

    /// As `DurableFile.replace`; tests have it fail.
    typealias Replace = @Sendable (String, [UInt8]) throws(SystemCallError) -> Void

    /// - Parameter fence: the highest epoch ever granted here, as the lease file has it.
    package init(
        directory: String,
        limits: Limits = Limits(),
        fence: FencingEpoch = FencingEpoch(0)
    ) throws(AgentServerError) {
        try self.init(directory: directory, limits: limits, fence: fence) {
            (path, content) throws(SystemCallError) in
            try DurableFile.replace(path, with: content)
        }
    }

    init(
        directory: String,
        limits: Limits,
        fence: FencingEpoch,
        replace: @escaping Replace
    ) throws(AgentServerError) {
        let path = directory + "/commands.jsonl"
        var opened = try Self.opening(path)
        var replay = try Self.replay(&opened)
        let discarded = replay.discarded
        var damage = replay.marker
        if let first = replay.damaged.first {
            damage = RecordDamage(
                epoch: max(fence, replay.highest),
                count: replay.damaged.count,
                line: first.line,
                reason: first.reason,
                copy: Self.keepAside(path)
            )
        }
        if !replay.damaged.isEmpty || replay.hasUnsealed {
            do throws(AgentServerError) {
                let content = try Self.content(of: opened, replay.order, replay.known, damage)
                do throws(SystemCallError) { try replace(path, content) } catch {
                    throw .storage(path: path, operation: error.call, reason: error.reason)
                }
                opened = try Self.opening(path)
                replay = try Self.replay(&opened)
            } catch {
                // It is as good as before; the next opening tries again.
                opened = try Self.opening(path)
                replay = try Self.replay(&opened)
            }
        }
        self.limits = limits
        self.fence = fence
        self.replace = replace
        self.discarded = discarded
        self.damage = damage
        reserve = SpaceReserve(directory: directory)
        file = opened
        known = replay.known
        order = replay.order
        reserve.fill()
    }

    private static func replay(_ file: inout LineFile) throws(AgentServerError) -> RecordReplay {
        var replay = RecordReplay()
        if file.size > largest {
            replay.refuse("the file is \(file.size >> 20) MiB long, which no record is")
        } else {
            replay.discarded = try file.replay { replay.take($0, $1) }
        }
        return replay
    }

    /// The file under another name, so that nothing of it is lost; nil when that cannot be had.
    ///
    /// By its number on the disk: a file that is found damaged twice is kept once.
    private static func keepAside(_ path: String) -> String? {
        var found = stat()
        guard lstat(path, &found) == 0 else { return nil }
        let copy = path + ".damaged-\(found.st_ino)"
        return link(path, copy) == 0 || errno == EEXIST ? copy : nil
    }

    /// What is known of this id; `digest` and the lease's run say whether it is the same command.
    package func look(up id: CommandID, under lease: Lease, digest: String) throws(AgentServerError)
        -> Lookup
    {
        guard let command = known[id] else { return unfinished(lease) ?? .unknown }
        guard command.run == lease.runID, command.digest == digest else { return .differs }
        do throws(AgentServerError) {
            guard let outcome = try outcome(of: id) else { return unfinished(lease) ?? .open }
            return .finished(outcome: outcome)
        } catch .recordDamaged(let path, let line, let reason) {
            return .damaged(
                reason: AgentServerError.recordDamaged(path: path, line: line, reason: reason).description
            )
        } catch {
            throw error
        }
    }

    private func unfinished(_ lease: Lease) -> Lookup? {
        guard let damage, lease.epoch <= damage.epoch else { return nil }
        return .damaged(reason: damage.objection)
    }

    package func outcome(of id: CommandID) throws(AgentServerError) -> CommandOutcome? {
        if let unsaved = unsaved[id] { return unsaved.outcome }
        guard let extent = known[id]?.outcome else { return nil }
        let line = try Self.sound(extent, of: file)
        do {
            guard case .outcome(id, _, let outcome) = try WireJSON.decode(RecordEntry.self, from: line)
            else {
                throw AgentServerError.recordDamaged(
                    path: file.path,
                    line: extent.line,
                    reason: "it is not the outcome of \(id)"
                )
            }
            return outcome
        } catch let error as AgentServerError {
            throw error
        } catch {
            throw .recordDamaged(path: file.path, line: extent.line, reason: WireJSON.describe(error))
        }
    }

    /// A line without its checksum, which matched.
    private static func sound(_ extent: LineFile.Extent, of file: borrowing LineFile) throws(AgentServerError)
        -> Data
    {
        do throws(SystemCallError) {
            switch SealedJSON.open(try file.read(extent)) {
            case .sound(let object), .unsealed(let object): return Data(object)
            case .damaged: break
            }
        } catch {
            throw .storage(path: file.path, operation: error.call, reason: error.reason)
        }
        throw .recordDamaged(path: file.path, line: extent.line, reason: "its checksum does not match")
    }

    private static func content(
        of file: borrowing LineFile,
        _ order: [CommandID],
        _ known: [CommandID: RecordReplay.Known],
        _ damage: RecordDamage?
    ) throws(AgentServerError) -> [UInt8] {
        var content: [UInt8] = []
        if let damage { content += try line(.damaged(damage: damage), of: file.path) + [UInt8(ascii: "\n")] }
        for id in order {
            guard let command = known[id] else { continue }
            for extent in [command.intent, command.outcome].compactMap({ $0 }) {
                content += SealedJSON.seal(try sound(extent, of: file)) + [UInt8(ascii: "\n")]
            }
        }
        return content
    }

    /// Returns once the intent is on disk; throws with nothing recorded.
    ///
    /// - Parameter urgent: for what undoes harm; on a full disk it gets the room kept in reserve.
    package mutating func begin(_ intent: RecordEntry.Intent, urgent: Bool = false) throws(AgentServerError) {
        if isStale { try reopen() }
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
        known[intent.id] = RecordReplay.Known(run: intent.lease.runID, digest: intent.digest, intent: extent)
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
        let line = Data(try Self.line(entry, of: file.path))
        do throws(SystemCallError) {
            guard !isStale else {
                throw SystemCallError(call: "append to (after an earlier failure)", code: EIO)
            }
            guard urgent else { return try file.append(line) }
            return try reserve.using { () throws(SystemCallError) in try file.append(line) }
        } catch {
            throw .storage(path: file.path, operation: error.call, reason: error.reason)
        }
    }

    private static func line(_ entry: RecordEntry, of path: String) throws(AgentServerError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return SealedJSON.seal(try encoder.encode(entry))
        } catch {
            throw .storage(path: path, operation: "encode a line of", reason: "\(error)")
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
        let content = try Self.content(of: file, kept, known, damage)
        let path = file.path
        do throws(SystemCallError) {
            try replace(path, content)
        } catch {
            // Whether the new file is in place or not, its name leads to what counts.
            isStale = true
            try reopen()
            throw .storage(path: path, operation: error.call, reason: error.reason)
        }
        isStale = true
        try reopen()
    }

    /// Reading it again gives the new extents, and checks what was written.
    private mutating func reopen() throws(AgentServerError) {
        let unsaved = unsaved
        self = try CommandRecord(
            directory: String(file.path.dropLast("/commands.jsonl".count)),
            limits: limits,
            fence: fence,
            replace: replace
        )
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
