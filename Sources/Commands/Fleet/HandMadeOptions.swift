import ArgumentParser
import ControlProtocol
import Fleet
import Procedure
import Reporting
import Settings
import SystemCalls

/// Rules that somebody made by hand, in place of ours.
struct HandMadeOptions: ParsableArguments {
    @Flag(help: "Rules that somebody made by hand against --addresses, in place of ours.") var handMade =
        false
    @Option(
        help: ArgumentHelp("The addresses that were cut off by hand, with commas.", valueName: "a,b,c"),
        transform: { text in try HandMadeRequest(listed: text) }
    )
    var addresses: HandMadeRequest?

    /// Nil when ours are meant.
    var request: HandMadeRequest? { handMade ? addresses : nil }

    func validate() throws {
        guard handMade == (addresses != nil) else {
            throw ValidationError(
                "--hand-made and --addresses go together: --hand-made --addresses 198.51.100.1,198.51.100.2"
            )
        }
    }
}

extension HandMadeRequest {
    /// What every host holds of them; returns how many hosts are not proven clean.
    func list(on hosts: [HostName], of fleet: any Fleet, say: (String) -> Void) async -> Int {
        let cleaning = HandMadeCleaning(hosts: hosts, request: self, fleet: fleet, timing: .system)
        let found = await cleaning.look()
        for (host, outcome) in found { say(HandMadeHostText.text(host, outcome)) }
        return found.count { !$0.outcome.isClean }
    }
}

extension RuleCleaning {
    /// Removes rules that somebody made by hand, where ours may be removed too; returns how many hosts are not proven clean.
    func perform(_ request: HandMadeRequest, say: (String) -> Void) async throws -> Int {
        if !force, let plan = choice.file.plan, let journal { try refuseUnfinished(plan, journal) }
        let all = choice.file.inventory.hosts.map(\.host)
        let seen = await fleet.observe(all)
        let refused = force ? [:] : refusals(request, seen)
        for host in choice.hosts {
            if let reason = refused[host] { say(HandMadeHostText.text(host, .failed(reason: reason))) }
        }
        let hosts = choice.hosts.filter { refused[$0] == nil }
        guard !hosts.isEmpty else { return refused.count }
        let cleaning = HandMadeCleaning(hosts: hosts, request: request, fleet: fleet, timing: timing)
        return try await cleaning.perform(as: try runID(), seen: seen, takeOver: force) { host, outcome in
            say(HandMadeHostText.text(host, outcome))
        } + refused.count
    }

    /// Why hosts keep their rules: what is judged is as if a wall of ours cut off the addresses.
    private func refusals(_ request: HandMadeRequest, _ seen: [HostName: Observation]) -> [HostName: String] {
        let looks = seen.mapValues { observation -> RulesLook in
            switch observation {
            case .status(let status): .seen(RulesFacts(status, walling: Set(request.addresses)))
            case .silent(let reason): .silent(reason: reason)
            }
        }
        let grounds = CleaningGrounds(choice.file)
        var refused: [HostName: String] = [:]
        for host in choice.hosts {
            guard case .seen(let facts)? = looks[host] else { continue }
            switch grounds.verdict(
                on: host,
                facts,
                look: { looks[$0] ?? .silent(reason: "it was not asked") }
            ) {
            case .allowed: continue
            case .refused(let reason), .hidden(let reason):
                refused[host] = "\(host): refused, nothing was changed: \(reason)"
            case .needs: refused[host] = "\(host): refused, nothing was changed: not every peer was seen"
            }
        }
        return refused
    }
}
