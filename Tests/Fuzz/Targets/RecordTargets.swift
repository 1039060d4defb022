import ControlProtocol
import Fleet
import FoundationEssentials
import GRDB
import Glibc
import Procedure
import Reporting
import SystemCalls

@testable import AgentServer
@testable import Commands
@testable import HostControl
@testable import Journal

extension FuzzTarget {
    /// What the programs keep for themselves, after a disk or somebody with a text editor had it.
    static let records: [FuzzTarget] = [
        FuzzTarget(name: "command-record", corpus: "records", suffix: ".jsonl", style: .json, mend: resealed)
        { folder in
            { input in
                try Scratch.write(input, to: folder + "/commands.jsonl")
                var replay = RecordReplay()
                for (number, line) in input.split(separator: UInt8(ascii: "\n")).enumerated() {
                    replay.take(.init(offset: 0, length: line.count, line: number + 1), Data(line))
                }
                let record = try CommandRecord(directory: folder)
                let lease = Lease(runID: try runID("run-1"), epoch: FencingEpoch(1))
                for id in replay.order.prefix(8) {
                    do throws(AgentServerError) {
                        _ = try record.look(up: id, under: lease, digest: "d1")
                    } catch {
                        _ = error.description
                    }
                }
                _ = record.damage?.objection
                if let copy = record.damage?.copy { unlink(copy) }
                return !replay.order.isEmpty
            }
        },
        FuzzTarget(name: "lease", corpus: "records", suffix: ".lease", style: .json, mend: resealed) {
            folder in
            { input in
                try Scratch.write(input, to: folder + "/lease.json")
                do throws(AgentServerError) {
                    guard let record = try LeaseStore(directory: folder).read() else { return false }
                    let now = Moment(sinceBoot: .seconds(1000), unixMilliseconds: 1_800_000_000_000)
                    var keeper = LeaseKeeper(record: record, now: now)
                    let event = LeaseKeeper.Event.commanded(lease: record.latest, by: "ops")
                    _ = (keeper.handle(event, at: now), keeper.state)
                    return true
                } catch {
                    _ = error.description
                    return false
                }
            }
        },
        FuzzTarget(
            name: "detach-record",
            corpus: "records",
            suffix: ".detached",
            style: .json,
            mend: resealed
        ) { folder in
            let run = try runID("run-1")
            return
                { input in
                    try Scratch.write(input, to: folder + "/detached.json")
                    do throws(DetachError) {
                        return try DetachRecord(stateDirectory: folder).entry(of: run) != nil
                    } catch {
                        _ = error.description
                        return false
                    }
                }
        },
        FuzzTarget(name: "audit-trail", corpus: "records", suffix: ".audit") { folder in
            { input in
                let path = folder + "/audit.jsonl"
                try Scratch.write(input, to: path)
                let reading = try AuditReading([path])
                _ = (AuditTable(reading.entries).text, reading.verdict)
                let file = AuditFile(path)
                do throws(SystemCallError) { try file.look() } catch { _ = error.reason }
                if let entry = reading.entries.first {
                    do throws(SystemCallError) { _ = try file.append(entry) } catch { _ = error.reason }
                }
                return !reading.entries.isEmpty
            }
        },
        FuzzTarget(name: "journal", corpus: "records", suffix: ".sqlite", style: .binary) { folder in
            { input in
                let path = folder + "/journal.sqlite"
                for suffix in ["", "-journal", "-wal", "-shm"] { unlink(path + suffix) }
                try Scratch.write(input, to: path)
                do throws(JournalError) {
                    read(try SQLiteJournal(path: path, exclusively: false))
                    return true
                } catch {
                    return error.description.contains("the checksum does not match")
                }
            }
        },
        FuzzTarget(name: "journal-values", corpus: "records", suffix: ".commands", style: .json) { folder in
            let path = folder + "/journal.sqlite"
            let run = RunRecord(
                id: try runID("r1"),
                plan: "model",
                planDigest: "digest",
                startedAt: 5,
                survey: Survey(files: []),
                epoch: FencingEpoch(3)
            )
            let journal = try SQLiteJournal(path: path, exclusively: false)
            try journal.begin(run)
            try journal.intent("a.b", attempt: 1, commands: [], at: 10, of: run.id)
            var configuration = Configuration()
            configuration.prepareDatabase { $0.add(function: JournalIntegrity.function) }
            let database = try DatabaseQueue(path: path, configuration: configuration)
            return { input in
                try database.write {
                    try $0.execute(sql: "UPDATE step SET commands = ?", arguments: [Data(input)])
                }
                do throws(JournalError) {
                    for entry in try journal.entries(of: run.id) { _ = HistoryText.text(entry) }
                    return true
                } catch {
                    _ = error.description
                    return false
                }
            }
        },
    ]

    private static func read(_ journal: SQLiteJournal) {
        do throws(JournalError) {
            for (run, ending, _) in try journal.runs() {
                _ = HistoryText.head(run, ending)
                for entry in try journal.entries(of: run.id) { _ = HistoryText.text(entry) }
            }
        } catch {
            _ = error.description
        }
    }

    private struct Unnamed: Error {}

    private static func runID(_ text: String) throws(Unnamed) -> RunID {
        guard let run = RunID(text) else { throw Unnamed() }
        return run
    }

    /// Every line with a checksum that matches.
    @Sendable private static func resealed(_ input: [UInt8]) -> [UInt8] {
        let head = Array(#"{"crc32c":"00000000","#.utf8).count
        return input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { line in
                line.count > head ? SealedJSON.seal([UInt8(ascii: "{")] + line.dropFirst(head)) : Array(line)
            }
            .joined(separator: [UInt8(ascii: "\n")])
            .map { $0 }
    }
}
