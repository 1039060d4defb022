import ControlProtocol
import FoundationEssentials
import Logging
import Logs
import NIOCore
import NIOHTTP1

/// Serves one connection: reads a request, answers it, and again until either side has had enough.
struct ConnectionServer: Sendable {
    typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    typealias Writer = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    typealias Reader = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    static let bodyLimit = 1 << 20
    /// How much of a refused body is read all the same, so that the answer is not lost to a reset.
    private static let patience = 4 << 20

    private enum Body {
        case whole(content: Data)
        case tooLarge
        case ended
    }

    let service: AgentService
    let log: Logger
    let underWay: AnswersUnderWay

    /// Ends when the peer hangs up; an error there is the peer's affair and was logged by the pipeline.
    ///
    /// - Parameter objection: why no other request is taken; a peer that may still call connects again.
    /// - Parameter isOld: whether the connection ends with its next answer.
    func serve(
        _ channel: Channel,
        caller: @escaping @Sendable () -> Caller?,
        objection: @escaping @Sendable () async -> String?,
        isOld: @escaping @Sendable () -> Bool
    ) async {
        do {
            try await channel.executeThenClose { inbound, outbound in
                var reader = inbound.makeAsyncIterator()
                while let part = try await reader.next(isolation: #isolation) {
                    guard case .head(let head) = part else { return }
                    guard let caller = caller() else { return }
                    if let objection = await objection() {
                        log.info("connection closed", fields: ["peer": caller.peer, "reason": objection])
                        return
                    }
                    let keepsAlive = head.isKeepAlive && !isOld()
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
        underWay.begin()
        defer { underWay.end() }
        let early = service.screen(method: head.method.rawValue, target: head.uri, by: caller)
        if early == nil, head.headers[canonicalForm: "expect"].contains("100-continue"), !isTooLarge(head) {
            try await outbound.write(.head(HTTPResponseHead(version: head.version, status: .continue)))
        }
        let body = isTooLarge(head) ? .tooLarge : try await read(&reader)
        let content: Data
        switch body {
        case .whole(let whole): content = whole
        case .ended: return false
        case .tooLarge:
            let text = "the body is larger than \(Self.bodyLimit) bytes"
            let reply = early ?? .error(413, text, refusal: .invalid(reason: text))
            if early == nil { service.note(reply, to: head.method.rawValue, head.uri, by: caller) }
            try await write(reply, head, keepAlive: false, outbound)
            try await drain(&reader)
            return false
        }
        let reply: HTTPReply
        if let early {
            reply = early
        } else {
            let request = AgentService.Request(method: head.method.rawValue, target: head.uri, body: content)
            reply = await service.respond(to: request, by: caller)
        }
        try await write(reply, head, keepAlive: keepsAlive, outbound)
        return keepsAlive
    }

    private func isTooLarge(_ head: HTTPRequestHead) -> Bool {
        guard let length = head.headers.first(name: "content-length").flatMap(Int.init) else { return false }
        return length > Self.bodyLimit
    }

    private func read(_ reader: inout Reader) async throws -> Body {
        var content = Data()
        while let part = try await reader.next(isolation: #isolation) {
            switch part {
            case .head: return .ended
            case .body(let buffer):
                guard content.count + buffer.readableBytes <= Self.bodyLimit else { return .tooLarge }
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
        _ request: HTTPRequestHead,
        keepAlive: Bool,
        _ outbound: Writer
    ) async throws {
        var headers: HTTPHeaders = ["content-type": reply.contentType, "cache-control": "no-store"]
        if let allow = reply.allow { headers.add(name: "allow", value: allow) }
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
