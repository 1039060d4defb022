import ControlProtocol
import FoundationEssentials
import Procedure
import Settings

/// A plan file and the inventory that it refers to, as they were read.
struct PlanTexts: Hashable, Sendable {
    let plan: String
    let inventory: String?

    init(plan: String, inventory: String?) {
        self.plan = plan
        self.inventory = inventory
    }

    /// Nil when they can no longer be read as they were.
    init?(of plan: MigrationPlan) {
        do {
            let content = try Data(contentsOf: URL(filePath: plan.file))
            let inventory = try plan.sharedInventory.map { try Data(contentsOf: URL(filePath: $0.file)) }
            let digest = inventory.map(ContentDigest.sha256) ?? ""
            guard ContentDigest.sha256(content + Data(digest.utf8)) == plan.digest else { return nil }
            self.init(
                plan: String(decoding: content, as: UTF8.self),
                inventory: inventory.map { String(decoding: $0, as: UTF8.self) }
            )
        } catch {
            return nil
        }
    }
}
