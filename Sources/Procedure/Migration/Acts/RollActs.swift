import ControlProtocol
import Fleet
import Settings
import Topology

/// What is sent while source nodes of two views run beside each other.
extension MigrationProcedure {
    /// Nothing once every source node runs the joint view: then all of them may run.
    var stopLaterSeeds: Act {
        .decided(
            summary:
                "stop those of \(names(laterSeeds)) that run, unless every source node runs the joint view",
            by: { [source, laterSeeds, joint] fleet, facts in
                if let silent = (source + laterSeeds).lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                guard !source.allSatisfy({ Self.runs(joint, fleet.zookeeper($0.host)) }) else {
                    return .nothingToDo(because: "every source node runs the joint view")
                }
                let up = laterSeeds.filter {
                    fleet.zookeeper($0.host)?.pid != nil || fleet.zookeeper($0.host)?.state == .changing
                }
                return up.isEmpty
                    ? .nothingToDo(because: "\(names(laterSeeds)): stopped")
                    : .act(stop(up), because: "to be stopped: \(names(up))", noting: facts)
            },
            looking: Look(hosts: (source + laterSeeds).map(\.host))
        )
    }

    /// Starts source nodes that do not run, and restarts those that look for a leader and cannot find one with the view that they run.
    ///
    /// A node with the source's own view does not know a seed that leads; with the joint file, which it has, it follows. A node with
    /// the joint view whom too few serve for a joint majority gets the source's own file back.
    var startIfDownOrStranded: Act {
        .decided(
            summary:
                "start those of \(names(source)) that do not run; restart those that look for a leader whom their view does not let them "
                + "follow, with the file of those who serve",
            by: { [source] fleet, facts in
                if let silent = source.lazy.compactMap({ fleet.silence($0.host) }).first {
                    return .wait(because: silent)
                }
                let down = source.filter { fleet.zookeeper($0.host)?.pid == nil }
                var commands = start(down)
                var reasons = down.isEmpty ? [] : ["to be started: \(names(down))"]
                switch strandedOnes(fleet) {
                case .seedLeads(let all):
                    let ready = all.filter {
                        fleet.zookeeper($0.host)?.fileView.map(Set.init) == Set(joint)
                    }
                    guard !ready.isEmpty else { break }
                    commands += ready.map { Self.restart($0, fleet) }
                    reasons.append(
                        "to be restarted, as a seed leads whom they do not know: \(names(ready))"
                    )
                case .tooFewServe(let all):
                    do throws(Undecidable) {
                        for server in all {
                            commands += try restoration(of: server, fleet) + [Self.restart(server, fleet)]
                        }
                    } catch {
                        return .stop(because: error.reason)
                    }
                    reasons.append(
                        "to be restarted with the source's own file, as too few serve for the joint view: \(names(all))"
                    )
                case nil: break
                }
                return commands.isEmpty
                    ? .nothingToDo(because: "all of them run")
                    : .act(commands, because: reasons.joined(separator: "; "), noting: facts)
            },
            looking: Look(hosts: (source + seeds).map(\.host))
        )
    }
}
