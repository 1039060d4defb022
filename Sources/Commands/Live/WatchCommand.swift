import ArgumentParser
import ControlProtocol
import Fleet
import MutualTLS
import Procedure
import Reporting
import Settings
import SystemCalls

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show a run as it goes on, from anywhere, without taking part in it.",
        discussion: """
            Asks agents what they observe and nothing else, which a viewer's certificate allows; takes no lease. Where the \
            plan's journal is on this machine and may be read, what the run tells comes from there, elsewhere from what \
            agents were told of its place. Ends when the run ends or stops, or with Ctrl-C. Without a terminal it prints a \
            line for each change.
            """
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Option(
        help: ArgumentHelp(
            "Use this viewer's certificate, out of the plan's pki directory, instead of the coordinator's.",
            valueName: "name"
        )
    )
    var viewer: String?
    @Flag(help: "Print one screen and end.") var once = false
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        var peer: PeerName?
        if let viewer {
            guard let name = PeerName(viewer) else {
                throw Complaint(
                    "--viewer: '\(viewer)' is no viewer's name: give the one that `mitosis pki issue viewer` had"
                )
            }
            peer = name
        }
        StopSignal.install()
        let watching = Watching(
            plan,
            through: try AgentFleet(plan: plan, viewer: peer, log: logging.logger, warn: Output.warn)
        )
        if once {
            await watching.look()
            printOnce(watching.board, hosts: plan.agents.count)
        } else if LivePage.isPossible {
            await onPage(watching)
        } else {
            await inLines(watching)
        }
    }

    private func printOnce(_ board: LiveBoard, hosts: Int) {
        let size =
            Output.isTerminal ? LivePage.size : LiveScreen.Size(columns: 120, rows: max(24, hosts + 24))
        var lines = screen(board, size).map(\.text)
        // The last one says what Ctrl-C does.
        lines.removeLast()
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        for line in lines { Output.write(line + "\n") }
    }

    private func screen(_ board: LiveBoard, _ size: LiveScreen.Size) -> [LiveLine] {
        LiveScreen(
            board,
            size: size,
            now: Timing.system.now(),
            footer: "Ctrl-C ends the watching, not the run"
        ).lines
    }

    private func onPage(_ watching: Watching) async {
        LivePage.install()
        let looks = Task { await watching.work() }
        while StopSignal.request == .none, watching.board.ending == nil {
            let lines = screen(watching.board, LivePage.size)
            await BlockingThread.run { LivePage.draw(lines) }
            await Timing.system.sleep(.milliseconds(250))
        }
        looks.cancel()
        LivePage.leave()
        await looks.value
        if let ending = watching.board.ending { Output.write("ended: \(ending)\n") }
    }

    private func inLines(_ watching: Watching) async {
        var shown = watching.board
        let looks = Task { await watching.work() }
        while StopSignal.request == .none {
            let board = watching.board
            for line in LiveChanges(from: shown, to: board).lines { Output.write(line + "\n") }
            shown = board
            if board.ending != nil { break }
            await Timing.system.sleep(.milliseconds(250))
        }
        looks.cancel()
        await looks.value
    }
}
