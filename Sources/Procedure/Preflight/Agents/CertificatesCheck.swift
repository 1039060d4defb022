import ControlProtocol
import FoundationEssentials
import Settings
import Topology

extension Check {
    /// Days that a certificate must still be valid: no expiry may come between a wall and its removal.
    private static var doubtfulDays: Int64 { 30 }
    private static var fewestDays: Int64 { 7 }
    private static var day: Int64 { 86_400_000 }
    /// The end of the year 9999, the last that a certificate can name.
    private static var lastMoment: Int64 { 253_402_300_799_000 }

    package static func certificates(_ subject: SurveyedPlan) -> Check {
        let agents = subject.plan.agents.map(\.host)
        return Check(
            .certificates,
            "certificates and revocation lists of every agent and of this program are valid for a month at least",
            remedy:
                "Issue new certificates (`mitosis pki issue`), write a new list (`mitosis pki relist`), replace an authority "
                + "as certs/README.md says, and copy them over the old ones: they are read again by themselves",
            looking: Look(hosts: agents, ownCredentials: true)
        ) { fleet, _ in
            var remarks = Remarks()
            let now = fleet.lookedAt?.upperBound ?? 0
            var fewest: Int64?
            for (owner, credentials) in fleet.credentials(of: agents) {
                for (name, end) in [
                    ("certificate", credentials.certificate), ("authority", credentials.authority),
                    ("revocation list", credentials.revocationList),
                ] {
                    guard let end else { continue }
                    guard (0...lastMoment).contains(end) else {
                        remarks.refuse("\(owner): its \(name) ends at a time that there is not (\(end))")
                        continue
                    }
                    let days = (end - now) / day
                    fewest = min(fewest ?? days, days)
                    let date = Date(timeIntervalSince1970: Double(end) / 1000).ISO8601Format()
                    let text =
                        end < now
                        ? "\(owner): its \(name) has ended, at \(date)"
                        : "\(owner): its \(name) ends in \(days) days, at \(date)"
                    if end - now < fewestDays * day {
                        remarks.refuse(text)
                    } else if days < doubtfulDays {
                        remarks.warn(text)
                    }
                }
            }
            return remarks.verdict(fewest.map { "\($0) days at the least" } ?? "none was seen")
        }
    }
}

extension FleetView {
    /// Of this program and of every agent that says something of them, with whose they are.
    func credentials(of agents: [HostName]) -> [(owner: String, credentials: CredentialExpiry)] {
        let all =
            [("this coordinator", ownCredentials)]
            + agents.map { ($0.description, status($0)?.credentials) }
        return all.compactMap { owner, credentials in credentials.map { (owner, $0) } }
    }
}
