import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Invariant I9: a node that boots by itself may vote before the freshest is chosen; and a division that its coordinator
    /// leaves is undone by the hosts themselves, whether or not their agents run.
    package static func bootHold(_ subject: SurveyedPlan) -> Check {
        let destination = subject.plan.destination
        return Check(
            .bootHold,
            "no destination server starts at boot without asking whether the division holds it back, and what undoes a division waits",
            remedy:
                "Say `mitosis agents configure` with the plan: it lets the unit ask, and starts mitosis-lapse.path. Without ssh: let "
                + "`mitosis-agent --print-hold UNIT` write /etc/systemd/system/UNIT.d/mitosis-hold.conf there (then systemctl daemon-reload, "
                + "and systemctl enable --now mitosis-lapse.path), or disable the unit until the end: a host that boots in the middle "
                + "would start it without its wall",
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
                if boot.lapses == false {
                    remarks.warn(
                        "\(server.host): \(ProvisionedFile.lapsePath.rawValue) is not active, so that nothing undoes a division that its "
                            + "coordinator leaves, while the agent does not run"
                    )
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
