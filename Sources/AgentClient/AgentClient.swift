package import ControlProtocol
import FoundationEssentials
package import Logging
import Logs
package import MutualTLS
package import NIOCore
import NIOHTTP1
package import Topology

/// Calls one host's agent, and accepts only that host's certificate.
///
/// A connection is kept between calls and made anew when it was lost; calls made at the same time use several.
package struct AgentClient: Sendable {
    package let host: HostName
    private let address: String
    private let patience: Patience
    private let connections: AgentConnections
    private let log: Logger

    /// - Parameter identity: the only one that the agent's certificate may bear.
    package init(
        host: HostName,
        identity: PeerIdentity,
        address: String,
        port: Port,
        tls: ReloadingTLSContext,
        group: any EventLoopGroup,
        patience: Patience = Patience(),
        log: Logger = .silent
    ) {
        self.log = log
        self.host = host
        self.address = address
        self.patience = patience
        connections = AgentConnections(
            host: host,
            identity: identity,
            address: address,
            port: port,
            tls: tls,
            group: group,
            patience: patience,
            log: log
        )
    }

    /// Closes connections that no call uses at this moment; the next call makes a new one.
    package func hangUp() { connections.closeIdle() }

    package func status() async throws(AgentClientError) -> HostStatus {
        try await call(.GET, "/v1/status")
    }

    /// The same, told when the host's server serves or does not run, after a second at the latest.
    package func servingStatus() async throws(AgentClientError) -> HostStatus {
        try await call(.GET, "/v1/status/serving")
    }

    /// Asks for a lease or renews it.
    package func acquire(_ request: LeaseRequest) async throws(AgentClientError) -> LeaseState {
        try await call(.POST, "/v1/lease", request)
    }

    package func release(_ lease: Lease) async throws(AgentClientError) -> LeaseState {
        try await call(.DELETE, "/v1/lease", lease)
    }

    package func read(_ request: FileReadRequest) async throws(AgentClientError) -> FileContent {
        try await call(.POST, "/v1/read/file", request)
    }

    package func preview(_ request: RulesPreviewRequest) async throws(AgentClientError) -> RulesPreview {
        try await call(.POST, "/v1/read/rules", request)
    }

    package func probe(_ request: ProbeRequest) async throws(AgentClientError) -> ProbeReply {
        try await call(.POST, "/v1/read/probe", request)
    }

    package func history(_ request: HistoryRequest) async throws(AgentClientError) -> HistoryReply {
        try await call(.POST, "/v1/read/history", request)
    }

    package func handMade(_ request: HandMadeRequest) async throws(AgentClientError) -> HandMadeReport {
        try await call(.POST, "/v1/read/hand-made", request)
    }

    /// Nil from an agent that cannot tell, as earlier versions.
    package func clients(_ request: ClientsRequest) async throws(AgentClientError) -> ClientsReport? {
        try await known { () throws(AgentClientError) in try await call(.POST, "/v1/read/clients", request) }
    }

    /// Nil from an agent that cannot tell, as earlier versions.
    package func writes(_ request: WritesRequest) async throws(AgentClientError) -> WritesReport? {
        try await known { () throws(AgentClientError) in try await call(.POST, "/v1/read/writes", request) }
    }

    /// Nil from an agent that keeps no chains, as earlier versions.
    package func extend(_ request: ChainRequest) async throws(AgentClientError) -> ChainState? {
        try await known { () throws(AgentClientError) in try await call(.POST, "/v1/chain", request) }
    }

    /// Nil from an agent that keeps no chains, as earlier versions.
    package func chain(_ request: ChainReadRequest) async throws(AgentClientError) -> ChainPage? {
        try await known { () throws(AgentClientError) in try await call(.POST, "/v1/read/chain", request) }
    }

    private func known<Reply>(
        _ ask: () async throws(AgentClientError) -> Reply
    ) async throws(AgentClientError) -> Reply? {
        do throws(AgentClientError) {
            return try await ask()
        } catch .refused(_, 404, _) {
            return nil
        } catch {
            throw error
        }
    }

    package func parse(_ request: ParserRequest) async throws(AgentClientError) -> ParserReply {
        try await call(.POST, "/v1/read/parser", request)
    }

    /// Nil when the agent knows of no such command, or it has not ended.
    package func outcome(of id: CommandID) async throws(AgentClientError) -> CommandOutcome? {
        do throws(AgentClientError) {
            let outcome: CommandOutcome = try await call(.GET, "/v1/commands/\(id)")
            return outcome
        } catch .refused(_, 404, _) {
            return nil
        } catch {
            throw error
        }
    }

    /// Waits for the command's end as long as the agent gives a sign of life, and no longer than the command's ceiling: an agent
    /// that has fallen into other hands would give signs for ever.
    ///
    /// Every refusal comes as `.refused` of the outcome. Never repeated on its own: after `.replyLost` it is for
    /// the caller to look, with `outcome(of:)` or at the host.
    package func perform(
        _ request: CommandRequest,
        progress: @Sendable (CommandEvent) -> Void
    ) async throws(AgentClientError) -> CommandOutcome {
        let body = try encoded(request)
        let checkout = try await connections.take(freshness: .seconds(5))
        let limit = Exchange.Limit.silence(TimeAmount(patience.silence))
        let (begun, ceiling) = (ContinuousClock.now, patience.ceiling ?? request.command.ceiling)
        var outcome: CommandOutcome?
        var reader = ReplyReader()
        do {
            for try await part in start(checkout.connection, .POST, "/v1/commands", body, limit) {
                // Without a part the silence's limit ends it.
                guard ContinuousClock.now - begun < ceiling else { throw ExchangeFailure.overlong(ceiling) }
                reader.take(part)
                try reader.checkSize()
                guard reader.status == 200 else { continue }
                while let line = try reader.nextLine() {
                    let event = try WireJSON.decode(CommandEvent.self, from: WireText.printable(line))
                    if case .finished(let found) = event { outcome = found }
                    progress(event)
                }
            }
        } catch {
            throw failure(error, reader, checkout.connection)
        }
        guard reader.isComplete else { throw failure(ExchangeFailure.cancelled, reader, checkout.connection) }
        finish(checkout.connection, reader)
        if let outcome, reader.status == 200 { return outcome }
        guard reader.status != 200 else {
            throw .protocolViolation(host: host, detail: "the answer to a command ended without its outcome")
        }
        let reply = try errorReply(reader)
        tellRefusal("/v1/commands", reader.status, reply)
        if let refusal = reply.refusal { return .refused(refusal: refusal) }
        throw .refused(host: host, status: reader.status, reply: reply)
    }
}

