import ArgumentParser
import ControlProtocol
import HostControl
import Topology

/// Rules that somebody made by hand, in place of ours, for root on the host.
///
/// No list of peers bounds the addresses: root may do with this host what it likes, and is told everything first.
struct LocalHandMade: ParsableArguments {
    @Flag(help: "Rules that somebody made by hand against --addresses, in place of ours.") var handMade =
        false
    @Option(
        help: ArgumentHelp("The addresses that were cut off by hand, with commas.", valueName: "a,b,c"),
        transform: { text in try HandMadeRequest(listed: text) }
    )
    var addresses: HandMadeRequest?

    var isWanted: Bool { handMade }

    /// In the words of the audit trail.
    var command: String { "rules clean --local" + words }

    private var words: String { " --hand-made --addresses \((addresses?.addresses ?? []).listed(","))" }

    func validate() throws {
        guard handMade == (addresses != nil) else {
            throw ValidationError(
                "--hand-made and --addresses go together: --hand-made --addresses 198.51.100.1,198.51.100.2"
            )
        }
    }

    /// False when it is not asked for.
    func list(_ places: LocalPlaces) async throws -> Bool {
        guard handMade, let request = addresses else { return false }
        let report = await HandMadeRules(stateDirectory: places.state).look(for: request.addresses)
        LocalSession.tell(HandMadeText.text(report))
        places.trail.noteLook("rules list --local" + words)
        guard report.isClean else { throw ExitCode(1) }
        return true
    }

    func clean(_ places: LocalPlaces) async throws {
        guard let request = addresses else { return }
        let rules = HandMadeRules(stateDirectory: places.state)
        LocalSession.tell(HandMadeText.text(await rules.look(for: request.addresses)))
        let session = LocalSession(directory: places.state)
        LocalSession.tell(session.summary)
        _ = await session.order(.note, command, outcome: "begun")
        let outcome: String
        var isClean = false
        do throws(FirewallError) {
            let report = try await rules.remove(request.addresses, keptAs: "local")
            LocalSession.tell("afterwards:\n" + HandMadeText.text(report))
            isClean = report.isClean
            outcome =
                "\(isClean ? "done" : "not clean"): \(report.removed) removed, \(report.count) left"
                + (report.saved.map { ", saved in \($0)" } ?? "")
        } catch {
            LocalSession.complain("\(error)")
            outcome = "failed: \(error)"
        }
        _ = await session.order(.note, command + ": the end", outcome: outcome)
        guard isClean else {
            LocalSession.complain("not proven clean: see above")
            throw ExitCode(1)
        }
        LocalSession.tell(
            "clean: every backend and every file was read afterwards, and holds none of these rules"
        )
    }
}
