package import FoundationEssentials
package import Settings
package import Topology

/// What configuration files become for the joint ensemble, everything but its lines byte for byte.
package struct JointConfiguration: Sendable {
    package let plan: MigrationPlan

    package init(plan: MigrationPlan) { self.plan = plan }

    /// Whose file changes: observers leave the source alone.
    package var servers: [PlannedServer] {
        switch plan.strategy {
        case .participants: plan.source + plan.seeds
        case .observers: plan.seeds
        }
    }

    /// The file with the joint ensemble's server lines; an observer's says that it is one, too.
    package func content(of file: Survey.File) throws(ZooConfigurationError) -> Data {
        let grown = try ZooConfiguration(file.content).replacingMembers(plan.jointMembers)
        switch plan.strategy {
        case .participants: return Data(grown.content)
        case .observers:
            return Data(try grown.replacingSetting("peerType", with: Member.Role.observer.rawValue).content)
        }
    }

    /// Nil for a file that cannot be rewritten; `configuration-files` has refused it before.
    package func rewritten(_ file: Survey.File) -> Data? {
        do throws(ZooConfigurationError) { return try content(of: file) } catch { return nil }
    }
}
