import ControlProtocol
package import Fleet
import Settings
import Topology

/// What the agents know before anything begins.
package struct PlanOutlook: Hashable, Sendable {
    /// Both sides' versions, and what the pair means.
    package let versions: String
    /// How long the division will leave the destination's clients without ZooKeeper, guessed from the data's size.
    package let window: String

    package init(versions: String, window: String) {
        self.versions = versions
        self.window = window
    }

    /// Of a plan that is shown without its hosts.
    package static let notAsked = PlanOutlook(versions: "not asked", window: "not asked")
}

extension SurveyedPlan {
    package func outlook(through fleet: any Fleet, _ ensembles: any EnsembleReading) async -> PlanOutlook {
        let look = parsing
        var view = FleetView(hosts: await fleet.observe(look.hosts))
        view.parsers = await mapHosts(look.files) { host, contents throws(FleetError) in
            try await fleet.parse(contents, on: host)
        }
        var sighting: CensusSighting?
        if !plan.clients.all.isEmpty {
            sighting = await CensusSighting.take(plan.sessionsQuestion, through: fleet, ensembles)
        }
        return PlanOutlook(versions: versions(in: view), window: window(in: view, sighting))
    }

    private func window(in view: FleetView, _ sighting: CensusSighting?) -> String {
        guard view.seen(plan.source).contains(where: { $0.zookeeper.dataSize != nil }) else {
            return "not known: no source host says how much data it has"
        }
        return MigrationProcedure(plan: plan, survey: survey).prediction(view, RunFacts(), sighting).sentence
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
