import ControlProtocol
package import FoundationEssentials
package import Logging
import Logs
import Topology

/// Answers requests; knows nothing of sockets.
package struct AgentService: Sendable {
    package struct Request: Sendable {
        package let method: String
        package let target: String
        package let body: Data

        package init(method: String, target: String, body: Data = Data()) {
            self.method = method
            self.target = target
            self.body = body
        }
    }

    private let intake: CommandIntake
    private let observer: HostObserver
    private let host: any HostActions
    private let allow: AllowList
    private let counters: AgentCounters
    private let refusals: RefusalLog
    private let log: Logger

    package init(
        intake: CommandIntake,
        observer: HostObserver,
        host: any HostActions,
        allow: AllowList,
        counters: AgentCounters,
        refusals: RefusalLog,
        log: Logger
    ) {
        self.intake = intake
        self.observer = observer
        self.host = host
        self.allow = allow
        self.counters = counters
        self.refusals = refusals
        self.log = log
    }

    /// A reply for what is wrong before the body matters, which is then in the audit trail; nil when the body should be read.
    package func screen(method: String, target: String, by caller: Caller) -> HTTPReply? {
        let reply = objection(method: method, target: target, by: caller)
        if let reply { note(reply, to: method, target, by: caller) }
        return reply
    }

    /// Puts a refusal into the audit trail that was made without looking at the body.
    package func note(_ refusal: HTTPReply, to method: String, _ target: String, by caller: Caller) {
        intake.audit.noteRefusal(.init(route: nil, method: method, target: target), by: caller, refusal)
    }

    /// Likewise where no answer is given.
    ///
    /// - Parameter head: method and target, where they came to their end.
    func noteClosing(_ head: (method: String, target: String)?, by caller: Caller, _ reason: String) {
        let asked = head.map { RequestAudit.Asked(route: nil, method: $0.method, target: $0.target) }
        intake.audit.noteClosing(asked, by: caller, reason)
    }

    private func objection(method: String, target: String, by caller: Caller) -> HTTPReply? {
        if caller.role == .agent { return denial(.status, method, target, caller) }
        switch Route.match(method: method, target: target) {
        case .found(let route):
            return denial(route, method, target, caller)
        case .wrongMethod(let allowed):
            let list = allowed.map(\.rawValue).joined(separator: ", ")
            return .error(405, "\(method) is not for \(target), which takes \(list)", allow: list)
        case .invalid(let reason): return .refusal(.invalid(reason: reason))
        case .unknown:
            return .error(404, "there is nothing at \(target); docs/openapi.yaml lists what there is")
        }
    }

    package func respond(to request: Request, by caller: Caller) async -> HTTPReply {
        if let reply = screen(method: request.method, target: request.target, by: caller) { return reply }
        guard case .found(let route) = Route.match(method: request.method, target: request.target) else {
            return .error(404, "there is nothing at \(request.target)")
        }
        let asked = RequestAudit.Asked(
            route: route,
            method: request.method,
            target: request.target,
            body: request.body
        )
        var isCommand = false
        let reply = await answer(request, route, caller) { isCommand = true }
        switch route {
        case .status, .servingStatus: break
        // What became of a command is in the trail already.
        case .submitCommand where isCommand && reply.status != 503: break
        case .submitCommand, .metrics, .requestLease, .releaseLease, .commandOutcome, .readFile,
            .previewRules,
            .probe, .readHistory, .readHandMade, .askParser, .readClients, .readWrites, .extendChain,
            .readChain:
            await intake.audit.note(asked, by: caller, reply)
        }
        return reply
    }

    private func answer(
        _ request: Request,
        _ route: Route,
        _ caller: Caller,
        command understood: () -> Void
    ) async -> HTTPReply {
        switch route {
        case .status: return await status(for: caller)
        case .servingStatus:
            await host.untilServing()
            return await status(for: caller)
        case .metrics: return await metrics(for: caller)
        case .requestLease:
            return await decoded(request) { (lease: LeaseRequest) in
                await self.lease(.requested(request: lease, by: caller.name))
            }
        case .releaseLease:
            return await decoded(request) { (lease: Lease) in
                await self.lease(.released(lease: lease, by: caller.name))
            }
        case .submitCommand:
            return await decoded(request) { (command: CommandRequest) in
                understood()
                return await submit(command, caller)
            }
        case .commandOutcome(let id): return await outcome(of: id)
        case .readFile:
            return await decoded(request) { (read: FileReadRequest) in await self.read(read) }
        case .previewRules:
            return await decoded(request) { (preview: RulesPreviewRequest) in await self.preview(preview.wall)
            }
        case .probe:
            return await decoded(request) { (probe: ProbeRequest) in
                if let refusal = allow.objection(to: probe.targets) { return .refusal(refusal) }
                return .value(ProbeReply(results: await host.probe(probe.targets)))
            }
        case .readHistory:
            return await decoded(request) { (history: HistoryRequest) in await self.history(of: history.zxids)
            }
        case .readHandMade:
            return await decoded(request) { (sought: HandMadeRequest) in
                if let refusal = allow.objection(to: sought) { return .refusal(refusal) }
                return .value(await host.handMade(sought))
            }
        case .askParser:
            return await decoded(request) { (asked: ParserRequest) in await self.ask(asked.contents) }
        case .readClients:
            return await decoded(request) { (asked: ClientsRequest) in .value(await host.clients(asked)) }
        case .readWrites:
            return await decoded(request) { (asked: WritesRequest) in .value(await host.writes(asked)) }
        case .extendChain:
            return await decoded(request) { (chain: ChainRequest) in await self.keep(chain, caller) }
        case .readChain:
            return await decoded(request) { (chain: ChainReadRequest) in await self.chain(from: chain.from) }
        }
    }

    private func denial(
        _ route: Route,
        _ method: String,
        _ target: String,
        _ caller: Caller
    ) -> HTTPReply? {
        guard let reason = caller.objection(to: route) else { return nil }
        counters.countDenial()
        refusals.warning(
            "request denied",
            key: "denied \(caller.identity)",
            fields: [
                "identity": caller.identity, "serial": caller.serial, "peer": caller.peer,
                "request": "\(method) \(target)", "reason": reason,
            ]
        )
        return .error(403, reason, refusal: .notAllowed(reason: reason))
    }

    private func decoded<Body: Decodable & Bounded>(
        _ request: Request,
        _ answer: (Body) async -> HTTPReply
    ) async -> HTTPReply {
        let body: Body
        do throws(WireProblem) {
            body = try WireJSON.decode(from: request.body)
        } catch {
            return .refusal(.invalid(reason: "the body is not a \(Body.self): \(error)"))
        }
        return await answer(body)
    }

    private func status(for caller: Caller) async -> HTTPReply {
        var status = await observer.status(lease: await intake.leaseState, freshness: caller.freshness)
        status.records = intake.recordState
        return .value(caller.role == .coordinator ? status : status.forViewers)
    }

    private func metrics(for caller: Caller) async -> HTTPReply {
        let text = await observer.metrics(
            lease: await intake.leaseState,
            counters: counters.now,
            freshness: caller.freshness
        )
        return HTTPReply(status: 200, contentType: HTTPReply.metrics, body: .whole(content: Data(text.utf8)))
    }

    private func lease(_ event: LeaseKeeper.Event) async -> HTTPReply {
        do throws(AgentServerError) {
            if let refusal = try await intake.lease(event) { return .refusal(refusal) }
            return .value(await intake.leaseState)
        } catch {
            log.error("lease not kept", fields: ["reason": "\(error)"])
            return .error(500, "\(error)")
        }
    }

    private func submit(_ command: CommandRequest, _ caller: Caller) async -> HTTPReply {
        switch await intake.submit(command, by: caller) {
        case .refused(let refusal): .refusal(refusal)
        case .unavailable(let error): .error(500, "nothing was done: \(error)")
        case .stopping: .error(503, "the agent is stopping; nothing was done")
        case .full(let reason): .error(503, reason, retryAfter: 1)
        case .events(let stream):
            HTTPReply(status: 200, contentType: HTTPReply.lines, body: .events(stream: stream))
        }
    }

    private func outcome(of id: CommandID) async -> HTTPReply {
        do throws(AgentServerError) {
            guard let outcome = try await intake.outcome(of: id) else {
                return .error(404, "no outcome of \(id) is recorded: it never arrived, or has not ended")
            }
            return .value(outcome)
        } catch {
            return .error(500, "\(error)")
        }
    }

    private func keep(_ request: ChainRequest, _ caller: Caller) async -> HTTPReply {
        do throws(AgentServerError) {
            switch try await intake.keep(request, by: caller) {
            case .kept(let state): return .value(state)
            case .refused(let refusal): return .refusal(refusal)
            }
        } catch {
            return .error(500, "nothing was kept: \(error)")
        }
    }

    private func chain(from number: Int) async -> HTTPReply {
        do throws(AgentServerError) {
            return .value(try await intake.chainPage(from: number))
        } catch {
            return .error(500, "\(error)")
        }
    }

    private func read(_ asked: FileReadRequest) async -> HTTPReply {
        if let refusal = allow.objection(toFile: asked.path) { return .refusal(refusal) }
        do throws(HostActionError) {
            guard let run = asked.original else { return .value(try await host.read(file: asked.path)) }
            return .value(try await host.original(of: asked.path, run: run))
        } catch {
            return failure(error)
        }
    }

    private func preview(_ wall: Wall) async -> HTTPReply {
        if let refusal = allow.objection(to: wall) { return .refusal(refusal) }
        do throws(HostActionError) {
            return .value(try await host.preview(wall))
        } catch {
            return failure(error)
        }
    }

    private func history(of zxids: [Zxid]) async -> HTTPReply {
        guard (1...256).contains(zxids.count) else {
            return .refusal(.invalid(reason: "a look into the history takes 1 to 256 zxids"))
        }
        do throws(HostActionError) {
            let presence = try await host.presence(of: zxids)
            let results = zxids.compactMap { zxid in
                presence[zxid].map { HistoryResult(zxid: zxid, presence: $0) }
            }
            return .value(HistoryReply(results: results))
        } catch {
            return failure(error)
        }
    }

    private func ask(_ contents: [Data]) async -> HTTPReply {
        guard (1...4).contains(contents.count), contents.allSatisfy({ $0.count <= 256 << 10 }) else {
            return .refusal(.invalid(reason: "a parser is asked about 1 to 4 files of 256 KiB at most"))
        }
        return .value(await host.parse(contents))
    }

    private func failure(_ error: HostActionError) -> HTTPReply {
        switch error {
        case .refused(let refusal): .refusal(refusal)
        case .failed(let message): .error(500, message)
        }
    }
}

extension Caller {
    /// Gates rest on what a coordinator sees; whoever only watches shares a look.
    fileprivate var freshness: Freshness {
        switch role {
        case .coordinator: .now
        case .viewer, .agent: .recent
        }
    }
}
