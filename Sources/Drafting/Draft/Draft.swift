package import ControlProtocol
package import Settings
import Topology

/// What the operator says of a plan that is to be drafted; nil is for the draft to find out.
package struct DraftWishes: Hashable, Sendable {
    package var name: String?
    /// A host of the source.
    package var source: HostName?
    package var destination: Set<HostName>?
    package var strategy: MigrationPlan.Strategy?
    /// Of the Kafka cluster that moves; empty for one without a chroot.
    package var chroot: String?
    /// Whether the plan carries all that the inventory says of its hosts.
    package var isStandalone = false

    package init() {}
}

/// Where the plan will be, and how it names what lies elsewhere.
package struct DraftPlace: Hashable, Sendable {
    package let plan: String
    /// As a file at `plan` has to name it.
    package let inventory: String
    /// The same of the directory with certificates and keys.
    package let pkiDirectory: String

    package init(plan: String, inventory: String, pkiDirectory: String) {
        self.plan = plan
        self.inventory = inventory
        self.pkiDirectory = pkiDirectory
    }
}

/// A plan as far as the hosts tell it, and what they do not tell.
package struct Draft: Sendable {
    struct Server {
        let id: ServerID
        let known: InventoryHost
        /// To the letter.
        let address: String
        let clientPort: Port
        let quorumPort: Port
        let electionPort: Port
        let service: String
        let config: String
        /// What was seen of it, for whoever reads the plan.
        let note: String
    }

    struct Broker {
        let id: BrokerID
        let known: InventoryHost
        let service: String
        let config: String
    }

    struct Kafka {
        let chroot: String
        let brokers: [Broker]
    }

    struct Side {
        var servers: [Server] = []
        var notes: [String] = []
    }

    struct Deadlines {
        let join: Int
        let restart: Int
        let division: Int
        let reason: String
    }

    let name: String
    let place: DraftPlace
    let pki: FleetPKI
    /// Whether the plan carries what it needs of the inventory, and does not refer to it.
    let isStandalone: Bool
    let strategy: MigrationPlan.Strategy
    let strategyReason: String
    let source: Side
    let destination: Side
    /// Nil when no cluster is known to move.
    let kafka: Kafka?
    /// Nil where those that a plan has anyway will do.
    let deadlines: Deadlines?
    /// What has to be answered before the plan can be used.
    package internal(set) var questions: [String]
    /// What was seen besides, and needs no answer.
    package let remarks: [String]
}
