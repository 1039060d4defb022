import ControlProtocol
import Fleet
import Settings
import Topology

/// Checks of paths between hosts, and of what filters them.
extension MigrationProcedure {
    /// Where a server's peers and clients connect to.
    private static func targets(_ server: PlannedServer, _ ports: [Port]) -> [ProbeTarget] {
        server.allAddresses.prefix(1).flatMap { address in
            ports.map { ProbeTarget(address: address, port: $0) }
        }
    }

    /// Every destination host tries every other one's ports; nothing listens there yet.
    var destinationProbes: [HostName: [ProbeTarget]] {
        destination.reduce(into: [:]) { probes, server in
            probes[server.host] = destination.filter { $0.host != server.host }
                .flatMap { Self.targets($0, [$0.clientPort, $0.quorumPort, $0.electionPort]) }
        }
    }

    private var crossingProbes: [HostName: [ProbeTarget]] {
        var probes: [HostName: [ProbeTarget]] = [:]
        for (side, other) in [(source, destination), (destination, source)] {
            let targets = other.flatMap { Self.targets($0, [$0.quorumPort, $0.electionPort]) }
            for server in side { probes[server.host] = targets }
        }
        return probes
    }

    /// Trap 22: the first quorum may be any of them, and an election needs every pair.
    var destinationConnects: Check {
        connects(
            .destinationNetwork,
            "destination hosts reach each other's client, quorum and election ports",
            destinationProbes
        )
    }

    /// Trap 23, and the proof of the wall: what is refused at the division must have been open before.
    var sidesConnect: Check {
        let listening = Set(source.flatMap { Self.targets($0, [$0.electionPort]) })
        return connects(
            .crossingPaths,
            "source and destination hosts reach each other's quorum and election ports",
            crossingProbes
        ) { [source] target, fleet in
            // A server that is known not to serve listens nowhere.
            let owner = source.first { $0.allAddresses.contains(target.address) }
            return listening.contains(target) && owner.map { fleet.stats($0.host) != nil } ?? false
        }
    }

    private func connects(
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
            looking: Look(hosts: plan.servers.map(\.host), probes: probes),
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

    /// Trap 16: the wall is handed to every backend as it will be, and judged without being put up.
    var wallsAreTaken: Check {
        let walls = destination.reduce(into: [HostName: Wall]()) { $0[$1.host] = plan.wall(for: $1) }
        return Check(
            .firewallBackend,
            "every destination host's firewall backend takes the wall, and every host's rules can be read",
            remedy:
                "Install the backend's programs or name the backend that the host uses in the agent's configuration; end "
                + "what holds the xtables lock; allow the source's addresses in `firewall.peers`",
            looking: Look(hosts: plan.servers.map(\.host), walls: walls)
        ) { [plan, destination] fleet, _ in
            var remarks = Remarks()
            var backends: Set<String> = []
            for server in plan.servers {
                guard let reason = fleet.status(server.host)?.rules.unreadable else { continue }
                remarks.refuse("\(server.host): its rules cannot be read: \(reason)")
            }
            for server in destination {
                switch fleet.previews[server.host]?[plan.wall(for: server)] {
                case .accepted(let preview): backends.insert(preview.backend.rawValue)
                case .failed(.refused(_, let refusal)): remarks.refuse("\(server.host): \(refusal)")
                case .failed(.failed(_, let reason)), .failed(.broken(_, let reason)):
                    remarks.refuse("\(server.host): \(reason)")
                case .failed(.unreachable), .failed(.replyLost), .failed(.gaveUp), nil:
                    if fleet.unanswered(server.host) == nil {
                        remarks.wait("\(server.host): its agent did not answer")
                    }
                }
            }
            return remarks.verdict(
                "\(destination.count) walls tried with \(backends.sorted().joined(separator: ", "))"
            )
        }
    }

    /// Trap 16: rules of ours, in whatever backend.
    var noRulesAreLeft: Check {
        Check(
            .leftoverRules,
            "no rule of ours is in any host's kernel",
            remedy: "`mitosis rules clean` removes what an earlier run left",
            looking: Look(hosts: plan.agents.map(\.host))
        ) { [plan] fleet, _ in
            var remarks = Remarks()
            var seen = 0
            for host in plan.agents.map(\.host) {
                guard let rules = fleet.status(host)?.rules, rules.unreadable == nil else { continue }
                seen += 1
                if rules.count > 0 { remarks.refuse("\(host) has \(rules.count) rules of ours") }
            }
            return remarks.verdict("0 rules on \(seen) hosts")
        }
    }

    /// Trap 17.
    var nobodyElseManagesRules: Check {
        Check(
            .ruleManagers,
            "no other program changes the rules of a destination host",
            remedy:
                "Stop it for the time of the migration (systemctl stop; a unit without a process must not be reloaded or "
                + "restarted): it could flush the wall between the division and the end",
            looking: Look(hosts: destination.map(\.host))
        ) { [destination] fleet, _ in
            var remarks = Remarks()
            for server in destination {
                for program in fleet.status(server.host)?.ruleManagers ?? [] {
                    if let pid = program.pid {
                        remarks.refuse("\(server.host): \(program.name) runs (pid \(pid))")
                    } else {
                        remarks.warn("\(server.host): \(program.name) is active")
                    }
                }
            }
            return remarks.verdict("none on \(destination.count) hosts")
        }
    }
}
