import ArgumentParser
import ControlProtocol
import HostControl

struct LocalRulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Look at this host's rules of ours, or remove them, without a coordinator.",
        subcommands: [LocalRulesList.self, LocalRulesClean.self]
    )
}

struct LocalRulesList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show what this host's kernel holds of ours, in every backend.",
        discussion: "For root. Ends with 0 when every backend could be read."
    )

    @OptionGroup var flag: LocalFlag
    @OptionGroup var handMade: LocalHandMade
    @OptionGroup var options: LocalOptions
    @Flag(help: "Print rules, lease and ZooKeeper as one JSON object, for `mitosis rules clean --ssh`.")
    var json = false

    func validate() throws {
        guard !(json && handMade.isWanted) else {
            throw ValidationError("--json and --hand-made do not go together")
        }
    }

    func run() async throws {
        try LocalSession.requireRoot()
        if json { return try await report() }
        let places = LocalPlaces(config: options.config)
        if try await handMade.list(places) { return }
        let found = await LocalRules().look()
        LocalSession.tell(LocalRulesText.text(found))
        if let order = OrderStore(stateDirectory: places.state).state { LocalSession.tell("\(order)") }
        let unread = LocalRulesText.unread(found, places.backend)
        places.trail.noteLook(
            "rules list --local",
            unread.isEmpty ? "answered" : "failed: \(unread.joined(separator: "; "))"
        )
        guard unread.isEmpty else { throw ExitCode(1) }
    }

    private func report() async throws {
        let command = "rules list --local --json"
        var trail: LocalTrail?
        do throws(AgentServerError) {
            let configuration = try AgentConfigurationReader.readOwn(path: options.config)
            trail = LocalTrail(directory: configuration.state)
            let isRunning = LocalSession(directory: configuration.state).isAgentRunning
            let report = try await LocalReporting(configuration: configuration)
                .report(isAgentRunning: isRunning)
            LocalSession.tell(try LocalReporting.line(report))
            trail?.noteLook(command)
        } catch {
            trail?.noteLook(command, "failed: \(error)")
            LocalSession.complain("\(error)")
            throw ExitCode(1)
        }
    }
}

