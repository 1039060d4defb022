package import ControlProtocol
package import Logging
import Logs
import SystemCalls

/// Where commands arrive: checks the lease, keeps the record, and lets one command at a time touch the host.
///
/// A command that has begun goes on to its end though its caller hangs up, and though a newer lease is granted meanwhile; the
/// newer coordinator's first command waits for it. One that still waits for its turn is not begun for a caller who has hung up, nor
/// behind a command that undoes, which passes it (`CommandTurns`).
///
/// Others are served while the disk is waited for. What is decided upon the lease and the record, and written, is so one
/// after the other (`changes`), and shows only once it is on disk:
///
/// | under way | meanwhile |
/// |---|---|
/// | a lease is written | the one before counts; the next change, and an intent, wait and are judged by the new one |
/// | an intent is written | its command has the turn; a lease waits, and is granted behind it |
/// | a command acts | leases change, also to another run; the next command waits for its turn; one that undoes passes those that wait |
/// | an outcome is written | its command still has the turn; nobody has heard of the outcome |
package actor CommandIntake {
    package enum Answer: Sendable {
        /// Nothing was recorded and nothing done.
        case refused(refusal: Refusal)
        case unavailable(error: AgentServerError)
        case stopping
        /// As many wait for their turn as may.
        case full(reason: String)
        /// A refusal that shows only once another command has ended comes as `finished`, without `accepted`.
        case events(stream: AsyncStream<CommandEvent>)
    }

    private enum Decision {
        case act(digest: String)
        case already(outcome: CommandOutcome)
        case refuse(refusal: Refusal)
        case fault(error: AgentServerError)
    }

    private let records: AgentRecords
    /// For requests that are no commands.
    nonisolated let audit: RequestAudit
    private let allow: AllowList
    private let host: any HostActions
    let clock: HostClock
    private let counters: AgentCounters
    private let log: Logger
    private let pulse: Duration
    private(set) var keeper: LeaseKeeper
    /// One command at a time.
    private let turns = CommandTurns()
    /// One decision upon lease and record at a time, until it is on disk.
    let changes = FIFOLock<Void>()
    /// What the run's coordinator has this host keep for whoever takes the run over.
    nonisolated let chain: ChainBook
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
        let trail = AuditTrail(directory: directory, log: log)
        trail.look()
        audit = RequestAudit(trail: trail, clock: clock)
        chain = ChainBook(stateDirectory: directory)
        records = try AgentRecords(directory: directory, audit: trail)
        keeper = LeaseKeeper(record: records.lease, now: clock.now())
        self.allow = allow
        self.host = host
        self.clock = clock
        self.counters = counters
        self.log = log
        self.pulse = pulse
        if let damage = records.damage {
            log.error(
                "the command record was damaged; \(damage.objection)",
                fields: ["epoch": "\(damage.epoch)"]
            )
        }
        if records.discarded > 0 {
            log.warning(
                "cut off a half-written last line of the command record; nobody was told that it was written",
                fields: ["bytes": String(records.discarded)]
            )
        }
    }

    package var leaseState: LeaseState { keeper.state }

    /// The command that touches the host just now.
    nonisolated var acting: CommandID? { turns.holder }

    /// What of the agent's own records is damaged; nil when nothing is.
    package nonisolated var recordState: RecordState {
        RecordState(problem: records.problem, audit: audit.trail.head)
    }

    package func outcome(of id: CommandID) async throws(AgentServerError) -> CommandOutcome? {
        try await records.outcome(of: id)
    }

    /// Nil when it was granted, renewed or released; the state on disk is then the state in memory.
    package func lease(_ event: LeaseKeeper.Event) async throws(AgentServerError) -> Refusal? {
        await changes.acquire()
        defer { changes.release() }
        var next = keeper
        switch next.handle(event, at: clock.now()) {
        case .store(let record):
            try await records.keep(record)
            if keeper.state.current != next.state.current { logChange(from: keeper.state, to: next.state) }
            keeper = next
            if case .requested(let request, _) = event { host.coordinatorWasHeard(of: request.lease.runID) }
            return nil
        case .answer, .allow: return nil
        case .refuse(let refusal): return refusal
        }
    }

    /// By root on this host, who has been told what it risks: from now on any lease above `epoch` is granted.
    func resetLease(to epoch: FencingEpoch) async throws(AgentServerError) {
        await changes.acquire()
        defer { changes.release() }
        let record = try LeaseRecord.reset(to: epoch)
        try await records.keep(record)
        log.warning(
            "lease reset",
            fields: ["epoch": epoch.description, "before": keeper.state.highestEpoch.description]
        )
        keeper = LeaseKeeper(record: record, now: clock.now())
    }

    func note(_ line: AuditTrail.Line) async { await records.append(line) }

    package func submit(_ request: CommandRequest, by caller: Caller) async -> Answer {
        guard !stopping else { return .stopping }
        let (events, stream) = CommandEvents.make(pulse: pulse)
        // What is already clear need not wait, nor hold a place.
        if turns.isTaken, let early = await screen(request, caller) {
            return await answer(early, request, caller, events) ?? .events(stream: stream)
        }
        let entry = CommandTurns.Entry(
            id: request.id,
            lease: request.lease,
            undoes: request.command.undoesHarm,
            isWanted: { events.isWanted }
        )
        switch turns.enter(entry) {
        case .now:
            let decision = await decide(request, caller)
            if case .act(let digest) = decision {
                Task { await self.act(request, digest, caller, events) }
                return .events(stream: stream)
            }
            turns.release()
            return await answer(decision, request, caller, events) ?? .events(stream: stream)
        case .waits(let ticket, let holder):
            events.progress("waiting for the command that runs now: \(holder)")
            Task { await self.actInTurn(ticket, request, caller, events) }
            return .events(stream: stream)
        case .full(let reason):
            counters.count(.queue)
            events.leave()
            return .full(reason: reason)
        }
    }

    /// Refuses new commands and returns when the last accepted one has ended.
    package func drain() async {
        stopping = true
        await turns.untilFree()
        let trail = audit.trail
        await BlockingThread.run { trail.settle(all: true) }
    }

    private func actInTurn(
        _ ticket: Int,
        _ request: CommandRequest,
        _ caller: Caller,
        _ events: CommandEvents
    ) async {
        switch await turns.turn(ticket) {
        case .come: break
        case .abandoned:
            counters.count(.abandoned)
            await note(request, caller, "not done: its caller hung up before its turn came", events)
            events.leave()
            return
        case .overtaken(let id):
            counters.count(.overtaken)
            await note(request, caller, "not done: \(id) undoes, and passed it", events)
            events.finish(.failed(message: "nothing was done: \(id), which undoes, came meanwhile"))
            return
        }
        guard !stopping else {
            // Before the turn is passed on, which stopping waits for.
            await note(request, caller, "refused: the agent is stopping", events, allowed: false)
            turns.release()
            events.finish(.failed(message: "the agent is stopping; nothing was done"))
            return
        }
        let decision = await decide(request, caller)
        if case .act(let digest) = decision {
            await act(request, digest, caller, events)
            return
        }
        turns.release()
        _ = await answer(decision, request, caller, events)
    }

    /// Everything that can be said without the host; nil when the command needs its turn.
    private func screen(_ request: CommandRequest, _ caller: Caller) async -> Decision? {
        var judge = keeper
        let event = LeaseKeeper.Event.commanded(lease: request.lease, by: caller.name)
        if case .refuse(let refusal) = judge.handle(event, at: clock.now()) {
            return .refuse(refusal: refusal)
        }
        do throws(AgentServerError) {
            let digest = try CommandDigest.of(request.command)
            switch try await records.look(up: request.id, under: request.lease, digest: digest) {
            case .finished(let outcome): return .already(outcome: outcome)
            case .differs: return .refuse(refusal: .idReused)
            // A wall that is taken away twice is away.
            case .damaged(let reason) where !request.command.undoesHarm:
                return .refuse(refusal: .invalid(reason: reason))
            case .unknown, .open, .damaged: break
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
        if let early = await screen(request, caller) { return early }
        if let refusal = await host.objection(to: request.command) { return .refuse(refusal: refusal) }
        // The host took its time: the lease may have lapsed or gone to another run since.
        await changes.acquire()
        defer { changes.release() }
        if let early = await screen(request, caller) { return early }
        do throws(AgentServerError) {
            let digest = try CommandDigest.of(request.command)
            try await records.begin(
                RecordEntry.Intent(
                    id: request.id,
                    lease: request.lease,
                    identity: caller.identity,
                    digest: digest,
                    summary: AuditText.of(request.command),
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
        host.coordinatorWasHeard(of: request.lease.runID)
        if case .service(let service) = request.command, service.action == .restart {
            counters.countRestart()
        }
        let outcome = await host.perform(request.command, run: request.lease.runID) { events.progress($0) }
        // Beside the record, which is another file: both are on disk before the caller hears of the end. On a full disk the
        // record of what must be possible there gives up the reserve first, and leaves room for the note.
        let summary = AuditText.of(outcome)
        let isLast = request.command.undoesHarm
        async let noted: Void = isLast ? () : note(request, caller, summary, events)
        do throws(AgentServerError) {
            try await records.finish(request.id, outcome, at: clock.now().unixMilliseconds)
        } catch {
            // It happened all the same, and the record keeps it in memory until it can be written. After a restart
            // before that, a repeated id will be carried out again, which does no harm.
            log.error(
                "the outcome of a command is not on disk",
                fields: ["id": "\(request.id)", "reason": "\(error)"]
            )
        }
        await noted
        if isLast { await note(request, caller, summary, events) }
        counters.count(outcome)
        turns.release()
        events.finish(outcome)
    }

    /// - Returns: nil when the answer is the stream of events.
    private func answer(
        _ decision: Decision,
        _ request: CommandRequest,
        _ caller: Caller,
        _ events: CommandEvents
    ) async -> Answer? {
        switch decision {
        case .already(let outcome):
            await note(request, caller, "repeated id, stored outcome: " + AuditText.of(outcome), events)
            events.accept(request.id)
            events.finish(outcome)
            return nil
        case .refuse(let refusal):
            await note(request, caller, AuditText.of(.refused(refusal: refusal)), events, allowed: false)
            counters.count(.refused(refusal: refusal))
            events.finish(.refused(refusal: refusal))
            return .refused(refusal: refusal)
        case .fault(let error):
            await note(request, caller, "not recorded, nothing done: \(error)", events)
            events.finish(.failed(message: "nothing was done: \(error)"))
            return .unavailable(error: error)
        case .act: return nil
        }
    }

    private func note(
        _ request: CommandRequest,
        _ caller: Caller,
        _ outcome: String,
        _ events: CommandEvents,
        allowed: Bool = true
    ) async {
        await records.append(
            AuditTrail.Line(
                time: clock.now().unixMilliseconds,
                identity: caller.identity,
                serial: caller.serial,
                peer: caller.peer,
                run: request.lease.runID,
                epoch: request.lease.epoch,
                id: request.id,
                command: AuditText.of(request.command),
                allowed: allowed,
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
        case .installWall, .sever, .writeFile, .service, .detach, .setAside, .pilotWall,
            .removeHandMadeRules, .keepOrder:
            false
        }
    }
}
