import ControlProtocol
import Settings
import Topology

extension Check {
    /// Milliseconds between a host's clock and this program's: certificates and leases are judged by both (trap 19).
    private static var doubtfulSkew: Int64 { 1000 }
    private static var largestSkew: Int64 { 5000 }

    package static func clocks(_ subject: SurveyedPlan) -> Check {
        let agents = subject.plan.agents.map(\.host)
        return Check(
            .clocks,
            "every host's clock is within a second of this machine's",
            remedy: "Run a time service on every host and on this machine",
            looking: Look(hosts: agents)
        ) { fleet, _ in
            var remarks = Remarks()
            guard let looked = fleet.lookedAt else { return .waiting(reason: "no host was asked") }
            var seen = 0
            for host in agents {
                guard let clock = fleet.status(host)?.clock else { continue }
                seen += 1
                let isAhead = clock > looked.upperBound
                let skew =
                    isAhead
                    ? clock.minus(saturating: looked.upperBound) : looked.lowerBound.minus(saturating: clock)
                let text = "\(host): its clock is \(skew) ms \(isAhead ? "ahead" : "behind")"
                if skew > Self.largestSkew {
                    remarks.refuse(text)
                } else if skew > Self.doubtfulSkew {
                    remarks.warn(text)
                }
            }
            let span = looked.upperBound - looked.lowerBound
            return remarks.verdict("\(seen) clocks, each seen within \(span) ms")
        }
    }
}
