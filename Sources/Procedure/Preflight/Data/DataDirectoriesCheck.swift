import ControlProtocol
import Settings
import Topology

extension Check {
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
                // What is wrong with the file is another check's, too.
                for problem in zookeeper.data.problems
                where !problem.hasPrefix("\(zookeeper.configPath), line ") {
                    remarks.refuse("\(server.host): \(problem)")
                }
                let file = subject.configuration(of: server)
                if let missing = fleet.missingSnapshot(on: server.host, as: source.map(\.host), file) {
                    remarks.refuse(missing)
                }
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
    private static func space(for size: UInt64) -> UInt64 {
        size.times(saturating: 2).plus(saturating: 2 * (64 << 20))
    }

    private static func mebibytes(_ bytes: UInt64) -> UInt64 { bytes.plus(saturating: (1 << 20) - 1) >> 20 }
}
