import ControlProtocol
import Fleet
import Settings
import Topology

/// Whether servers are those of the plan: the ids and addresses of the view that each process runs with, as its agent tells.
///
/// What ZooKeeper shows of its view, `/zookeeper/config`, is of the joint ensemble on some servers long after the division.
struct EnsembleIdentity {
    private let servers: [PlannedServer]
    private let plan: MigrationPlan
    private let fleet: any Fleet

    init(_ servers: [PlannedServer], of plan: MigrationPlan, through fleet: any Fleet) {
        self.servers = servers
        self.plan = plan
        self.fleet = fleet
    }

    /// - Parameter mayBeUnknown: for agents that do not answer, where something else proves the servers.
    func prove(mayBeUnknown: Bool) async throws {
        let seen = await fleet.observe(servers.map(\.host))
        for server in servers {
            guard case .status(let status)? = seen[server.host], let view = status.zookeeper?.runningView
            else {
                if mayBeUnknown { continue }
                throw Complaint(
                    "\(server.host): its agent does not tell which view its ZooKeeper runs with, so it is not proven to be the one that is "
                        + "meant; see `mitosis status \(plan.file)`. Nothing was changed"
                )
            }
            try check(view, server)
        }
    }

    private func check(_ view: [Member], _ server: PlannedServer) throws {
        let (shown, planned) = (Set(view.map(Self.text)), Set(servers.map { Self.text($0.member) }))
        guard shown == planned else {
            throw Complaint(
                "\(server.host) is not a server of the ensemble that the plan means: it runs with "
                    + "\(shown.sorted().joined(separator: ", ")); the plan has "
                    + "\(planned.sorted().joined(separator: ", ")). Nothing was changed"
            )
        }
    }

    private static func text(_ member: Member) -> String {
        "\(member.id) at \(member.address):\(member.quorumPort):\(member.electionPort)"
    }
}
