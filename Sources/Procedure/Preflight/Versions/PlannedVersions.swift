import ControlProtocol
package import Fleet
import Settings
import Topology

extension SurveyedPlan {
    /// What the agents know of both sides' versions before anything begins, and what the pair means.
    package func versions(through fleet: any Fleet) async -> String {
        let look = parsing
        var view = FleetView(hosts: await fleet.observe(look.hosts))
        view.parsers = await mapHosts(look.files) { host, contents throws(FleetError) in
            try await fleet.parse(contents, on: host)
        }
        return versions(in: view)
    }

    func versions(in view: FleetView) -> String {
        var remarks = Remarks()
        let observed = remarkVersionPair(view, &remarks)
        let unknown = plan.servers.map(\.host).filter { view.version(of: $0) == nil }
        let silence = unknown.isEmpty ? "" : " (not known of \(unknown.list))"
        switch remarks.verdict(observed) {
        case .holds(let text): return text + silence
        case .warns(let text): return "warning: \(text)\(silence)"
        case .never(let reason), .waiting(let reason): return "refused: \(reason)\(silence)"
        }
    }
}