extension AgentClient {
    private func call<Reply: Decodable & Bounded>(
        _ method: HTTPMethod,
        _ path: String,
        _ body: some Encodable
    ) async throws(AgentClientError) -> Reply {
        try await call(method, path, content: encoded(body))
    }

    private func call<Reply: Decodable & Bounded>(_ method: HTTPMethod, _ path: String)
        async throws(AgentClientError)
        -> Reply
    {
        try await call(method, path, content: Data())
    }

    /// For calls that may be made twice: repeated once when a kept connection turns out to have been lost.
    private func call<Reply: Decodable & Bounded>(
        _ method: HTTPMethod,
        _ path: String,
        content: Data
    ) async throws(AgentClientError) -> Reply {
        let checkout = try await connections.take(freshness: .seconds(60))
        do throws(AgentClientError) {
            return try await call(on: checkout.connection, method, path, content)
        } catch .replyLost(let host, let reason) {
            guard checkout.isReused, !Task.isCancelled else { throw .replyLost(host: host, reason: reason) }
            log.info(
                "asking again over a new connection",
                fields: ["host": host.description, "path": path, "reason": reason]
            )
            let fresh: AgentConnections.Checkout
            do throws(AgentClientError) {
                fresh = try await connections.take(freshness: .zero)
            } catch {
                // The first attempt was sent: "nothing was sent" would be untrue.
                throw .replyLost(host: host, reason: reason)
            }
            return try await call(on: fresh.connection, method, path, content)
        } catch {
            throw error
        }
    }

