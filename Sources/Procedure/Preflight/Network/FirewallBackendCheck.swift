import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 16: the wall is handed to every backend as it will be, and judged without being put up.
    package static func firewallBackend(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let destination = subject.plan.destination
        let walls = destination.reduce(into: [HostName: Wall]()) { $0[$1.host] = plan.wall(for: $1) }
        return Check(
            .firewallBackend,
            "every destination host's firewall backend takes the wall, and every host's rules can be read",
            remedy:
                "Install the backend's programs or name the backend that the host uses in the agent's configuration; end "
                + "what holds the xtables lock; allow the source's addresses in `firewall.peers`",
            looking: Look(hosts: plan.servers.map(\.host), walls: walls)
        ) { fleet, _ in
            var remarks = Remarks()
            var backends: Set<String> = []
            for server in plan.servers {
                guard let reason = fleet.status(server.host)?.rules.unreadable else { continue }
                remarks.refuse("\(server.host): its rules cannot be read: \(reason)")
            }
            for server in destination {
                switch fleet.previews[server.host]?[plan.wall(for: server)] {
                case .accepted(let preview): backends.insert(preview.backend.rawValue)
                case .failed(.refused(_, let refusal)): remarks.refuse("\(server.host): \(refusal)")
                case .failed(.failed(_, let reason)), .failed(.broken(_, let reason)):
                    remarks.refuse("\(server.host): \(reason)")
                case .failed(.unreachable), .failed(.replyLost), .failed(.gaveUp), nil:
                    if fleet.unanswered(server.host) == nil {
                        remarks.wait("\(server.host): its agent did not answer")
                    }
                }
            }
            return remarks.verdict(
                "\(destination.count) walls tried with \(backends.sorted().joined(separator: ", "))"
            )
        }
    }
}
