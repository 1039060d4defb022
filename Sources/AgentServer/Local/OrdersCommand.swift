import ArgumentParser
import ControlProtocol
import HostControl

struct OrdersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orders",
        abstract: "Look at what this host must hold to whatever reboots, or drop it, without a coordinator.",
        subcommands: [OrdersList.self, OrdersDrop.self]
    )
}

struct OrdersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show this host's order: its run, since when, its wall, and which services may not start.",
        discussion: "For root. Ends with 1 when it cannot be read: then everything counts as held."
    )

    @OptionGroup var options: LocalOptions

    func run() async throws {
        try LocalSession.requireRoot()
        let places = LocalPlaces(config: options.config)
        let store = OrderStore(stateDirectory: places.state)
        let found = store.read()
        LocalSession.tell(OrderText.text(found, path: store.path))
        guard case .unreadable(let reason) = found else { return places.trail.noteLook("orders list") }
        places.trail.noteLook("orders list", "failed: \(reason)")
        throw ExitCode(1)
    }
}

struct OrdersDrop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract:
            "Let services start again that a division holds back here, and forget the wall at the next boot.",
        discussion: """
            For root, beside an agent that runs or without one. Says what it risks, and changes nothing without --yes. Rules that \
            stand go on standing: `mitosis-agent rules clean --local` removes both.

            For an order that is damaged, or whose run nobody will ever go on with.
            """
    )

    @Flag(help: "Do it, with what it risks.") var yes = false
    @OptionGroup var options: LocalOptions

    func run() async throws {
        try LocalSession.requireRoot()
        let places = LocalPlaces(config: options.config)
        let store = OrderStore(stateDirectory: places.state, patience: LocalSession.patience)
        let found = store.read()
        LocalSession.tell(OrderText.text(found, path: store.path))
        if found == .none { return }
        LocalSession.tell(OrderText.risk)
        guard yes else {
            places.trail.noteRefusal("orders drop", "without --yes")
            LocalSession.complain("nothing was changed; the same with --yes does it")
            throw ExitCode(1)
        }
        let session = LocalSession(directory: places.state)
        LocalSession.tell(session.summary)
        let problem = await drop(store)
        let outcome = problem.map { "failed: \($0)" } ?? "done: \(store.path) is gone"
        switch await session.order(.note, "orders drop", outcome: outcome) {
        case .done: break
        case .problem, .silent: session.note("orders drop", outcome)
        }
        if let problem {
            LocalSession.complain("not dropped: \(problem)")
            throw ExitCode(1)
        }
        LocalSession.tell("dropped: nothing is held back on this host any more")
    }

    /// The agent reads it anew each time, so that nothing has to be told to it.
    private func drop(_ store: OrderStore) async -> OrderError? {
        do throws(OrderError) {
            let turn = try await store.turn()
            defer { withExtendedLifetime(turn) {} }
            try store.drop()
            return nil
        } catch {
            return error
        }
    }
}

/// An order, for a person.
enum OrderText {
    static let risk =
        "risk: a ZooKeeper that is held back may start by itself from now on. If it does before the freshest of its ensemble was "
        + "chosen, what others have acknowledged can be lost; and after a reboot no wall keeps the two sides apart. Prefer "
        + "`mitosis run` or `mitosis rollback` with the run's plan"

    static func text(_ found: OrderStore.Found, path: String) -> String {
        switch found {
        case .none: return "no order: nothing is held back on this host"
        case .unreadable(let reason): return "\(OrderError.unreadable(path: path, reason: reason))"
        case .order(let order):
            let held = order.held.map { held in
                held.service + (held.isAlive ? " (its process was about to be ended, and runs)" : "")
            }
            let problem = order.lapse?.problem.map { "\nnot taken back yet: \($0)" } ?? ""
            return
                "run \(order.run), since \(UnixTime.text(order.since)), \(order.phase.rawValue)\(problem)\n"
                + "held back: \(held.isEmpty ? "nothing" : held.listed())\n"
                + "wall\(order.phase.walls ? "" : ", not any more"): peers \(order.wall.peers.listed()), \(scope(order.wall.scope)), by \(order.backend.rawValue)"
        }
    }

    private static func scope(_ scope: Wall.Scope) -> String {
        switch scope {
        case .allTCP: "all TCP but the protected ports"
        case .ports(let numbers): "TCP ports \(numbers.listed())"
        }
    }
}