struct LocalRulesClean: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean",
        abstract: "Remove every rule of ours from this host's kernel, in every backend.",
        discussion: """
            For root, beside an agent that runs or without one. Ends with 0 only when the kernel, read afterwards, holds \
            nothing of ours.

            A wall keeps the two halves of a divided ensemble apart: without it they can join again, and what one of them \
            has acknowledged since can be lost. Services that were held back for it may start again. Refused while a coordinator \
            holds this host's lease, or while another program changes its order and does not come to an end, unless --force.
            """
    )

    @OptionGroup var flag: LocalFlag
    @OptionGroup var handMade: LocalHandMade
    @OptionGroup var options: LocalOptions
    @Flag(help: "Even though a coordinator holds the lease, or whether one does is not known.") var force =
        false

    /// How often rules are removed that an agent which does not answer may have put back.
    private static let attempts = 3
    private static let command = "rules clean --local"

    func run() async throws {
        try LocalSession.requireRoot()
        let places = LocalPlaces(config: options.config)
        if handMade.isWanted {
            if !force { try refuseHeldLease(places, handMade.command) }
            return try await handMade.clean(places)
        }
        let rules = LocalRules()
        let before = await rules.look()
        LocalSession.tell(LocalRulesText.text(before))
        if !force { try refuseHeldLease(places, Self.command) }
        let session = LocalSession(directory: places.state)
        LocalSession.tell(session.summary)
        let store = OrderStore(stateDirectory: places.state, patience: LocalSession.patience)
        // Before the agent is asked: whatever is refused here has changed nothing.
        let turn = try await turn(store, session)
        defer { withExtendedLifetime(turn) {} }
        let isWatched = await release(session)
        var errors: [FirewallError] = []
        var after = before
        var unproven = ["nothing was read afterwards"]
        for _ in 1...Self.attempts {
            errors = await rules.remove()
            // An agent that does not answer may be about to put back what it watches over.
            if isWatched { do { try await Task.sleep(for: .seconds(2)) } catch { break } }
            after = await rules.look()
            unproven = LocalRulesText.unproven(after, places.backend)
            if !isWatched || unproven.isEmpty { break }
        }
        for error in errors { LocalSession.complain("\(error)") }
        if unproven.isEmpty {
            if let order = store.state { LocalSession.tell("dropped with its rules: \(order)") }
            do throws(OrderError) { try store.drop() } catch { unproven = ["\(error)"] }
        }
        let outcome =
            unproven.isEmpty
            ? "done: nothing of ours is left" : "not clean: \(unproven.joined(separator: "; "))"
        if isWatched {
            session.note(Self.command + ": the end", outcome)
        } else {
            _ = await session.order(.note, Self.command + ": the end", outcome: outcome)
        }
        guard unproven.isEmpty else {
            LocalSession.tell(LocalRulesText.text(after))
            LocalSession.complain("not proven clean: \(unproven.joined(separator: "; "))")
            throw ExitCode(1)
        }
        LocalSession.tell("clean: every backend was read afterwards, and holds nothing of ours")
    }

    /// Nil with --force where another program does not come to its end, too.
    private func turn(_ store: OrderStore, _ session: LocalSession) async throws -> OrderTurn? {
        do throws(OrderError) { return try await store.turn() } catch {
            if force {
                LocalSession.complain("going on beside it: \(error)")
                return nil
            }
            let outcome = "failed: \(error)"
            switch await session.order(.note, "rules clean --local", outcome: outcome) {
            case .done: break
            case .problem, .silent: session.note("rules clean --local", outcome)
            }
            LocalSession.complain("\(error). --force removes the rules nevertheless; nothing was changed")
            throw ExitCode(1)
        }
    }

    /// Whether an agent may still put rules back.
    private func release(_ session: LocalSession) async -> Bool {
        let outcome = session.isAgentRunning ? nil : "begun"
        switch await session.order(
            .forgetRules,
            Self.command + (force ? " --force" : ""),
            outcome: outcome
        ) {
        case .done: return false
        case .problem(let reason):
            LocalSession.complain("going on without the agent's state: \(reason)")
            return session.isAgentRunning
        case .silent:
            LocalSession.complain(
                "the agent does not answer: it may put rules back that it watches over. Should they come back, end it first"
            )
            return true
        }
    }

    private func refuseHeldLease(_ places: LocalPlaces, _ command: String) throws {
        let objection: String?
        do throws(AgentServerError) {
            let record = try LeaseStore(directory: places.state).read()
            objection = record.flatMap { LeaseText.inForce($0, at: HostClock.system.now()) }
                .map {
                    "\($0): its run may need the wall. Stop it first (mitosis), or wait for its lease to lapse"
                }
        } catch {
            objection = "whether a coordinator holds the lease is not known: \(error)"
        }
        guard let objection else { return }
        places.trail.noteRefusal(command, objection)
        LocalSession.complain("\(objection). --force removes the rules nevertheless; nothing was changed")
        throw ExitCode(1)
    }
}

/// What backends hold, for a person.
enum LocalRulesText {
    static func text(_ found: [LocalRules.Backend]) -> String {
        found.map { part in
            let name = part.backend.rawValue
            switch part.finding {
            case .missing(let program): return "\(name): not on this host (no \(program))"
            case .unreadable(let error): return "\(name): cannot be read: \(error)"
            case .rules(0, _): return "\(name): 0 rules"
            case .rules(let count, let listing): return "\(name): \(count) rules\n\(listing)"
            }
        }
        .joined(separator: "\n")
    }

    /// Backends of which nothing is known, though they may hold rules: all but those whose programs this host lacks, unless the
    /// agent is to use them.
    static func unread(_ found: [LocalRules.Backend], _ configured: FirewallBackend?) -> [String] {
        let doubts = found.compactMap { part -> String? in
            switch part.finding {
            case .rules: nil
            case .missing(let program):
                part.backend == configured
                    ? "\(part.backend.rawValue), which agent.yaml names, cannot be read without \(program)"
                    : nil
            case .unreadable: "\(part.backend.rawValue) cannot be read"
            }
        }
        let isBlind = found.allSatisfy { if case .missing = $0.finding { true } else { false } }
        return isBlind ? ["no backend's program is on this host"] : doubts
    }

    static func unproven(_ found: [LocalRules.Backend], _ configured: FirewallBackend?) -> [String] {
        unread(found, configured)
            + found.compactMap { part in
                guard case .rules(let count, _) = part.finding, count > 0 else { return nil }
                return "\(part.backend.rawValue) still holds \(count) rules"
            }
    }
}
