import ControlProtocol
import Settings
import Topology

/// Checks of agents, of their clocks and certificates, and of what they can see.
extension Check {
    /// Milliseconds between a host's clock and this program's: certificates and leases are judged by both (trap 19).
    private static var doubtfulSkew: Int64 { 1000 }
    private static var largestSkew: Int64 { 5000 }
    /// Days that a certificate must still be valid.
    private static var doubtfulDays: Int64 { 30 }
    private static var fewestDays: Int64 { 2 }
    private static var day: Int64 { 86_400_000 }

    package static func agents(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let survey = subject.survey
        let agents = subject.plan.agents.map(\.host)
        return Check(
            .agents,
            "every agent answers, in this version of the protocol, and serves the plan's service",
            remedy:
                "Install the same version of mitosis-agent on every host, start it, open its port to this machine, and "
                + "let its configuration and the plan name the same service",
            looking: Look(hosts: agents)
        ) { fleet, _ in
            var remarks = Remarks()
            let silent = Set((survey.unread + (survey.kafka?.unread ?? [])).filter(\.isSilence).map(\.host))
            for host in agents {
                if let silence = fleet.unanswered(host) {
                    remarks.wait(silence)
                } else if silent.contains(host) {
                    remarks.refuse("\(host): its agent did not answer when its files were read; start again")
                }
                guard let status = fleet.status(host) else { continue }
                if status.protocolVersion != ControlProtocolVersion.current {
                    remarks.refuse(
                        "\(host): its agent speaks protocol \(status.protocolVersion), this program "
                            + "\(ControlProtocolVersion.current)"
                    )
                }
                guard let server = plan.server(host) else { continue }
                guard let zookeeper = status.zookeeper else {
                    remarks.refuse("\(host): its agent's configuration names no ZooKeeper")
                    continue
                }
                if zookeeper.service != server.service {
                    remarks.refuse(
                        "\(host): its agent's configuration names the service \(zookeeper.service), the plan "
                            + "\(server.service) (line \(server.line))"
                    )
                }
            }
            return remarks.verdict("\(agents.count) agents, protocol \(ControlProtocolVersion.current)")
        }
    }

    /// Trap 21: `detach` reads the server's threads, its flags and its log, and ends its process.
    package static func serverProcesses(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        return Check(
            .serverProcesses,
            "every running server is a JVM that its agent can look into",
            remedy:
                "Let the service's main process be the JVM itself (no shell around it), and let the agent run as root",
            looking: Look(hosts: plan.servers.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let running = fleet.seen(plan.servers).filter { $0.zookeeper.pid != nil }
            for (server, zookeeper) in running where zookeeper.javaProperties == nil {
                remarks.refuse(
                    "\(server.host): process \(zookeeper.pid ?? 0) of \(zookeeper.service) is no ZooKeeper server that "
                        + "its agent can look into"
                )
            }
            return remarks.verdict("\(running.count) processes")
        }
    }

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
                let skew = clock > looked.upperBound ? clock - looked.upperBound : looked.lowerBound - clock
                let text =
                    "\(host): its clock is \(abs(skew)) ms \(clock > looked.upperBound ? "ahead" : "behind")"
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
                    let days = (end - now) / Self.day
                    fewest = min(fewest ?? days, days)
                    let text = "\(owner): its \(name) ends in \(days) days"
                    if end - now < Self.fewestDays * Self.day {
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
