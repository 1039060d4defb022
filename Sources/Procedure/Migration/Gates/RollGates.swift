import ControlProtocol
import Fleet
import Settings
import Topology

/// Source nodes that serve nobody, and will not by waiting: whoever leads is out of their view's reach.
enum StrandedNodes {
    /// They run the source's own view, and a seed leads, of whom that view knows nothing.
    case seedLeads([PlannedServer])
    /// They run the joint view; others lead with the source's own, and are fewer than a joint majority.
    case tooFewServe([PlannedServer])
}

/// Gates on source nodes of which some run the source's view and others the joint one (docs/division.md, "While the join is being rolled").
extension MigrationProcedure {
    /// A majority of the source and a joint majority have a node in common: no two leaders can both commit (I1).
    var noMajoritiesApart: Gate {
        Gate(
            "\(names(laterSeeds)): stopped, or every source node runs the joint view",
            hosts: (source + laterSeeds).map(\.host),
            deadline: plan.deadlines.restart
        ) { [source, laterSeeds, joint] fleet, _ in
            #if CRIPPLED_SEEDS
                if Crippled.isBlind { return .holds(observed: Crippled.word) }
            #endif
            if let silent = (source + laterSeeds).lazy.compactMap({ fleet.silence($0.host) }).first {
                return .waiting(reason: silent)
            }
            if source.allSatisfy({ Self.runs(joint, fleet.zookeeper($0.host)) }) {
                return .holds(observed: "every source node runs the joint view")
            }
            if let changing = laterSeeds.first(where: { fleet.zookeeper($0.host)?.state == .changing }) {
                return .waiting(reason: "\(changing.host) is being started or stopped")
            }
            let up = laterSeeds.filter { fleet.zookeeper($0.host)?.pid != nil }
            guard up.isEmpty else {
                return .never(
                    reason:
                        "\(names(up)) must not run yet: source nodes of two views do, beside which all seeds could elect a leader of their own. "
                        + "`mitosis run` stops \(up.count == 1 ? "it" : "them") and goes on"
                )
            }
            return .holds(observed: "\(names(laterSeeds)): stopped")
        }
    }

    /// All that can serve do so; what does not is helped by the next restart alone.
    var rollGoesOn: Gate {
        whole(source + firstSeeds, as: "joint").or(
            Gate(
                "or those that do not serve wait for the next restart",
                hosts: (source + seeds).map(\.host),
                deadline: plan.deadlines.restart
            ) { [source, firstSeeds, joint] fleet, _ in
                if let silent = (source + firstSeeds).lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .waiting(reason: silent)
                }
                switch strandedOnes(fleet) {
                case .tooFewServe(let nodes):
                    return .holds(
                        observed:
                            "\(names(nodes)): too few serve for the joint view; the next node is restarted"
                    )
                case .seedLeads(let nodes):
                    let rolled = source.filter { Self.runs(joint, fleet.zookeeper($0.host)) }
                    if let idle = rolled.lazy.compactMap({ fleet.idleness(of: $0.host) }).first {
                        return idle
                    }
                    return .holds(
                        observed:
                            "\(names(nodes)): a seed leads whom they do not know; the next to be restarted"
                    )
                case nil: return .waiting(reason: "none of \(names(source + firstSeeds)) leads")
                }
            }
        )
    }

    /// A node of the joint view that does not serve yet will not, unless others are restarted.
    func onlyRestartsHelp(_ fleet: FleetView) -> Bool {
        guard !firstSeeds.contains(where: { fleet.silence($0.host) != nil }) else { return false }
        return if case .tooFewServe = strandedOnes(fleet) { true } else { false }
    }

    /// Nil while nobody is known to be stranded: more than one node leads or none does, or somebody is being started.
    ///
    /// Who does not answer counts as not serving.
    func strandedOnes(_ fleet: FleetView) -> StrandedNodes? {
        let nodes = source + seeds
        let leaders = nodes.filter { fleet.stats($0.host)?.role == .leader }
        guard leaders.count == 1, let leader = leaders.first,
            !source.contains(where: { fleet.zookeeper($0.host)?.state == .changing })
        else { return nil }
        let idle = source.filter { fleet.zookeeper($0.host)?.pid != nil && fleet.stats($0.host) == nil }
        if seeds.contains(where: { $0.host == leader.host }) {
            let own = idle.filter { Self.runs(sourceView, fleet.zookeeper($0.host)) }
            return own.isEmpty ? nil : .seedLeads(own)
        }
        guard Self.runs(sourceView, fleet.zookeeper(leader.host)),
            nodes.count(where: { fleet.stats($0.host) != nil }) < Ensemble.majority(of: joint.count)
        else { return nil }
        let rolled = idle.filter { Self.runs(joint, fleet.zookeeper($0.host)) }
        return rolled.isEmpty ? nil : .tooFewServe(rolled)
    }
}
