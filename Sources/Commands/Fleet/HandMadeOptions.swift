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
        let view = try await unrefusedView()
        let cleaning = HandMadeCleaning(
            hosts: plan.servers.map(\.host),
            request: request,
            fleet: fleet,
            timing: timing
        )
        return try await cleaning.perform(as: try runID(), seen: view.hosts, takeOver: force) {
            host,
            outcome in
            say(HandMadeHostText.text(host, outcome))
        }
    }
}
