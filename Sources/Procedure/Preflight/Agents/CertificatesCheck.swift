import ControlProtocol
import Settings
import Topology

extension Check {
    /// Days that a certificate must still be valid.
    private static var doubtfulDays: Int64 { 30 }
    private static var fewestDays: Int64 { 2 }
    private static var day: Int64 { 86_400_000 }

    package static func certificates(_ subject: SurveyedPlan) -> Check {
        let agents = subject.plan.agents.map(\.host)
        return Check(
            .certificates,
            "certificates and revocation lists of every agent and of this program are valid for a month at least",
            remedy:
                "Issue new ones (`mitosis pki issue`), copy them over the old ones: they are read again by themselves",
            looking: Look(hosts: agents, ownCredentials: true)
        ) { fleet, _ in
            var remarks = Remarks()
            let now = fleet.lookedAt?.upperBound ?? 0
            let all =
                [("this coordinator", fleet.ownCredentials)]
                + agents.map { ($0.description, fleet.status($0)?.credentials) }
            var fewest: Int64?
            for (owner, credentials) in all {
                guard let credentials else { continue }
                for (name, end) in [
                    ("certificate", credentials.certificate), ("authority", credentials.authority),
                    ("revocation list", credentials.revocationList),
                ] {
                    guard let end else { continue }
                    let left = end.minus(saturating: now)
                    let days = left / Self.day
                    fewest = min(fewest ?? days, days)
                    let text = "\(owner): its \(name) ends in \(days) days"
                    if left < Self.fewestDays * Self.day {
                        remarks.refuse(text)
                    } else if days < Self.doubtfulDays {
                        remarks.warn(text)
                    }
                }
            }
            return remarks.verdict(fewest.map { "\($0) days at the least" } ?? "none was seen")
        }
    }
}
