import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Transactions of one epoch are counted with 32 bits; when they are used up, the leader gives up and another is elected.
    package static func zxidHeadroom(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        /// Too few for a migration: at 1,000 writes a second, 70 minutes.
        let least: UInt32 = 1 << 22
        /// Worth knowing: at 1,000 writes a second, 18 hours.
        let few: UInt32 = 1 << 26
        return Check(
            .zxidHeadroom,
            "the source's epoch has room for the transactions of a migration",
            remedy:
                "Restart the source's leader at a quiet moment before: with the next epoch the count begins anew",
            looking: Look(hosts: source.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let zxids = fleet.seen(source).compactMap(\.zookeeper.stats?.zxid)
            guard let newest = zxids.max() else {
                return remarks.verdict("not judged: no source server was seen to serve")
            }
            let left = UInt32.max - newest.counter
            let text = "the last transaction is \(newest): \(left) more until an election by surprise"
            if left < least { remarks.refuse(text) } else if left < few { remarks.warn(text) }
            return remarks.verdict("\(left) transactions left in epoch \(newest.epoch)")
        }
    }
}
