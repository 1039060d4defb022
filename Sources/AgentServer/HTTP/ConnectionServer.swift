import ControlProtocol
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Serves one connection: reads a request, answers it, and again until either side has had enough.
struct ConnectionServer: Sendable {
    typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    typealias Writer = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    typealias Reader = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    static let bodyLimit = 1 << 20
    /// How much of a coordinator's refused body is read all the same, so that the answer is not lost to a reset.
    private static let patience = 4 << 20

    private enum Body {
        case whole(content: Data)
        case refused(reply: HTTPReply)
        case ended
    }

    let service: AgentService
    let pace: RequestPace
    let bodies: BodyBudget
    let counters: AgentCounters
    let refusals: RefusalLog
    let underWay: AnswersUnderWay

    /// Ends when the peer hangs up; an error there is the peer's affair and was logged by the pipeline.
    ///
    /// - Parameter objection: why no other request is taken; a peer that may still call connects again.
    /// - Parameter isOld: whether the connection ends with its next answer.
    func serve(
        _ channel: Channel,
        caller: Caller,
        objection: @escaping @Sendable () async -> String?,
        isOld: @escaping @Sendable () -> Bool
    ) async {
        do {
            try await channel.executeThenClose { inbound, outbound in
                var reader = inbound.makeAsyncIterator()
                while let part = try await reader.next(isolation: #isolation) {
                    guard case .head(let head) = part else { return }
                    if let objection = await objection() {
                        refusals.info(
                            "connection closed",
                            key: "stands no more \(caller.identity)",
                            fields: ["peer": caller.peer, "reason": objection]
                        )
                        service.noteClosing((head.method.rawValue, head.uri), by: caller, objection)
                        return
                    }
                    let keepsAlive = head.isKeepAlive && !Self.isUpgrade(head) && !isOld()
                    guard try await answer(head, caller, keepsAlive, &reader, outbound) else { return }
                }
            }
        } catch is CancellationError {
            return
        } catch {
            return
        }
    }

    /// - Returns: whether the connection can take another request.
    private func answer(
        _ head: HTTPRequestHead,
        _ caller: Caller,
        _ keepsAlive: Bool,
        _ reader: inout Reader,
        _ outbound: Writer
    ) async throws -> Bool {
        // Stopping waits for the answers to coordinators; a viewer does not hold it up.
        let isAwaited = caller.role == .coordinator
        if isAwaited { underWay.begin() }
        defer { if isAwaited { underWay.end() } }
        if let reply = try await refusal(of: head, by: caller) {
            return try await refuse(reply, head, caller, keepsAlive, &reader, outbound)
        }
        if Self.expectsContinue(head) {
            try await outbound.write(.head(HTTPResponseHead(version: head.version, status: .continue)))
        }
        let share = bodies.open(for: caller.identity)
        defer { share.giveBack() }
        switch try await read(&reader, share, caller) {
        case .ended: return false
        case .refused(let reply):
            service.note(reply, to: head.method.rawValue, head.uri, by: caller)
            return try await refuse(reply, head, caller, keepsAlive, &reader, outbound)
        case .whole(let content):
            let request = AgentService.Request(method: head.method.rawValue, target: head.uri, body: content)
            let reply = await service.respond(to: request, by: caller)
            try await write(reply, keepAlive: keepsAlive, outbound)
            return keepsAlive
        }
    }

    /// Everything that is judged before a byte of the body is read; nil when the request may go on.
    private func refusal(of head: HTTPRequestHead, by caller: Caller) async throws -> HTTPReply? {
        let (method, target) = (head.method.rawValue, head.uri)
        if let reply = try await paced(caller, method, target) { return reply }
        if let reply = service.screen(method: method, target: target, by: caller) { return reply }
        if Self.announcesBody(head), case .found(let route) = Route.match(method: method, target: target),
            !route.takesBody
        {
            let text = "\(method) \(target) takes no body"
            let reply = HTTPReply.error(400, text, refusal: .invalid(reason: text))
            service.note(reply, to: method, target, by: caller)
            return reply
        }
        let announced = head.headers.first(name: "content-length").flatMap(Int.init) ?? 0
        guard announced > Self.bodyLimit else { return nil }
        service.note(Self.tooLarge, to: method, target, by: caller)
        return Self.tooLarge
    }

