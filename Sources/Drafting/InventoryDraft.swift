package import ControlProtocol
package import Fleet
import Settings
import Topology

/// The beginning of an inventory, by what the agent of one server says of the ensemble.
package struct InventoryDraft: Hashable, Sendable {
    package let host: HostName
    /// Where its agent is.
    package let address: String
    package let pkiDirectory: String
    package let coordinator: String

    package init(host: HostName, address: String, pkiDirectory: String, coordinator: String) {
        self.host = host
        self.address = address
        self.pkiDirectory = pkiDirectory
        self.coordinator = coordinator
    }

    /// With the one host that is known: whom to ask.
    package var beginning: String {
        """
        version: 1
        name: \(ForeignText.scalar(host.description))
        pki: {directory: \(ForeignText.scalar(pkiDirectory)), coordinator: \(ForeignText.scalar(coordinator))}
        hosts:
          - {host: \(ForeignText.scalar(host.description)), address: \(ForeignText.scalar(address))}

        """
    }

    /// What is left to do for a plan, once it is written.
    package static func next(_ file: String) -> String {
        "\(file): begun, an inventory and no plan yet: correct the names that are guessed, add the hosts of the destination and "
            + "the brokers, let an agent run on each (`mitosis agents install \(file)`), and then `mitosis init \(file) -o PLAN` "
            + "asks them and writes the plan"
    }

    /// With the other servers of its ensemble, whose names are guessed; or why there are none to add.
    package func text(_ seen: Observation) throws(InventoryDraftError) -> String {
        let status: HostStatus
        switch seen {
        case .silent(let reason): throw .silent(host, reason: reason)
        case .status(let answer): status = answer
        }
        let view = status.zookeeper?.runningView ?? status.zookeeper?.fileView ?? []
        guard !view.isEmpty else { throw .noEnsemble(host) }
        let own = status.zookeeper?.data.myid
        let others = view.filter { $0.id.value != own && $0.address.lowercased() != address.lowercased() }
            .sorted { $0.id < $1.id }
        let head = """
            # Begun by `mitosis init --from` with what the agent of \(host) says. docs/inventory.md describes every key.
            # Names below are GUESSED: correct each to the name in its agent's certificate. Add the hosts of the
            # destination, the brokers, and under 'addresses' whatever else peers may see a host under.

            """
        var taken: Set<String> = [host.description]
        let lines = others.map { member -> String in
            guard ForeignText.canStand(member.address) else {
                return
                    "  # server \(member.id) has an address that nobody could read: \(ForeignText.shown(member.address))\n"
            }
            let name = guess(member, own: own, not: taken)
            taken.insert(name)
            return
                "  - {host: \(ForeignText.scalar(name)), address: \(ForeignText.scalar(member.address))}  # guessed, "
                + "server \(member.id)\n"
        }
        return head + beginning + lines.joined()
    }

    /// Its own name, where it is addressed by one; else one like that of the host that was asked.
    private func guess(_ member: Member, own: Int?, not taken: Set<String>) -> String {
        let label = member.address.lowercased().prefix { $0 != "." }
        var names = IPAddress(member.address) == nil ? [String(label)] : []
        if let own, host.description.hasSuffix("\(own)") {
            names.append(host.description.dropLast("\(own)".count) + "\(member.id)")
        }
        names += ["zk\(member.id)", "server-\(member.id)"]
        return names.first { HostName($0) != nil && !taken.contains($0) } ?? "server-\(member.id)-of-\(host)"
    }
}

/// Why no inventory can be begun.
package enum InventoryDraftError: Error, Hashable, Sendable, CustomStringConvertible {
    case silent(HostName, reason: String)
    case noEnsemble(HostName)

    package var description: String {
        switch self {
        case .silent(let host, let reason):
            "\(host): no answer: \(reason). Name the host as its agent's certificate does, and the address of its agent."
        case .noEnsemble(let host):
            "\(host): its agent knows no ensemble there. Name a host that runs a server of the source."
        }
    }
}
