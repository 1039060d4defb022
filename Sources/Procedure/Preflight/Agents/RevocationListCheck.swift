import ControlProtocol
import Settings
import Topology

extension Check {
    /// A list that one host does not have leaves a stolen certificate its way into that host.
    package static func revocationList(_ subject: SurveyedPlan) -> Check {
        let agents = subject.plan.agents.map(\.host)
        return Check(
            .revocationList,
            "this program and every agent keep the same revocation list",
            remedy:
                "Copy the newest ca.crl from the authority's directory to every host, and to this coordinator's; "
                + "tls.revoked in agent.yaml names it",
            looking: Look(hosts: agents, ownCredentials: true)
        ) { fleet, _ in
            var remarks = Remarks()
            let own = fleet.ownCredentials?.revocationLists
            if own?.isEmpty == true { remarks.refuse("this coordinator keeps no revocation list") }
            for host in agents {
                guard let lists = fleet.status(host)?.credentials?.revocationLists else { continue }
                guard !lists.isEmpty else {
                    remarks.warn("\(host): it keeps no revocation list")
                    continue
                }
                for mine in own ?? [] { compare(lists, of: host, with: mine, &remarks) }
            }
            let numbers = (own ?? []).map(\.number).joined(separator: ", ")
            return remarks.verdict(numbers.isEmpty ? "none was seen" : "number \(numbers) everywhere")
        }
    }

    private static func compare(
        _ lists: [RevocationListState],
        of host: HostName,
        with mine: RevocationListState,
        _ remarks: inout Remarks
    ) {
        guard let theirs = lists.first(where: { $0.authority == mine.authority }) else {
            remarks.warn(
                "\(host): it keeps no list of the authority \(mine.authority.prefix(16)), whose list is kept here"
            )
            return
        }
        if theirs.isOlder(than: mine) {
            remarks.wait(
                "\(host): its list is number \(theirs.number), this coordinator's number \(mine.number)"
            )
        } else if mine.isOlder(than: theirs) {
            remarks.wait(
                "this coordinator's list is number \(mine.number), older than \(theirs.number) of \(host)"
            )
        }
    }
}
