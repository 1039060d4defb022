package import ControlProtocol
import Logs

extension HostFirewall {
    package func pilot(_ wall: Wall) async throws(FirewallError) -> PilotReport {
        let own = try HostAddresses.current()
        let others = Wall(peers: wall.peers.filter { !own.contains($0) }, scope: wall.scope)
        let accepted = RuleSet(wall: try check.accepted(others))
        return try await inTurn { () async throws(FirewallError) in
            try requireBackend()
            let before = try await reader.read()
            guard before.own.count + before.residue == 0, guarded.state == nil else {
                throw .refused(
                    refusal: .invalid(
                        reason:
                            "rules of ours stand on this host, and a trial neither replaces nor joins them; see "
                            + "`mitosis rules list`"
                    )
                )
            }
            do throws(FirewallError) {
                let (up, interference, rules) = try await raise(accepted)
                let begin = ContinuousClock.now
                _ = try await removePilot()
                return PilotReport(
                    backend: reader.own.backend,
                    rules: rules,
                    upMilliseconds: up,
                    downMilliseconds: Self.milliseconds(since: begin),
                    interference: interference
                )
            } catch {
                // Whatever stood in the way, no rule is to be left of it.
                do throws(FirewallError) { _ = try await removePilot() } catch {
                    log.error(
                        "rules of a trial may be left",
                        fields: ["reason": error.description, "remedy": "mitosis rules clean"]
                    )
                }
                throw error
            }
        }
    }

    private func raise(_ desired: RuleSet) async throws(FirewallError) -> (Int, [String], Int) {
        let begin = ContinuousClock.now
        let generation = reader.generation()
        reader.forget()
        let transactions = try await reader.own.install(desired, over: nil)
        let after = reader.generation()
        let found = try await reader.read(isExpected: true)
        guard found.own.rules == desired, found.residue == 0 else {
            throw .readbackDiffers(desired: desired.wall, closed: nil, found: described(found))
        }
        let up = Self.milliseconds(since: begin)
        var interference: [String] = []
        if let generation, let after,
            after != RulesetGeneration.after(generation, transactions: transactions)
        {
            interference.append("something else changed the rule set while the wall was put up")
        }
        if let after, let now = reader.generation(), now != after {
            interference.append("something else changed the rule set while the wall stood")
        }
        return (up, interference, found.own.count)
    }

    /// For the holder of the turn.
    func removePilot() async throws(FirewallError) -> InstalledRules {
        guarded.end()
        reader.forget()
        try await reader.own.remove()
        let found = described(try await reader.read())
        guard found.count == 0 else { throw .readbackDiffers(desired: nil, found: found) }
        return found
    }

    private static func milliseconds(since begin: ContinuousClock.Instant) -> Int {
        Int((ContinuousClock.now - begin) / .milliseconds(1))
    }
}
