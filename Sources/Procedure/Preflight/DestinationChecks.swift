import ControlProtocol
import Settings
import Topology

/// Checks of the destination and of data directories.
extension Check {
    /// Trap 2, and sizes that could outvote the source: the plan has been refused before.
    package static func seeds(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        let seeds = subject.plan.seeds
        let joining = source.count + seeds.count
        return Check(
            .seeds,
            "the seeds leave the source a majority and form no more than one of the destination",
            remedy: "Leave 'seeds' out, or name as many as docs/plan-file.md says",
            looking: Look()
        ) { _, _ in
            switch plan.strategy {
            case .observers: .holds(observed: "\(seeds.names) join without a vote")
            case .participants:
                source.count > joining / 2
                    ? .holds(
                        observed: "\(seeds.names) join: the source has \(source.count) of \(joining) votes"
                    )
                    : .never(
                        reason:
                            "\(seeds.names) could outvote the source: it has \(source.count) of \(joining)"
                    )
            }
        }
    }

    /// Trap 5.
    package static func destinationIDs(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let destination = subject.plan.destination
        var remarks = Remarks()
        let highest = source.map(\.id).max()
        for server in destination {
            guard let highest, server.id < highest else { continue }
            remarks.refuse("\(server.host): id \(server.id) is below source id \(highest)")
        }
        let verdict = remarks.verdict(
            "ids \(destination.map(\.id.description).joined(separator: ", ")) are above \(highest?.description ?? "none")"
        )
        return Check(
            .destinationIDs,
            "every destination id is above every source id",
            remedy: "Give the destination higher ids, in the plan, in its files and in myid",
            looking: Look()
        ) { _, _ in verdict }
    }

    /// Trap 3.
    package static func serverIDs(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .serverIDs,
            "every myid holds the id of the plan",
            remedy: "Write the id that the plan gives into dataDir/myid, or correct the plan",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.onPlan(plan.servers).filter { !$0.zookeeper.data.path.isEmpty }
            for (server, zookeeper) in seen where zookeeper.data.myid != server.id.value {
                let found = zookeeper.data.myid.map { "\($0)" } ?? "no id"
                remarks.refuse(
                    "\(server.host): \(zookeeper.data.path)/myid holds \(found), the plan says \(server.id) (line "
                        + "\(server.line))"
                )
            }
            return remarks.verdict("\(seen.count) myid files")
        }
    }

    /// Trap 3.
    ///
    /// An empty server votes with the epochs of an earlier life, and a learner refuses a leader below them.
    package static func epochs(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        return Check(
            .epochs,
            "acceptedEpoch is nowhere below currentEpoch, and the destination has neither",
            remedy:
                "Never edit these files: replace a damaged server's data by letting it join anew without any; move what is "
                + "left in the destination's version-2 away",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.onPlan(plan.servers)
            for (server, zookeeper) in seen {
                let data = zookeeper.data
                if let accepted = data.acceptedEpoch, let current = data.currentEpoch, accepted < current {
                    remarks.refuse(
                        "\(server.host): acceptedEpoch \(accepted) is below currentEpoch \(current): its data directory is "
                            + "damaged"
                    )
                }
                let isSource = source.contains { $0.host == server.host }
                if !isSource, data.isEmpty, let left = data.acceptedEpoch ?? data.currentEpoch {
                    remarks.refuse(
                        "\(server.host): \(data.path)/version-2 holds epoch \(left) of an earlier life, and no data"
                    )
                }
            }
            let epochs = Set(source.compactMap { fleet.zookeeper($0.host)?.data.currentEpoch }).sorted()
            return remarks.verdict(
                "the source is at epoch \(epochs.map { "\($0)" }.joined(separator: ", ")), the destination at none"
            )
        }
    }

    /// Trap 9: where a server's history ends is read from its disk.
    package static func dataDirectories(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let source = subject.plan.source
        let destination = subject.plan.destination
        return Check(
            .dataDirectories,
            "every data directory can be read, and the destination has room for the source's data",
            remedy:
                "Free space, or mend what cannot be read: restart a source server whose log is damaged without its data, "
                + "one at a time, so that it takes it from the leader anew",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            // Data that a destination server should not have at all is another check's.
            let isNew = { (server: PlannedServer) in destination.contains { $0.host == server.host } }
            for (server, zookeeper) in fleet.onPlan(plan.servers)
            where zookeeper.data.isEmpty || !isNew(server) {
                for problem in zookeeper.data.problems { remarks.refuse("\(server.host): \(problem)") }
                if let hole = fleet.hole(on: server.host) {
                    remarks.refuse(hole + ", which its next start would lose")
                }
            }
            for (server, zookeeper) in fleet.running(source) where zookeeper.data.problems.isEmpty {
                if zookeeper.data.lastZxid == nil || zookeeper.data.currentEpoch == nil {
                    remarks.wait("\(server.host): no last transaction or no epoch in \(zookeeper.data.path)")
                }
            }
            let size = source.compactMap { fleet.zookeeper($0.host)?.dataSize }.max() ?? 0
            let needed = space(for: size)
            for (server, zookeeper) in fleet.onPlan(destination) {
                guard let free = zookeeper.diskFree, free < needed else { continue }
                remarks.refuse(
                    "\(server.host): \(mebibytes(free)) MiB free for \(zookeeper.data.path), \(mebibytes(needed)) "
                        + "needed"
                )
            }
            return remarks.verdict(
                "the source has \(mebibytes(size)) MiB, the destination room for the \(mebibytes(needed)) needed"
            )
        }
    }

    /// The snapshot that the leader sends, the next one beside it, and two logs of the size they are allocated with.
    private static func space(for size: UInt64) -> UInt64 { 2 * size + 2 * (64 << 20) }

    private static func mebibytes(_ bytes: UInt64) -> UInt64 { (bytes + (1 << 20) - 1) >> 20 }

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

    /// Trap 3.
    package static func destinationData(_ subject: SurveyedPlan) -> Check {
        let destination = subject.plan.destination
        return Check(
            .destinationData,
            "every destination server has no data",
            remedy: "Look at it, then move version-2 away: it would be mixed into the ensemble",
            looking: Look(hosts: destination.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let seen = fleet.onPlan(destination).filter { !$0.zookeeper.data.path.isEmpty }
            for (server, zookeeper) in seen where !zookeeper.data.isEmpty {
                remarks.refuse("\(server.host): \(zookeeper.data.path) is not empty")
            }
            return remarks.verdict("\(seen.count) servers are empty")
        }
    }
}
