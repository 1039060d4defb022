import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Invariant I9: a node that boots by itself may vote before the freshest is chosen.
    package static func bootHold(_ subject: SurveyedPlan) -> Check {
        let destination = subject.plan.destination
        return Check(
            .bootHold,
            "no destination server starts at boot without asking whether the division holds it back",
            remedy:
                "Let `mitosis-agent --print-hold UNIT` write /etc/systemd/system/UNIT.d/mitosis-hold.conf there (then systemctl "
                + "daemon-reload), or disable the unit until the end: a host that boots in the middle would start it without its wall",
            looking: Look(hosts: destination.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            var asking = 0
            var unknown: [HostName] = []
            for server in destination {
                guard let zookeeper = fleet.zookeeper(server.host) else { continue }
                guard let boot = zookeeper.boot else {
                    unknown.append(server.host)
                    continue
                }
                asking += boot.asksOrder ? 1 : 0
                if boot.isEnabled, !boot.asksOrder {
                    remarks.warn("\(server.host): \(zookeeper.service) is enabled and does not ask")
                }
            }
            return remarks.verdict(
                "\(asking) of \(destination.count) ask"
                    + (unknown.isEmpty
                        ? ""
                        : "; nothing is known of the boot of \(unknown.listed()) (no systemd there, or an older agent): what starts "
                            + "a server there should run `mitosis-agent --hold-check SERVICE` first")
            )
        }
    }
}
