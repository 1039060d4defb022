import FoundationEssentials
import Procedure
import Settings
import Topology

/// What of a plan, and of the inventory that it refers to, is not as it was when its run began.
enum PlanChange {
    /// As the end of a complaint: what there was with a minus, what there is with a plus, secrets hidden; empty when it is not known.
    static func text(from beginning: ChainBeginning?, to plan: MigrationPlan) -> String {
        guard let beginning else { return "" }
        let files = [(plan.file, beginning.planText)] + inventories(beginning, plan)
        let changes = files.map { path, text in difference(of: path, from: text) }.joined()
        return changes.isEmpty ? "" : ":\n" + changes
    }

    private static func inventories(_ beginning: ChainBeginning, _ plan: MigrationPlan) -> [(String, String)]
    {
        guard let inventory = plan.sharedInventory, let text = beginning.inventoryText else { return [] }
        return [(inventory.file, text)]
    }

    private static func difference(of path: String, from text: String) -> String {
        do {
            let now = try Data(contentsOf: URL(filePath: path))
            return ConfigDiff.unified(old: Array(text.utf8), new: Array(now), path: path)
        } catch {
            return "\(path) cannot be read any more: \(error)\n"
        }
    }
}
