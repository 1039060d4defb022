import ControlProtocol
import Fleet
import Journal
import Reporting
import Settings
import SystemCalls
import TestSupport
import Testing
import Topology

@testable import Commands

/// Six agents that hold four rules each, given by a plan or by an inventory.
struct CleaningFixture {
    struct Told {
        let board: CleaningBoard
        /// What was said of hosts, each with its end, in the order of the hosts; pauses apart.
        let lines: [String]
        let pauses: [String]
    }

    let run: RunFixture
    let inventory: FleetFile
    let time = PassingTime()

    var fleet: AgentsDouble { run.fleet }

    init() throws {
        run = try RunFixture()
        let text =
            "version: 1\nname: hosts\npki: {directory: ./pki, coordinator: test}\nhosts:\n"
            + "  - {host: \"s[1-3]\", address: \"198.51.100.[11-13]\"}\n"
            + "  - {host: \"d[4-6]\", address: \"198.51.100.[14-16]\"}\n"
        inventory = try FleetFile.read(path: try run.folder.write(text, to: "hosts.yaml"))
    }

    /// Puts the destination's hosts behind walls against the source's.
    func divide() throws {
        let source = try (11...13).map { try #require(IPAddress("198.51.100.\($0)")) }
        for host in ["d4", "d5", "d6"] { try fleet.change(host) { $0.walled = source } }
        for host in ["s1", "s2", "s3"] {
            try fleet.change(host) {
                $0.rules = 0
                $0.isWatched = false
            }
        }
    }

    /// - Parameter file: the inventory without one.
    func clean(
        _ file: FleetFile? = nil,
        _ journal: (any RunArchive)? = nil,
        force: Bool = false,
        untilClean: Bool = false,
        timing: Timing? = nil,
        stop: AsyncStream<Void> = AsyncStream<Void> { $0.finish() },
        tell: (CleaningBoard.Action) -> Void = { _ in }
    ) async throws -> Told {
        let file = file ?? inventory
        let cleaning = RuleCleaning(
            choice: FleetChoice(file: file, hosts: file.inventory.hosts.map(\.host)),
            fleet: fleet,
            journal: journal,
            timing: timing ?? time.timing,
            force: force,
            untilClean: untilClean,
            jitter: { 0.5 }
        )
        var lines: [HostName: String] = [:]
        var pauses: [String] = []
        let text = CleaningText(json: false)
        let board = try await cleaning.perform(stop: stop) { action in
            tell(action)
            guard let line = text.line(action) else { return }
            if case .end(let host, _, _) = action {
                lines[host] = String(line.dropLast())
            } else {
                pauses.append(String(line.dropLast()))
            }
        }
        return Told(board: board, lines: board.hosts.compactMap { lines[$0] }, pauses: pauses)
    }
}
