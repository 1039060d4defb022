package import ControlProtocol
package import Topology

/// Hosts with agents, or with none yet: who they are, where they are reached, what runs on them.
///
/// It stands in a file of its own, or is what a plan says of its hosts. Values only; nothing was contacted to make it.
package struct Inventory: Hashable, Sendable {
    /// The file, as it was named.
    package let file: String
    /// SHA-256 of the file, lower-case hexadecimal.
    package let digest: String
    package let name: String
    package let pki: FleetPKI
    /// In the order of the file; each name once.
    package let hosts: [InventoryHost]
    /// In the order of the file.
    package let groups: [HostGroup]

    package init(
        file: String,
        digest: String,
        name: String,
        pki: FleetPKI,
        hosts: [InventoryHost],
        groups: [HostGroup]
    ) {
        self.file = file
        self.digest = digest
        self.name = name
        self.pki = pki
        self.hosts = hosts
        self.groups = groups
    }

    package var agents: [PlannedAgent] { hosts.map(\.agent) }

    package func host(_ name: HostName) -> InventoryHost? { hosts.first { $0.host == name } }

    /// The same with these hosts only, in the order of the file.
    package func restricted(to names: Set<HostName>) -> Inventory {
        Inventory(
            file: file,
            digest: digest,
            name: name,
            pki: pki,
            hosts: hosts.filter { names.contains($0.host) },
            groups: groups
        )
    }
}

/// The coordinator's certificate and key, and whose names they vouch for.
package struct FleetPKI: Hashable, Sendable {
    package let directory: String
    package let coordinator: String
    package let trustDomain: String
}

package struct HostGroup: Hashable, Sendable {
    package let name: String
    /// In the order of the inventory.
    package let hosts: [HostName]
}

package struct InventoryHost: Hashable, Sendable {
    /// Its agent's certificate carries this name.
    package let host: HostName
    /// Where its peers and ssh find it: an address or a name.
    package let address: String
    /// Every address that peers may see it under; empty when only a name is known.
    package let allAddresses: [IPAddress]
    package let agent: PlannedAgent
    /// The groups that it is in, in the order of the file.
    package let groups: [String]
    package let settings: HostSettings
    /// Where it stands in the file.
    package let line: Int
}