    private func call<Reply: Decodable & Bounded>(
        on connection: AgentConnections.Connection,
        _ method: HTTPMethod,
        _ path: String,
        _ content: Data
    ) async throws(AgentClientError) -> Reply {
        var reader = ReplyReader()
        do {
            for try await part in start(connection, method, path, content, .total(TimeAmount(patience.reply)))
            {
                reader.take(part)
                try reader.checkSize()
            }
        } catch {
            throw failure(error, reader, connection)
        }
        guard reader.isComplete else { throw failure(ExchangeFailure.cancelled, reader, connection) }
        finish(connection, reader)
        guard reader.status == 200 else {
            let reply = try errorReply(reader)
            tellRefusal(path, reader.status, reply)
            throw .refused(host: host, status: reader.status, reply: reply)
        }
        do throws(WireProblem) {
            return try WireJSON.decode(from: WireText.printable(reader.body))
        } catch {
            throw problem(error, in: "\(Reply.self)")
        }
    }

    private func start(
        _ connection: AgentConnections.Connection,
        _ method: HTTPMethod,
        _ path: String,
        _ content: Data,
        _ limit: Exchange.Limit
    ) -> AsyncThrowingStream<HTTPClientResponsePart, any Error> {
        let (stream, continuation) = AsyncThrowingStream<HTTPClientResponsePart, any Error>.makeStream()
        var headers: HTTPHeaders = ["host": address]
        if !content.isEmpty {
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: "content-length", value: "\(content.count)")
        }
        let exchange = Exchange(
            head: HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers),
            body: ByteBuffer(bytes: content),
            limit: limit,
            answer: continuation
        )
        continuation.onTermination = { reason in
            if case .cancelled = reason { connection.channel.close(promise: nil) }
        }
        // A channel that has just been closed has no handler left that would end the stream.
        connection.channel.writeAndFlush(exchange).whenFailure { error in
            continuation.finish(throwing: connection.failure.first ?? error)
        }
        return stream
    }

    private func finish(_ connection: AgentConnections.Connection, _ reader: ReplyReader) {
        if reader.keepsAlive {
            connections.giveBack(connection)
        } else {
            connection.channel.close(promise: nil)
        }
    }

    /// What an exchange that did not come to its end means.
    ///
    /// The request had been handed to the channel.
    private func failure(_ error: any Error, _ reader: ReplyReader, _ connection: AgentConnections.Connection)
        -> AgentClientError
    {
        connection.channel.close(promise: nil)
        switch error {
        // With TLS 1.3 the agent judges our certificate after our side of the handshake is over.
        case let error as TLSError where error.isAboutIdentity && reader.status == 0:
            return .identity(host: host, reason: error.description)
        case let error as TLSError: return .replyLost(host: host, reason: error.description)
        case ExchangeFailure.overlong(let limit): return .overlong(host: host, after: limit)
        case HTTPParserError.invalidEOFState: return .replyLost(host: host, reason: "it ended in the middle")
        case let error as HTTPParserError: return .protocolViolation(host: host, detail: "not HTTP: \(error)")
        case let error as WireProblem: return problem(error, in: "CommandEvent")
        case let error as ReplyReader.Excess: return .protocolViolation(host: host, detail: "\(error)")
        case _: return .replyLost(host: host, reason: "\(error)")
        }
    }

    private func tellRefusal(_ path: String, _ status: Int, _ reply: ErrorReply) {
        log.info(
            "an agent refused",
            fields: [
                "host": host.description, "path": path, "status": String(status), "reason": reply.error,
            ]
        )
    }

    private func errorReply(_ reader: ReplyReader) throws(AgentClientError) -> ErrorReply {
        do throws(WireProblem) {
            return try WireJSON.decode(from: WireText.printable(reader.body))
        } catch {
            guard case .beyond = error else {
                throw .protocolViolation(host: host, detail: "status \(reader.status) without a reason")
            }
            throw problem(error, in: "ErrorReply")
        }
    }

    private func problem(_ problem: WireProblem, in kind: String) -> AgentClientError {
        switch problem {
        case .malformed(let reason): .protocolViolation(host: host, detail: "not a \(kind): \(reason)")
        case .beyond(let field): .unbelievable(host: host, detail: "in its \(kind) \(field)")
        }
    }

    private func encoded(_ value: some Encodable) throws(AgentClientError) -> Data {
        do {
            return try JSONEncoder().encode(value)
        } catch {
            throw .protocolViolation(host: host, detail: "the request cannot be put into JSON: \(error)")
        }
    }
}
