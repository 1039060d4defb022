import ControlProtocol
import Diagnostics
import Foundation
import Journal
import Procedure
import Settings
import Topology
import Trees
import ZooKeeperClient

/// A run that has come to its end: what old copies are dealt with by.
struct FinishedRun {
    let plan: MigrationPlan
    let record: RunRecord

    /// Refuses a plan whose last run has not finished, or that is not the one that it was performed with.
    init(of plan: MigrationPlan) throws {
        guard FileManager.default.fileExists(atPath: plan.journalPath) else {
            throw Complaint(
                "\(plan.journalPath): no journal: old copies are dealt with where `mitosis run \(plan.file)` has finished"
            )
        }
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: false)
        guard let last = try journal.runs().first(where: { $0.record.plan == plan.name }) else {
            throw Complaint(
                "\(plan.journalPath): plan \(plan.name) has no run; let `mitosis run` finish first"
            )
        }
        guard last.ending == .finished else {
            throw Complaint(
                "run \(last.record.id) of plan \(plan.name) has not finished; let `mitosis run \(plan.file)` come to its end first"
            )
        }
        guard last.record.planDigest == plan.digest else {
            throw Complaint(
                "\(plan.file): changed since run \(last.record.id) finished; put back the file as it was"
                    + PlanChange.text(from: try journal.beginning(of: last.record.id), to: plan)
            )
        }
        guard !plan.census.trees.isEmpty else {
            throw Complaint(
                "\(plan.file): it declares nothing that moves ('trees', or 'kafka'): what an old copy is cannot be told"
            )
        }
        self.plan = plan
        record = last.record
    }

    /// Beside the journal.
    func file(_ name: String) -> String { plan.journalFolder + name }

    var sealPath: String { SealTraces(plan, record.id).path }
    var identityPath: String { file("seal-\(record.id).auth") }

    /// Whether a seal of this run was taken off before: that leaves versions of ACLs and the roots' counters higher than they were.
    func wasUnsealed() throws -> Bool { try !SealTraces(plan, record.id).takenOff().isEmpty }

    var note: MovedNote {
        MovedNote(
            run: record.id.description,
            at: Int64(Date().timeIntervalSince1970 * 1000),
            destination: plan.destination.connectString?.description ?? "",
            plan: plan.name
        )
    }

    /// What stays where others go on using it, inside what moved.
    var except: [String] {
        plan.proofs.except.filter { other in
            plan.census.trees.contains { other == $0 || other.hasPrefix($0 + "/") }
        }
    }
}

extension [PlannedServer] {
    var connectString: ConnectString? {
        ConnectString(
            map { ConnectString.Server(host: $0.address, port: $0.clientPort).description }.joined(
                separator: ","
            )
        )
    }
}
