import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 23: rules and proofs are made of the plan's addresses.
    package static func peerAddresses(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        return Check(
            .peerAddresses,
            "every quorum and election connection of the source goes to an address of the plan",
            remedy: "Add the address to `addresses` of the server that has it: a wall would not cover it",
            looking: Look(hosts: source.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            var count = 0
            for (server, zookeeper) in fleet.running(source) {
                guard let strangers = fleet.strangers(of: server.host, in: plan) else {
                    remarks.wait("\(server.host) cannot tell which connections it has")
                    continue
                }
                count += zookeeper.peerSockets?.count ?? 0
                for socket in strangers {
                    remarks.refuse(
                        "\(server.host) is connected to \(socket.remoteAddress), an address that the plan does not name"
                    )
                }
            }
            return remarks.verdict("\(count) connections, all to addresses of the plan")
        }
    }
}
