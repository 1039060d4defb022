import Fleet
import Settings

/// Gates on canaries: nodes that are written through one side and looked for on all servers (trap 8).
extension MigrationProcedure {
    /// Written through one server, a node is soon on every server of the joint ensemble: it commits, and everybody follows.
    ///
    /// It also makes sure that the present epoch has a transaction, so that `srvr` shows a real one.
    var canaryReachesAll: Gate {
        canaries(
            "a canary that is written through the source is seen on every seed",
            sides: [source + seeds]
        )
    }

    /// Each side commits what is written through it, and the other side does not show it (I1).
    var canariesStayHome: Gate {
        canaries(
            "a canary of each side is seen on all of its nodes and on none of the other's",
            sides: [source, destination]
        )
    }

    private func canaries(_ title: String, sides: [[PlannedServer]]) -> Gate {
        let question = CanaryQuestion(name: plan.name, sides: sides)
        return Gate(
            title,
            looking: Look(canary: question),
            deadline: plan.deadlines.restart
        ) { fleet, _ in
            fleet.seen(question) { sightings in
                if let stray = sightings.first(where: { !$0.strays.isEmpty }) {
                    return .never(
                        reason:
                            "\(stray.path) is seen on \(stray.strays.joined(separator: ", ")), on the other side: the "
                            + "ensembles are not apart. Remove no rule, see `mitosis status`"
                    )
                }
                if let late = sightings.first(where: { !$0.missing.isEmpty }) {
                    return .waiting(
                        reason: "\(late.path) is not seen on \(late.missing.joined(separator: ", "))"
                    )
                }
                return .holds(
                    observed: "\(sightings.count) \(sightings.count == 1 ? "canary" : "canaries") seen where "
                        + "they must be, and nowhere else"
                )
            }
        }
    }
}
