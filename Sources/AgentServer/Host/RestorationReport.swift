import ControlProtocol
import HostControl
import Logging
import Logs

/// Tells of rules that somebody else took away and the agent put back: the log, the audit trail, the counters.
struct RestorationReport: Sendable {
    private static let longestListing = 2000

    /// The agent's own: nobody asked for it.
    let identity: String
    /// Of the certificate in use.
    let serial: @Sendable () -> String
    let audit: AuditTrail
    let counters: AgentCounters
    let clock: HostClock
    let log: Logger

    func tell(_ restoration: RuleRestoration) {
        let outcome: String
        switch restoration.result {
        case .success(let rules):
            counters.countRestoration()
            outcome = "done"
            log.error(
                "rules were not as they had been installed, and were put back",
                fields: fields(restoration, "restored", String(rules.restored))
            )
        case .failure(let error):
            outcome = "failed: \(error)"
            log.error(
                "rules are not as they had been installed, and cannot be put back; trying again",
                fields: fields(restoration, "reason", error.description)
            )
        }
        audit.append(
            AuditTrail.Line(
                time: clock.now().unixMilliseconds,
                identity: identity,
                serial: serial(),
                peer: "-",
                command: "restore rules: \(restoration.wanted)",
                outcome: outcome,
                milliseconds: restoration.milliseconds
            )
        )
    }

    private func fields(
        _ restoration: RuleRestoration,
        _ name: String,
        _ value: String
    ) -> KeyValuePairs<String, String> {
        let listing = restoration.found?.listing ?? ""
        return [
            "wanted": restoration.wanted, "found": restoration.found?.summary ?? "unreadable",
            "rules": restoration.found.map { String($0.count) } ?? "?",
            "listing": String(listing.prefix(Self.longestListing)), name: value,
            "ms": String(restoration.milliseconds),
        ]
    }
}
