package import ControlProtocol
package import SystemCalls

/// Carries out what a `CleaningBoard` decides, many hosts at a time.
///
/// The group's own width, not `mapHosts`: which host is asked next depends upon what others answered. Cleaning goes before
/// looking, so that few connections are kept open.
package struct FleetCleaning: Sendable {
    private let fleet: any Fleet
    private let cleaning: HostCleaning
    private let timing: Timing
    private let width: Int
    private let limit: Duration
    private let force: Bool
    private let agentless: (any AgentlessCleaning)?
    private let aim: CleaningAim

    /// What came of a question, and whether the host's agent was gone round.
    private struct Answer: Sendable {
        let event: CleaningBoard.Event?
        var wentRound = false
    }

    /// - Parameters:
    ///   - run: under which the hosts' leases are taken.
    ///   - agentless: for hosts whose agents do not answer; nil leaves them unreachable. It removes rules of ours alone.
    ///   - limit: how long one host may take for a look, or for being cleaned, whatever its agent says meanwhile.
    package init(
        fleet: any Fleet,
        timing: Timing,
        run: RunID,
        force: Bool,
        width: Int = mostHostsAtOnce,
        limit: Duration = .seconds(120),
        agentless: (any AgentlessCleaning)? = nil,
        aim: CleaningAim = .ours
    ) {
        self.fleet = fleet
        self.force = force
        self.agentless = agentless
        self.timing = timing
        self.width = max(1, width)
        self.limit = limit
        self.aim = aim
        cleaning = HostCleaning(fleet: fleet, timing: timing, run: run, takeOver: force, aim: aim)
    }

    /// Until every host has ended.
    ///
    /// - Parameters:
    ///   - stop: an element asks to stop: what is being cleaned comes to its end, nothing else is begun.
    ///   - tell: what was decided of hosts, as it happens: `end` and `hindered`.
    package func perform(
        _ start: CleaningBoard,
        stop: AsyncStream<Void>,
        tell: (CleaningBoard.Action) -> Void
    ) async -> CleaningBoard {
        var board = start
        return await withTaskGroup(of: Answer.self) { group in
            var looks = Waiting()
            var cleans: [CleaningBoard.Action] = []
            var busy = 0
            // Whose agents were silent when they were last looked at: they are cleaned as they were seen.
            var goneRound: Set<HostName> = []
            group.addTask {
                for await _ in stop { return Answer(event: .stop) }
                return Answer(event: nil)
            }
            var actions = board.begin()
            while true {
                for action in actions {
                    switch action {
                    case .look: looks.append(action)
                    case .clean: cleans.append(action)
                    case .pause(let host, let duration):
                        group.addTask {
                            await timing.sleep(duration)
                            return Answer(event: .pauseOver(host))
                        }
                    case .end, .hindered: tell(action)
                    }
                }
                if board.isDone { break }
                while busy < width, let next = cleans.popLast() ?? looks.next() {
                    busy += 1
                    begin(next, goneRound, &group)
                }
                guard let answer = await group.next() else { break }
                actions = []
                guard let event = answer.event else { continue }
                switch event {
                case .looked(let host, _), .cleaned(let host, _):
                    if answer.wentRound { goneRound.insert(host) } else { goneRound.remove(host) }
                    busy -= 1
                    actions = board.handle(event, at: timing.monotonic())
                    if board.isSettled(host) { await fleet.hangUp(host) }
                case .pauseOver: actions = board.handle(event, at: timing.monotonic())
                case .stop:
                    looks = Waiting()
                    actions = board.handle(event, at: timing.monotonic())
                }
            }
            group.cancelAll()
            return board
        }
    }

    private func begin(
        _ action: CleaningBoard.Action,
        _ goneRound: Set<HostName>,
        _ group: inout TaskGroup<Answer>
    ) {
        switch action {
        case .look(let host): group.addTask { await look(at: host) }
        case .clean(let host, let facts, let attempt):
            if let agentless, goneRound.contains(host) {
                group.addTask {
                    let outcome = await within(limit) { await agentless.clean(host, facts, force: force) }
                    return Answer(event: .cleaned(host, outcome), wentRound: true)
                }
            } else {
                group.addTask { Answer(event: .cleaned(host, await clean(host, facts, attempt))) }
            }
        case .pause, .end, .hindered: break
        }
    }

    private func look(at host: HostName) async -> Answer {
        switch await fleet.look(at: host, within: limit) {
        case .status(let status): return Answer(event: .looked(host, .seen(aim.facts(status))))
        case .silent(let reason):
            guard let agentless else { return Answer(event: .looked(host, .silent(reason: reason))) }
            switch await Deadline.cancelling(after: limit, { await agentless.look(at: host) }) {
            case .seen(let facts): return Answer(event: .looked(host, .seen(facts)), wentRound: true)
            case .silent(let why):
                return Answer(event: .looked(host, .silent(reason: "\(reason); over ssh: \(why)")))
            case nil:
                return Answer(
                    event: .looked(host, .silent(reason: "\(reason); over ssh nothing came within \(limit)"))
                )
            }
        }
    }

    private func clean(
        _ host: HostName,
        _ facts: RulesFacts,
        _ attempt: Int
    ) async -> CleaningBoard.Outcome {
        let cleaning = cleaning
        return await within(limit) { await cleaning.perform(on: host, facts, attempt: attempt) }
    }

    private func within(
        _ limit: Duration,
        _ body: @escaping @Sendable () async -> CleaningBoard.Outcome
    ) async -> CleaningBoard.Outcome {
        await Deadline.cancelling(after: limit) { await body() }
            ?? .failed(
                reason: "it did not come to an end within \(limit); look at its rules before trying again"
            )
    }
}

/// What comes first is taken first, in constant time.
private struct Waiting {
    private var actions: [CleaningBoard.Action] = []
    private var taken = 0

    mutating func append(_ action: CleaningBoard.Action) { actions.append(action) }

    mutating func next() -> CleaningBoard.Action? {
        guard taken < actions.count else { return nil }
        taken += 1
        return actions[taken - 1]
    }
}
