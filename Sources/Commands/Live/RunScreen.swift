import ControlProtocol
import Fleet
import Logging
import Printable
import Procedure
import Reporting
import Settings
import Synchronization
import SystemCalls
import ZooKeeperClient

/// The live view of a run on its own terminal.
///
/// The run hands events over and goes on; who draws and who looks at hosts are tasks of their own, and a terminal that takes
/// nothing holds up none but the drawing. What the plain lines would have been is kept, and stands on the terminal afterwards.
final class RunScreen: Sendable {
    private static let footer = "Ctrl-C stops at the next resting place"
    /// Between two drawings.
    private static let pause = Duration.milliseconds(250)
    /// Lines that are kept for afterwards.
    private static let mostKept = 20_000

    private struct State {
        var board: LiveBoard
        var kept: [TerminalText] = []
        var left = 0
        /// While the page is not there, lines go straight to the terminal.
        var isDrawn = false
        var drawing: Task<Void, Never>?
    }

    private let state: Mutex<State>
    private let looks: LiveLooks
    private let kafka: LiveKafka?
    private let lookers = LiveLookers()
    private let timing: Timing

    init(
        _ plan: MigrationPlan,
        through fleet: any Fleet,
        _ kafka: LiveKafka?,
        timing: Timing = .system
    ) {
        self.kafka = kafka
        state = Mutex(State(board: LiveBoard(plan)))
        looks = LiveLooks(hosts: plan.agents.map(\.host), fleet: fleet)
        self.timing = timing
    }

    /// With connections and a session of its own.
    convenience init(_ plan: MigrationPlan, _ credentials: [Credentials], log: Logger) throws {
        let ensembles = EnsembleClients(credentials: credentials, log: log)
        self.init(
            plan,
            // What is wrong with certificates the run's own fleet tells.
            through: try AgentFleet(plan: plan, log: log) { _ in },
            LiveKafka(plan, through: ensembles)
        )
    }

    func begin() {
        LivePage.install()
        state.withLock { state in
            state.isDrawn = true
            state.drawing = Task { await draw() }
        }
        lookers.begin([{ await self.lookAtHosts() }, { await self.lookAtKafka() }])
    }

    func take(_ event: RunEvent) {
        RunPrinter(style: .plain) { text in self.keep(text) }.print(event)
        state.withLock { $0.board.take(event) }
    }

    /// What the run told before it was gone on with; nothing of it is printed again.
    func recall(_ events: [RunEvent]) {
        state.withLock { state in
            for event in events { state.board.take(event) }
        }
    }

    func take(_ facts: RunFacts) {
        guard let prediction = facts.window else { return }
        state.withLock { $0.board.take(prediction) }
    }

    func warn(_ text: String) {
        keep(TerminalText("mitosis: \(text)\n"))
        state.withLock { $0.board.warn(text) }
    }

    private func take(_ look: [HostName: Observation]) {
        let now = timing.now()
        state.withLock { $0.board.take(look, at: now) }
    }

    private func lookAtHosts() async {
        await looks.work(timing: timing) {
            self.state.withLock { $0.board.isWithinWindow }
        } seen: { look in
            self.take(look)
        }
    }

    private func lookAtKafka() async {
        await kafka?.work(timing: timing) {
            self.state.withLock { $0.board.sideOfKafka }
        } seen: { kafka in
            let now = self.timing.now()
            self.state.withLock { $0.board.take(kafka, at: now) }
        }
    }

    private func keep(_ text: TerminalText) {
        let isKept = state.withLock { state in
            guard state.isDrawn else { return false }
            if state.kept.count < Self.mostKept { state.kept.append(text) } else { state.left += 1 }
            return true
        }
        if !isKept { Output.write(text) }
    }

    /// Until it is cancelled.
    private func draw() async {
        while !Task.isCancelled {
            // A terminal that is held (Ctrl-S) keeps this thread, and no task.
            await BlockingThread.run { self.drawOnce() }
            await timing.sleep(Self.pause)
        }
    }

    private func drawOnce() {
        let board = state.withLock { $0.isDrawn ? $0.board : nil }
        guard let board else { return }
        LivePage.draw(
            LiveScreen(board, size: LivePage.size, now: timing.now(), footer: Self.footer).lines
        )
    }

    /// Asks on the terminal's own page, below what happened until then.
    func asking(_ question: () async -> Bool) async -> Bool {
        await end()
        let answer = await question()
        if answer { begin() }
        return answer
    }

    /// For good: who looks has closed what it holds open, or has had its time.
    func close() async {
        await end()
        await lookers.close()
    }

    /// What happened stands on the terminal afterwards.
    private func end() async {
        let drawing = state.withLock { state in
            defer { state.drawing = nil }
            return state.drawing
        }
        lookers.end()
        drawing?.cancel()
        await drawing?.value
        let (kept, left) = state.withLock { state in
            defer { (state.kept, state.left, state.isDrawn) = ([], 0, false) }
            return (state.kept, state.left)
        }
        LivePage.leave()
        for text in kept { Output.write(text) }
        if left > 0 { Output.write("... and \(left) more lines; `mitosis history` has the steps\n") }
    }
}