    /// A viewer that asks too often waits; where too many wait, it is told so after a pause.
    private func paced(_ caller: Caller, _ method: String, _ target: String) async throws -> HTTPReply? {
        switch caller.role {
        case .coordinator: return nil
        case .viewer, .agent: break
        }
        switch pace.take(caller.identity) {
        case .now: return nil
        case .after(let wait):
            try await Task.sleep(for: wait)
            return nil
        case .tooMany:
            counters.count(.pace)
            refusals.warning(
                "request refused",
                key: "pace \(caller.identity)",
                fields: ["identity": caller.identity, "peer": caller.peer, "reason": "too many requests"]
            )
            let text = "\(caller.identity) asks too often; ask again in a while"
            let reply = HTTPReply.error(429, text, retryAfter: 2)
            service.note(reply, to: method, target, by: caller)
            try await Task.sleep(for: .seconds(1))
            return reply
        }
    }

    private func refuse(
        _ reply: HTTPReply,
        _ head: HTTPRequestHead,
        _ caller: Caller,
        _ keepsAlive: Bool,
        _ reader: inout Reader,
        _ outbound: Writer
    ) async throws -> Bool {
        guard Self.announcesBody(head) else {
            // Nothing but the request's end is to come.
            guard case .end? = try await reader.next(isolation: #isolation) else { return false }
            try await write(reply, keepAlive: keepsAlive, outbound)
            return keepsAlive
        }
        try await write(reply, keepAlive: false, outbound)
        switch caller.role {
        case .coordinator: try await drain(&reader)
        // Closing listens on for a second; that must do.
        case .viewer, .agent: break
        }
        return false
    }

    private static func announcesBody(_ head: HTTPRequestHead) -> Bool {
        if head.headers.contains(name: "transfer-encoding") { return true }
        return head.headers[canonicalForm: "content-length"].contains { $0 != "0" }
    }

    /// After such a request the parser takes nothing apart any more: the connection must end.
    private static func isUpgrade(_ head: HTTPRequestHead) -> Bool {
        head.method == .CONNECT || head.headers.contains(name: "upgrade")
    }

    private static func expectsContinue(_ head: HTTPRequestHead) -> Bool {
        head.version == .http1_1 && head.headers[canonicalForm: "expect"].contains("100-continue")
    }

    private static let tooLarge = HTTPReply.error(
        413,
        "the body is larger than \(bodyLimit) bytes",
        refusal: .invalid(reason: "the body is larger than \(bodyLimit) bytes")
    )

    private func read(_ reader: inout Reader, _ share: BodyBudget.Share, _ caller: Caller) async throws
        -> Body
    {
        var content = Data()
        while let part = try await reader.next(isolation: #isolation) {
            switch part {
            case .head: return .ended
            case .body(let buffer):
                let size = content.count + buffer.readableBytes
                guard size <= Self.bodyLimit else { return .refused(reply: Self.tooLarge) }
                guard share.grow(to: size) else {
                    counters.count(.bodies)
                    let text = "too many large bodies are under way; nothing was done"
                    refusals.warning(
                        "request refused",
                        key: "bodies \(caller.identity)",
                        fields: ["identity": caller.identity, "peer": caller.peer, "reason": text]
                    )
                    return .refused(reply: .error(503, text, retryAfter: 1))
                }
                content.append(contentsOf: buffer.readableBytesView)
            case .end: return .whole(content: content)
            }
        }
        return .ended
    }

    private func drain(_ reader: inout Reader) async throws {
        var drained = 0
        while drained < Self.patience, let part = try await reader.next(isolation: #isolation) {
            switch part {
            case .head, .end: return
            case .body(let buffer): drained += buffer.readableBytes
            }
        }
    }

    private func write(
        _ reply: HTTPReply,
        keepAlive: Bool,
        _ outbound: Writer
    ) async throws {
        var headers: HTTPHeaders = ["content-type": reply.contentType, "cache-control": "no-store"]
        if let allow = reply.allow { headers.add(name: "allow", value: allow) }
        if let seconds = reply.retryAfter { headers.add(name: "retry-after", value: "\(seconds)") }
        if !keepAlive { headers.add(name: "connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: reply.status)
        switch reply.body {
        case .whole(let content):
            headers.add(name: "content-length", value: "\(content.count)")
            // One write: one flush.
            try await outbound.write(contentsOf: [
                .head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)),
                .body(.byteBuffer(ByteBuffer(bytes: content))), .end(nil),
            ])
        case .events(let stream):
            headers.add(name: "transfer-encoding", value: "chunked")
            try await outbound.write(
                .head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))
            )
            for await event in stream {
                let line = try HTTPReply.encoded(event) + Data("\n".utf8)
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: line))))
            }
            try await outbound.write(.end(nil))
        }
    }
}
