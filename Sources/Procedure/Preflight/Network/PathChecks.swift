import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    static func connects(
        _ subject: SurveyedPlan,
        _ name: CheckName,
        _ title: String,
        _ probes: [HostName: [ProbeTarget]],
        mustListen: @escaping @Sendable (ProbeTarget, FleetView) -> Bool = { _, _ in false }
    ) -> Check {
        Check(
            name,
            title,
            remedy:
                "Open these ports on the way (an election needs every pair of them), and name the peers' "
                + "addresses in `firewall.peers` of the agents' configurations",
            looking: Look(hosts: subject.plan.servers.map(\.host), probes: probes),
            deadline: .seconds(5)
        ) { fleet, _ in
            var remarks = Remarks()
            var count = 0
            for (host, targets) in probes.sorted(by: { $0.key < $1.key }) {
                let asked = Set(fleet.probes[host]?.map(\.target) ?? [])
                switch fleet.probeErrors[host] {
                case .refused(_, let refusal):
                    guard !asked.isSuperset(of: targets) else { break }
                    remarks.refuse("\(host): its agent makes no probes: \(refusal)")
                case .unreachable, .replyLost, .failed, .broken, .gaveUp:
                    // A silent agent is another check's finding.
                    if fleet.unanswered(host) == nil { remarks.wait("\(host): its agent made no probes") }
                case nil: break
                }
                // Two checks may ask the same host at once.
                let results = (fleet.probes[host] ?? []).filter { targets.contains($0.target) }
                count += results.count
                for (answer, words) in [
                    (ProbeResult.Answer.silent, "no answer"), (.unreachable, "no way"),
                    (.refused, "nothing listens"),
                ] {
                    let bad = results.filter { result in
                        result.answer == answer && (answer != .refused || mustListen(result.target, fleet))
                    }
                    guard !bad.isEmpty else { continue }
                    remarks.wait(
                        "\(host): \(words) at "
                            + bad.map { "\($0.target.address) port \($0.target.port)" }.joined(
                                separator: ", "
                            )
                    )
                }
            }
            return remarks.verdict("\(count) attempts were answered")
        }
    }
}
