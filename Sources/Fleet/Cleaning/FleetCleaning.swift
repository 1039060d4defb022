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

    /// - Parameters:
    ///   - run: under which the hosts' leases are taken.
    ///   - limit: how long one host may take for a look, or for being cleaned, whatever its agent says meanwhile.
    package init(
        fleet: any Fleet,
        timing: Timing,
        run: RunID,
        force: Bool,
        width: Int = mostHostsAtOnce,
        limit: Duration = .seconds(120)
    ) {
        self.fleet = fleet
        self.timing = timing
        self.width = max(1, width)
        self.limit = limit
        cleaning = HostCleaning(fleet: fleet, timing: timing, run: run, takeOver: force)
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
        return await withTaskGroup(of: CleaningBoard.Event?.self) { group in
            var looks = Waiting()
            var cleans: [CleaningBoard.Action] = []
            var busy = 0
            group.addTask {
                for await _ in stop { return .stop }
                return nil
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
                            return .pauseOver(host)
                        }
                    case .end, .hindered: tell(action)
                    }
                }
                if board.isDone { break }
                while busy < width, let next = cleans.popLast() ?? looks.next() {
                    busy += 1
                    begin(next, &group)
                }
                guard let event = await group.next() else { break }
                actions = []
                guard let event else { continue }
                switch event {
                case .looked(let host, _), .cleaned(let host, _):
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
        _ group: inout TaskGroup<CleaningBoard.Event?>
    ) {
        switch action {
        case .look(let host): group.addTask { .looked(host, await look(at: host)) }
        case .clean(let host, let facts, let attempt):
            group.addTask { .cleaned(host, await clean(host, facts, attempt)) }
        case .pause, .end, .hindered: break
        }
    }

    private func look(at host: HostName) async -> HostLook {
        switch await fleet.look(at: host, within: limit) {
        case .status(let status): .seen(RulesFacts(status))
        case .silent(let reason): .silent(reason: reason)
        }
    }

    private func clean(
        _ host: HostName,
        _ facts: RulesFacts,
        _ attempt: Int
    ) async -> CleaningBoard.Outcome {
        let cleaning = cleaning
        return await Deadline.cancelling(after: limit) {
            await cleaning.perform(on: host, facts, attempt: attempt)
        }
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
