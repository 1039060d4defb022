import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import NIOCore
import Testing

@Suite("HTTP as it comes", .timeLimit(.minutes(10)))
struct HTTPTests {
    private func answer(_ agent: TestAgent, _ texts: String...) async throws -> String {
        try await RawConnection.open(agent).exchange(texts)
    }

    private func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("what is not HTTP gets a 400 with a reason and is logged")
    func garbage() async throws {
        try await TestAgent.with { agent in
            let reply = try await answer(agent, "\u{1}\u{2}garbage\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 400 "))
            #expect(reply.contains("not HTTP/1.1"))
            #expect(await agent.log.line(with: "not HTTP").contains("peer=127.0.0.1"))
            #expect(try await agent.client().status().host.description == "s1")
        }
    }

    @Test("unknown paths, wrong methods and bodies that make no sense say what is wrong")
    func mistakes() async throws {
        try await TestAgent.with { agent in
            let head = " HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            #expect(try await answer(agent, "GET /v2/status" + head).hasPrefix("HTTP/1.1 404 "))
            #expect(try await answer(agent, "GET /v1/status?x=1" + head).hasPrefix("HTTP/1.1 404 "))
            let wrong = try await answer(agent, "PUT /v1/lease" + head)
            #expect(wrong.hasPrefix("HTTP/1.1 405 "))
            #expect(wrong.contains("allow: DELETE, POST\r\n"))
            #expect(try await answer(agent, "GET /v1/commands/UPPER" + head).hasPrefix("HTTP/1.1 400 "))
            #expect(try await answer(agent, "GET /v1/commands/unknown" + head).hasPrefix("HTTP/1.1 404 "))
            let half = try await answer(agent, post("/v1/lease", #"{"lease":{"runID":"r"}}"#))
            #expect(half.hasPrefix("HTTP/1.1 400 "))
            #expect(half.contains("'epoch' is missing"))
            let bad = try await answer(agent, post("/v1/lease", #"{"lease":{"runID":"-","epoch":1}}"#))
            #expect(bad.contains("is not a valid RunID"))
        }
    }

    @Test("a body over 1 MiB is refused, announced or not, and nothing of it is used")
    func tooLarge() async throws {
        try await TestAgent.with { agent in
            let announced = "POST /v1/lease HTTP/1.1\r\nhost: x\r\ncontent-length: 1048577\r\n\r\n"
            let first = try await answer(agent, announced + String(repeating: "a", count: 1_048_577))
            #expect(first.hasPrefix("HTTP/1.1 413 "))
            let chunk = "10000\r\n" + String(repeating: "a", count: 65_536) + "\r\n"
            let start = "POST /v1/lease HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            let chunks = start + String(repeating: chunk, count: 17) + "0\r\n\r\n"
            let second = try await answer(agent, chunks)
            #expect(second.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("headers over the limit are refused")
    func largeHeaders() async throws {
        try await TestAgent.with { agent in
            let field = "x-filler: " + String(repeating: "a", count: 20_000)
            let reply = try await answer(agent, "GET /v1/status HTTP/1.1\r\nhost: x\r\n\(field)\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 431 "))
            let many = (1...100).map { "x\($0): a\r\n" }.joined()
            let flood = try await answer(agent, "GET /v1/status HTTP/1.1\r\nhost: x\r\n\(many)\r\n")
            #expect(flood.hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test("a port that is taken stops the second agent, with the port in its one line")
    func portTaken() async throws {
        try await TestAgent.with { agent in
            let error = await #expect(throws: AgentServerError.self) {
                _ = try await TestAgent.start(port: agent.port)
            }
            #expect(error?.description.contains("127.0.0.1 port \(agent.port)") == true)
        }
    }

    @Test("a connection takes one request after another, also several at once")
    func keepAlive() async throws {
        try await TestAgent.with { agent in
            let request = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"
            let last = "GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            let reply = try await answer(agent, request + request, last)
            #expect(reply.ranges(of: "HTTP/1.1 200 OK").count == 3)
        }
    }

    @Test("who waits for 100-continue is told to go on")
    func expectContinue() async throws {
        try await TestAgent.with { agent in
            let body = #"{"lease":{"runID":"r","epoch":1},"secondsToLive":5,"takeOver":false}"#
            let head =
                "POST /v1/lease HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\n"
                + "content-length: \(body.utf8.count)\r\n\r\n"
            let reply = try await answer(agent, head, body)
            #expect(reply.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("a connection that idles is closed")
    func idle() async throws {
        try await TestAgent.with(limits: AgentListener.Limits(idle: .milliseconds(300))) { agent in
            let connection = try await RawConnection.open(agent)
            #expect(try await connection.exchange([]).isEmpty)
        }
    }

    @Test(
        "a viewer's body is refused before it is sent, announced or in chunks, and so is one that no route takes"
    )
    func judgedFirst() async throws {
        try await TestAgent.with(limits: AgentListener.Limits(farewell: .milliseconds(200))) { agent in
            for field in ["content-length: 1048575", "transfer-encoding: chunked"] {
                for path in ["/v1/commands", "/v1/nowhere"] {
                    let reply = try await RawConnection.open(agent, "viewer/v")
                        .exchange("POST \(path) HTTP/1.1\r\nhost: x\r\n\(field)\r\n\r\n")
                    #expect(reply.hasPrefix(path == "/v1/commands" ? "HTTP/1.1 403 " : "HTTP/1.1 404 "))
                    #expect(reply.contains("connection: close\r\n"))
                }
                let reply = try await RawConnection.open(agent)
                    .exchange("GET /v1/status HTTP/1.1\r\nhost: x\r\n\(field)\r\n\r\n")
                #expect(reply.hasPrefix("HTTP/1.1 400 "))
                #expect(reply.contains("takes no body"))
            }
        }
    }

    @Test("after a request to speak another protocol the connection ends: nothing behind it is kept")
    func upgrade() async throws {
        try await TestAgent.with { agent in
            let upgrade = "GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
            for text in [upgrade, "CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n"] {
                let reply = try await RawConnection.open(agent, "viewer/v").exchange(text)
                #expect(reply.contains("connection: close\r\n"))
            }
        }
    }

    @Test("requests that come together wait as bytes, and are answered one after another")
    func pipelined() async throws {
        try await TestAgent.with { agent in
            let request = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"
            let last = "GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            let many = String(repeating: request, count: 300)
            let reply = try await answer(agent, many + last)
            #expect(reply.ranges(of: "HTTP/1.1 200 OK").count == 301)
        }
    }

    @Test("requests beyond what a connection may have waiting end it")
    func flooded() async throws {
        try await TestAgent.with { agent in
            let request = "GET /v1/commands/unknown HTTP/1.1\r\nhost: x\r\n\r\n"
            let many = String(repeating: request, count: 20_000)
            do {
                let reply = try await RawConnection.open(agent, "viewer/v").exchange(many)
                #expect(reply.ranges(of: "HTTP/1.1 403").count < 20_000)
            } catch let error as IOError {
                // It hangs up without a last word.
                #expect(error.errnoCode == ECONNRESET || error.errnoCode == EPIPE)
            }
            _ = await agent.log.line(with: "more requests than it waited answers for")
        }
    }

    @Test("an agent whose listener ends does not live on deaf: it ends and says so")
    func listenerEnds() async throws {
        let authority = try TestAuthority()
        let log = LogCapture()
        let program = try await AgentProgram.start(
            configuration: TestAgent.configuration(authority),
            host: ScriptedHost(),
            clock: .system,
            log: log.logger,
            group: TestAgent.group,
            port: 0
        )
        let (never, keep) = AsyncStream<Void>.makeStream()
        program.listener.close()
        #expect(await program.run(until: { for await _ in never {} }) == .listenerEnded)
        #expect(log.lines.contains { $0.hasPrefix("error nothing listens any more") })
        keep.finish()
    }
}
