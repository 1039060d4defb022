package import ControlProtocol
package import Logging
import Logs

/// Where commands arrive: checks the lease, keeps the record, and lets one command at a time touch the host.
///
/// A command goes on to its end though its caller hangs up, and though a newer lease is granted meanwhile; the
/// newer coordinator's first command waits for it.
package actor CommandDesk {
    package enum Answer: Sendable {
        /// Nothing was recorded and nothing done.
        case refused(refusal: Refusal)
        case unavailable(error: AgentServerError)
        case stopping
        /// A refusal that shows only once another command has ended comes as `finished`, without `accepted`.
        case events(stream: AsyncStream<CommandEvent>)
    }

    private enum Decision {
        case act(digest: String)
        case already(outcome: CommandOutcome)
        case refuse(refusal: Refusal)
        case fault(error: AgentServerError)
    }

    private let store: LeaseStore
    private let audit: AuditTrail
    private let allow: AllowList
    private let host: any HostActions
    private let clock: HostClock
    private let counters: AgentCounters
    private let log: Logger
    private let pulse: Duration
    private var keeper: LeaseKeeper
    private var record: CommandRecord
    private var turns = CommandQueue()
    private var stopping = false

    /// Reads what an earlier agent left in `directory`; refuses what it cannot understand.
    package init(
        directory: String,
        allow: AllowList,
        host: any HostActions,
        clock: HostClock,
        counters: AgentCounters,
        log: Logger,
        pulse: Duration = .seconds(1)
    ) throws(AgentServerError) {
        store = LeaseStore(directory: directory)
        audit = AuditTrail(directory: directory, log: log)
        keeper = LeaseKeeper(record: try store.read(), now: clock.now())
        record = try CommandRecord(directory: directory)
        self.allow = allow
        self.host = host
        self.clock = clock
        self.counters = counters
        self.log = log
        self.pulse = pulse
        let discarded = record.discarded
        if discarded > 0 {
            log.warning(
                "cut off a half-written last line of the command record; nobody was told that it was written",
                fields: ["bytes": String(discarded)]
            )
        }
    }

    package var leaseState: LeaseState { keeper.state }

    package func outcome(of id: CommandID) throws(AgentServerError) -> CommandOutcome? {
        try record.outcome(of: id)
    }

    /// Nil when it was granted, renewed or released; the state on disk is then the state in memory.
    package func lease(_ event: LeaseKeeper.Event) throws(AgentServerError) -> Refusal? {
        var next = keeper
        switch next.handle(event, at: clock.now()) {
        case .store(let record):
            try store.write(record)
            if keeper.state.current != next.state.current { logChange(from: keeper.state, to: next.state) }
            keeper = next
            return nil
        case .answer, .allow: return nil
        case .refuse(let refusal): return refusal
        }
    }

    package func submit(_ request: CommandRequest, by caller: Caller) async -> Answer {
        guard !stopping else { return .stopping }
        let events = CommandEvents(pulse: pulse)
        if turns.tryTake(for: request.id) {
            let decision = await decide(request, caller)
            if case .act(let digest) = decision {
                Task { await self.act(request, digest, caller, events) }
                return .events(stream: events.stream)
            }
            turns.give()
            return answer(decision, request, caller, events)
        }
        // What is already clear need not wait.
        if let early = screen(request, caller) { return answer(early, request, caller, events) }
        events.progress("waiting for the command that runs now: \(turns.holder?.description ?? "-")")
        Task { await self.actInTurn(request, caller, events) }
        return .events(stream: events.stream)
    }

    /// Refuses new commands and returns when the last accepted one has ended.
    package func drain() async {
        stopping = true
        await withCheckedContinuation { turns.waitUntilIdle($0) }
    }

    private func actInTurn(_ request: CommandRequest, _ caller: Caller, _ events: CommandEvents) async {
        if !turns.tryTake(for: request.id) {
            await withCheckedContinuation { turns.wait(request.id, $0) }
        }
        guard !stopping else {
            turns.give()
            events.finish(.failed(message: "the agent is stopping; nothing was done"))
            return
        }
        let decision = await decide(request, caller)
        if case .act(let digest) = decision {
            await act(request, digest, caller, events)
            return
        }
        turns.give()
        _ = answer(decision, request, caller, events)
    }

    /// Everything that can be said without the host; nil when the command needs its turn.
    private func screen(_ request: CommandRequest, _ caller: Caller) -> Decision? {
        do throws(AgentServerError) {
            if let refusal = try lease(.commanded(lease: request.lease, by: caller.name)) {
                return .refuse(refusal: refusal)
            }
            let digest = try CommandSummary.digest(of: request.command)
            switch try record.look(up: request.id, run: request.lease.runID, digest: digest) {
            case .finished(let outcome): return .already(outcome: outcome)
            case .differs: return .refuse(refusal: .idReused)
            case .unknown, .open: break
            }
            return allow.objection(to: request.command).map { .refuse(refusal: $0) }
        } catch {
            return .fault(error: error)
        }
    }

    /// Called by the holder of the turn.
    ///
    /// With `act`, the intent is on disk.
    private func decide(_ request: CommandRequest, _ caller: Caller) async -> Decision {
        if let early = screen(request, caller) { return early }
        if let refusal = await host.objection(to: request.command) { return .refuse(refusal: refusal) }
        // The host took its time: the lease may have lapsed or gone to another run since.
        if let early = screen(request, caller) { return early }
        do throws(AgentServerError) {
            let digest = try CommandSummary.digest(of: request.command)
            try record.begin(
                RecordEntry.Intent(
                    id: request.id,
                    lease: request.lease,
                    identity: caller.identity,
                    digest: digest,
                    summary: CommandSummary.of(request.command),
                    at: clock.now().unixMilliseconds
                ),
                urgent: request.command.undoesHarm
            )
            return .act(digest: digest)
        } catch {
            return .fault(error: error)
        }
    }

    private func act(
        _ request: CommandRequest,
        _ digest: String,
        _ caller: Caller,
        _ events: CommandEvents
    ) async {
        events.accept(request.id)
        if case .service(let service) = request.command, service.action == .restart {
            counters.countRestart()
        }
        let outcome = await host.perform(request.command, run: request.lease.runID) { events.progress($0) }
        do throws(AgentServerError) {
            try record.finish(request.id, outcome, at: clock.now().unixMilliseconds)
        } catch {
            // It happened all the same, and the record keeps it in memory until it can be written. After a restart
            // before that, a repeated id will be carried out again, which does no harm.
            log.error(
                "the outcome of a command is not on disk",
                fields: ["id": "\(request.id)", "reason": "\(error)"]
            )
        }
        note(request, caller, CommandSummary.of(outcome), events)
        counters.count(outcome)
        turns.give()
        events.finish(outcome)
    }

    private func answer(
        _ decision: Decision,
        _ request: CommandRequest,
        _ caller: Caller,
        _ events: CommandEvents
    ) -> Answer {
        switch decision {
        case .already(let outcome):
            note(request, caller, "repeated id, stored outcome: " + CommandSummary.of(outcome), events)
            events.accept(request.id)
            events.finish(outcome)
            return .events(stream: events.stream)
        case .refuse(let refusal):
            note(request, caller, CommandSummary.of(.refused(refusal: refusal)), events)
            counters.count(.refused(refusal: refusal))
            events.finish(.refused(refusal: refusal))
            return .refused(refusal: refusal)
        case .fault(let error):
            note(request, caller, "not recorded, nothing done: \(error)", events)
            events.finish(.failed(message: "nothing was done: \(error)"))
            return .unavailable(error: error)
        case .act:
            return .events(stream: events.stream)
        }
    }

    private func note(_ request: CommandRequest, _ caller: Caller, _ outcome: String, _ events: CommandEvents)
    {
        audit.append(
            AuditTrail.Line(
                time: clock.now().unixMilliseconds,
                identity: caller.identity,
                serial: caller.serial,
                peer: caller.peer,
                run: request.lease.runID,
                epoch: request.lease.epoch,
                id: request.id,
                command: CommandSummary.of(request.command),
                outcome: outcome,
                milliseconds: events.milliseconds
            )
        )
    }

    private func logChange(from old: LeaseState, to new: LeaseState) {
        log.info(
            new.current == nil ? "lease released" : "lease granted",
            fields: [
                "run": (new.current ?? old.current)?.runID.description ?? "-",
                "epoch": new.highestEpoch.description, "holder": new.holder ?? old.holder ?? "-",
                "before": old.current?.runID.description ?? "-",
            ]
        )
    }
}

extension Command {
    /// What takes away that a migration is under way: it must be possible on a full disk too.
    fileprivate var undoesHarm: Bool {
        switch self {
        case .removeWall, .restoreFile, .discardCopy: true
        case .installWall, .sever, .writeFile, .service, .detach, .setAside: false
        }
    }
}
