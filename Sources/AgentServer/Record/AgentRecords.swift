import ControlProtocol
import Glibc
import Synchronization
import SystemCalls

/// What outlives the agent: the lease, the commands and what came of them, the audit trail.
///
/// Every call waits for the disk on a thread of its own, so that a slow one holds up whoever asked and nobody else. One
/// file is written at a time: both use the same reserve of room.
final class AgentRecords: Sendable {
    private struct Files: ~Copyable {
        let lease: LeaseStore
        var commands: CommandRecord
    }

    private let files: Mutex<Files>
    private let audit: AuditTrail
    /// What was granted when the last agent ended.
    let lease: LeaseRecord?
    /// Bytes of a torn last line of the command record that opening cut off.
    let discarded: Int
    /// Lines of the command record that are not what was written.
    let damage: RecordDamage?

    init(directory: String, audit: AuditTrail) throws(AgentServerError) {
        self.audit = audit
        let store = LeaseStore(directory: directory)
        lease = try store.adopt()
        let commands = try CommandRecord(
            directory: directory,
            fence: lease?.latest.epoch ?? FencingEpoch(0)
        )
        discarded = commands.discarded
        damage = commands.damage
        files = Mutex(Files(lease: store, commands: commands))
    }

    /// Told until the damaged file, which was kept, is moved away.
    var problem: FaultText? {
        guard let damage else { return nil }
        if let copy = damage.copy, access(copy, F_OK) != 0 { return nil }
        return damage.told
    }

    /// Returns once it is on disk.
    func keep(_ record: LeaseRecord) async throws(AgentServerError) {
        try await onDisk { (files) throws(AgentServerError) in try files.lease.write(record) }
    }

    /// Returns once the intent is on disk; throws with nothing recorded.
    func begin(_ intent: RecordEntry.Intent, urgent: Bool) async throws(AgentServerError) {
        try await onDisk { (files) throws(AgentServerError) in
            try files.commands.begin(intent, urgent: urgent)
        }
    }

    /// What cannot be written is kept in memory, and written with one of the next commands.
    func finish(_ id: CommandID, _ outcome: CommandOutcome, at time: Int64) async throws(AgentServerError) {
        try await onDisk { (files) throws(AgentServerError) in
            try files.commands.finish(id, outcome, at: time)
        }
    }

    func look(up id: CommandID, under lease: Lease, digest: String) async throws(AgentServerError)
        -> CommandRecord.Lookup
    {
        try await onDisk { (files) throws(AgentServerError) in
            try files.commands.look(up: id, under: lease, digest: digest)
        }
    }

    func outcome(of id: CommandID) async throws(AgentServerError) -> CommandOutcome? {
        try await onDisk { (files) throws(AgentServerError) in try files.commands.outcome(of: id) }
    }

    func append(_ line: AuditTrail.Line) async {
        let audit = audit
        await BlockingThread.run { audit.append(line) }
    }

    private func onDisk<Value: Sendable>(
        _ body: @escaping @Sendable (inout Files) throws(AgentServerError) -> Value
    ) async throws(AgentServerError) -> Value {
        let result = await BlockingThread.run { () -> Result<Value, AgentServerError> in
            self.files.withLock { files in
                do throws(AgentServerError) { return .success(try body(&files)) } catch {
                    return .failure(error)
                }
            }
        }
        return try result.get()
    }
}
