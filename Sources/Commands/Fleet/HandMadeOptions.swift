import ArgumentParser
import ControlProtocol
import Fleet
import Reporting

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
    /// What every host holds of them, as it answers; gives whether every host is proven clean.
    func list(on hosts: [HostName], of fleet: any Fleet, json: Bool, say: (String) -> Void) async -> Bool {
        var text = HandMadeHostText(json: json)
        await fleet.look(for: self, at: hosts) { host, answer in say(text.told(host, answer)) }
        say(text.end())
        return text.isClean
    }
}
