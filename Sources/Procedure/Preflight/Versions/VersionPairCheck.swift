import ControlProtocol
import Settings
import Topology

extension Check {
    /// A mitosis can be an upgrade, and never a downgrade.
    package static func versionPair(_ subject: SurveyedPlan) -> Check {
        Check(
            .versionPair,
            "the destination's version is the source's, or a newer one that was tried with it",
            remedy:
                "Rehearse it first: `mitosis-lab run --zookeeper SOURCE,DESTINATION`; never let the destination be older than "
                + "the source",
            looking: subject.parsing
        ) { fleet, _ in
            var remarks = Remarks()
            let observed = subject.remarkVersionPair(fleet, &remarks)
            return remarks.verdict(observed)
        }
    }
}

extension SurveyedPlan {
    /// Judged from servers that serve, and from those whose parser answered; returns what is said when nothing is wrong.
    func remarkVersionPair(_ fleet: FleetView, _ remarks: inout Remarks) -> String {
        let versions = { (servers: [PlannedServer]) in
            Set(servers.compactMap { fleet.version(of: $0.host) }).sorted()
        }
        let (sources, destinations) = (versions(plan.source), versions(plan.destination))
        if sources.count > 1 {
            remarks.warn(
                "the source runs several versions: \(sources.map(\.description).joined(separator: ", "))"
            )
        }
        if destinations.count > 1 {
            let texts = destinations.map(\.description).joined(separator: ", ")
            remarks.warn("the destination runs several versions: \(texts)")
        }
        guard let source = sources.last else { return "not judged: no source server's version is known" }
        guard let destination = destinations.first else {
            return
                "ZooKeeper \(source) on the source; the destination's is judged when it has joined, before the division"
        }
        let pair = VersionPair(source: source, destination: destination, strategy: plan.strategy)
        switch pair.meaning() {
        case .seen: break
        case .between, .untried, .olderRelease: remarks.warn(pair.sentence)
        case .backwards: remarks.refuse(pair.sentence)
        }
        return pair.sentence
    }
}
