import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 2: a destination server that runs could be part of an ensemble of its own.
    package static func destinationStopped(_ subject: SurveyedPlan) -> Check {
        let destination = subject.plan.destination
        return Check(
            .destinationStopped,
            "nothing runs on the destination that could be an ensemble",
            remedy: "Stop it, disable its automatic start, and move the data that it made away",
            looking: Look(hosts: destination.map(\.host), probes: subject.destinationProbes),
            deadline: .seconds(5)
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.seen(destination)
            for (server, zookeeper) in seen where zookeeper.state != .stopped {
                let role = zookeeper.stats.map { ", and serves as \($0.role.rawValue)" } ?? ""
                remarks.refuse("\(server.host): \(server.service) \(zookeeper.state.sentence)\(role)")
            }
            let open = Set(fleet.probes.values.joined().filter { $0.answer == .connected }.map(\.target))
            for server in destination where fleet.zookeeper(server.host)?.state == .stopped {
                let ports = open.filter { server.allAddresses.contains($0.address) }.map(\.port).sorted()
                guard !ports.isEmpty else { continue }
                remarks.refuse(
                    "\(server.host): \(server.service) is stopped, and yet something listens on port "
                        + ports.map(\.description).joined(separator: ", ")
                )
            }
            return remarks.verdict("\(seen.count) servers are stopped")
        }
    }
}
