import Settings
import Topology

/// What the pages of the procedure call things: the plan's own words, without the plan before each.
extension MigrationProcedure {
    var source: [PlannedServer] { plan.source }
    var destination: [PlannedServer] { plan.destination }
    var seeds: [PlannedServer] { plan.seeds }
    var firstSeeds: [PlannedServer] { plan.firstSeeds }
    var laterSeeds: [PlannedServer] { Array(seeds.dropFirst(firstSeeds.count)) }
    var companions: [PlannedServer] { plan.companions }
    var dormant: [PlannedServer] { plan.dormant }
    /// Servers whose configuration file becomes joint.
    var joined: [PlannedServer] { jointConfiguration.servers }

    var joint: [Member] { plan.jointMembers }
    var sourceView: [Member] { plan.sourceMembers }
    var destinationView: [Member] { plan.destinationMembers }

    var jointConfiguration: JointConfiguration { JointConfiguration(plan: plan) }

    func names(_ servers: [PlannedServer]) -> String { servers.names }
}
