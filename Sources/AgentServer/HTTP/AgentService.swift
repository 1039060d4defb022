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
    private let log: Logger

    package init(
        intake: CommandIntake,
        observer: HostObserver,
        host: any HostActions,
        allow: AllowList,
        counters: AgentCounters,
        log: Logger
    ) {
        self.intake = intake
        self.observer = observer
        self.host = host
        self.allow = allow
        self.counters = counters
        self.log = log
    }

    /// A reply for what is wrong before the body matters; nil when the body should be read.
    package func screen(method: String, target: String, by caller: Caller) -> HTTPReply? {
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
        switch route {
        case .status: return await status()
        case .servingStatus:
            await host.untilServing()
            return await status()
        case .metrics: return await metrics()
        case .requestLease:
            return await decoded(request) { (lease: LeaseRequest) in
                await self.lease(.requested(request: lease, by: caller.name))
            }
        case .releaseLease:
            return await decoded(request) { (lease: Lease) in
                await self.lease(.released(lease: lease, by: caller.name))
            }
        case .submitCommand:
            return await decoded(request) { (command: CommandRequest) in await submit(command, caller) }
        case .commandOutcome(let id): return await outcome(of: id)
        case .readFile:
            return await decoded(request) { (read: FileReadRequest) in await self.read(read.path) }
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
        log.warning(
            "request denied",
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

    private func status() async -> HTTPReply {
        .value(await observer.status(lease: await intake.leaseState))
    }

    private func metrics() async -> HTTPReply {
        let text = await observer.metrics(lease: await intake.leaseState, counters: counters.now)
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

    private func read(_ path: String) async -> HTTPReply {
        if let refusal = allow.objection(toFile: path) { return .refusal(refusal) }
        do throws(HostActionError) {
            return .value(try await host.read(file: path))
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

    private func failure(_ error: HostActionError) -> HTTPReply {
        switch error {
        case .refused(let refusal): .refusal(refusal)
        case .failed(let message): .error(500, message)
        }
    }
}
