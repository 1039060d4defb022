import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 11: a client keeps its session over the division only if the other side grants it the same timeout.
    package static func sessionLimits(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let destination = subject.plan.destination
        var remarks = Remarks()
        let limits = source.compactMap { subject.configuration(of: $0) }
        let least = limits.map(\.minSessionTimeout).min() ?? 0
        let most = limits.map(\.maxSessionTimeout).max() ?? 0
        for server in destination {
            guard let file = subject.configuration(of: server) else { continue }
            let range = "\(file.minSessionTimeout) to \(file.maxSessionTimeout) ms"
            if file.minSessionTimeout > least || file.maxSessionTimeout < most {
                remarks.refuse(
                    "\(server.host) grants sessions of \(range), the source of \(least) to \(most) ms"
                )
            }
        }
        let verdict = remarks.verdict(
            "the source grants sessions of \(least) to \(most) ms, the destination no less"
        )
        return Check(
            .sessionLimits,
            "the destination grants every session timeout that the source grants",
            remedy:
                "Give the destination's files the source's tickTime, minSessionTimeout and maxSessionTimeout: the timeout "
                + "of a client that reconnects would be cut to the narrower range",
            looking: Look()
        ) { _, _ in verdict }
    }
}
