import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 4.
    package static func observerSync(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .observerSync,
            "observers keep on disk what they learn",
            remedy:
                "Remove syncEnabled=false and observer.syncEnabled from the destination's files: at the division nothing would be on "
                + "disk",
            looking: Look()
        ) { fleet, _ in
            var remarks = Remarks()
            subject.remarkObserverSync(fleet, &remarks)
            return remarks.verdict(
                plan.strategy == .observers
                    ? "\(plan.destination.count) observers keep what they learn on disk"
                    : "no server observes"
            )
        }
    }
}

extension SurveyedPlan {
    /// A system property counts whatever `syncEnabled` says, and all of its values but true mean false.
    ///
    /// A key that zoo.cfg does not know becomes one. What a JVM was started with is seen once it runs.
    func remarkObserverSync(_ fleet: FleetView, _ remarks: inout Remarks) {
        guard plan.strategy == .observers else { return }
        let key = "observer.syncEnabled"
        for server in plan.destination {
            let file = configuration(of: server)
            let place = "\(server.host): \(server.configPath)"
            if file?.syncEnabled == false { remarks.refuse("\(place): syncEnabled=false") }
            if let value = file?[key] {
                if value.lowercased() != "true" { remarks.refuse("\(place): \(key) is not true") }
            } else if let value = fleet.zookeeper(server.host)?.javaProperties?[ToldProperties.observerSync],
                value.lowercased() != "true"
            {
                remarks.refuse(
                    "\(server.host): its process was started with -D\(ToldProperties.observerSync)=\(value)"
                )
            }
        }
    }
}
