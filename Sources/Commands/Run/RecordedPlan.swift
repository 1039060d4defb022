import Procedure
import Settings
import SystemCalls

/// The plan that an unfinished run began with, for its way back when the file is another one by now.
///
/// Only back: what the run has changed is what that plan names, whereas a way forward by an old plan would pass by what was added.
struct RecordedPlan {
    let plan: MigrationPlan
    /// That the way back goes by it, and what is different in the file.
    let remark: String

    /// Nil where the file is as it was, where there is nothing to take back, or where the journal does not have what it was.
    init?(
        behind written: MigrationPlan,
        in journal: any RunArchive,
        believing owners: TrustedOwners? = nil
    ) throws {
        guard let run = try journal.unfinishedRun(plan: written.name), run.planDigest != written.digest,
            let beginning = try journal.beginning(of: run.id)
        else { return nil }
        do throws(PlanError) {
            plan = try PlanReader.read(
                text: beginning.planText,
                inventory: beginning.inventoryText,
                as: written.file,
                believing: owners
            )
        } catch {
            throw Complaint(
                "\(written.file): changed since run \(run.id) began, and the plan as it was cannot be used any more; nothing was "
                    + "changed:\n\(error)"
            )
        }
        guard plan.digest == run.planDigest else { return nil }
        remark =
            "\(written.file) was changed since run \(run.id) began; the way back goes by the plan as it was then, which the journal "
            + "holds" + PlanChange.text(from: beginning, to: written)
    }
}
