package import SystemCalls

/// What a command on hosts is given: an inventory, or a plan, which carries one.
package enum FleetFile: Sendable {
    case inventory(Inventory)
    case plan(MigrationPlan)

    package var inventory: Inventory {
        switch self {
        case .inventory(let inventory): inventory
        case .plan(let plan): plan.inventory
        }
    }

    /// Nil for an inventory.
    package var plan: MigrationPlan? {
        switch self {
        case .inventory: nil
        case .plan(let plan): plan
        }
    }

    /// A file with `hosts` is an inventory; everything else is read as a plan.
    ///
    /// - Parameter owners: whose file it must be, and that nobody else can have written; nil for anybody's.
    package static func read(path: String, believing owners: TrustedOwners? = nil) throws(PlanError)
        -> FleetFile
    {
        let document: YAMLDocument
        do throws(YAMLError) {
            document = try YAMLDocument.read(path: path, believing: owners)
            if case .mapping(let entries) = document.root.kind, entries.contains(where: { $0.key == "hosts" })
            {
                return .inventory(try InventoryReader.read(document))
            }
        } catch {
            throw .unreadable(error)
        }
        return .plan(try PlanReader.read(document, believing: owners))
    }
}
