import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Topology

/// Remembers which ensemble a running process read when it started, when that can be known.
///
/// It can when the file was last changed before the start. What was once known is kept, in memory and on disk,
/// for as long as that very process runs: later edits of the file say nothing about it.
struct RunningViews {
    private struct Record: Codable, Bounded {
        let process: ProcessIdentity
        let path: String
        let members: [Member]

        func check() throws(OutOfBounds) {
            try check("process.pid", process.pid, Bound.processID)
            try check("members", elementsOf: members)
        }
    }

    private let file: String
    private var record: Record?
    private var isLoaded = false
    /// What is wrong with the record on disk; told until the agent is restarted.
    private(set) var problem: String?

    init(stateDirectory: String) { file = stateDirectory + "/running-view.json" }

    /// Nil when it cannot be known what the process read.
    ///
    /// Between its start and its first answer a process may not have read its file yet, so nothing new is taken
    /// for known before `hasAnswered`; `config` must have been read after that answer.
    mutating func view(of process: ProcessIdentity, _ config: ServerConfigFile, hasAnswered: Bool)
        -> [Member]?
    {
        load()
        if let record, record.process == process, record.path == config.path { return record.members }
        guard hasAnswered, let members = config.configuration?.members, let changedAt = config.changedAt,
            Self.isBefore(changedAt, start: process.startedAt)
        else { return nil }
        let record = Record(process: process, path: config.path, members: members)
        self.record = record
        save(record)
        return members
    }

    /// Both times are rounded down: a file's to a tick of the coarse clock, a start's to a clock tick.
    ///
    /// So a change counts as earlier only when it is at least one tick of the coarse clock older than the
    /// earliest start. Correct as long as nobody sets the host's clock in between.
    static func isBefore(_ changedAt: Int64, start: Int64) -> Bool {
        var tick = timespec()
        clock_getres(CLOCK_REALTIME_COARSE, &tick)
        return changedAt.plus(saturating: Int64(tick.tv_nsec)) < start
    }

    private mutating func load() {
        guard !isLoaded else { return }
        isLoaded = true
        do {
            switch SealedJSON.open(try OpenFile(regular: file).content(limit: 1 << 20)) {
            case .sound(let object): record = try WireJSON.decode(Record.self, from: Data(object))
            case .unsealed(let object):
                let found = try WireJSON.decode(Record.self, from: Data(object))
                record = found
                save(found)
            case .damaged: throw SystemCallError(call: "match the checksum of", code: EBADMSG)
            }
        } catch FileError.unavailable(_, _, code: ENOENT) {
            record = nil
        } catch let error as FileError {
            problem = error.description
        } catch {
            let aside = file + ".damaged"
            let kept = rename(file, aside) == 0 ? "it was set aside as \(aside)" : "it is left there"
            problem = "\(file) cannot be understood; \(kept), and what ran before may be unknown"
        }
    }

    private mutating func save(_ record: Record) {
        do {
            try FileBackups.makeDirectories(AtomicFile.directory(of: file))
            let attributes = AtomicFile.Attributes(mode: 0o600, owner: geteuid(), group: getegid())
            let content = try Data(SealedJSON.seal(JSONEncoder().encode(record)))
            try AtomicFile.replace(file, with: content, attributes)
        } catch {
            problem = "the running view is known but could not be kept: \(error)"
        }
    }
}
