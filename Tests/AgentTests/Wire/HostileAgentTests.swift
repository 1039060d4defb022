import AgentClient
import ControlProtocol
import FoundationEssentials
import NIOCore
import TestSupport
import Testing

@Suite("What a client believes of an agent that is somebody else's", .timeLimit(.minutes(10)))
struct HostileAgentTests {
    private func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    @Test("its refusals, outcomes and nonsense are text, in errors and in logs", arguments: [200, 403, 500])
    func errors(status: Int) async throws {
        let bodies = [
            try json(ErrorReply(error: HostileText.all, refusal: .invalid(reason: HostileText.all))),
            try json(["host": HostileText.all]), HostileText.all,
            try json(CommandEvent.finished(outcome: .failed(message: HostileText.all))) + "\n",
        ]
        for body in bodies {
            let agent = try await HostileAgent(status: status, reason: "\u{9B}2J", body: body)
            let log = LogCapture()
            let client = try agent.client(log: log)
            var said: [String] = []
            do { said.append("\(try await client.status())") } catch { said.append("\(error)") }
            do {
                said.append("\(try await client.perform(Sample.command(Sample.lease())) { _ in })")
            } catch {
                said.append("\(error)")
            }
            for text in said + log.lines {
                #expect(HostileText.offences(in: text).isEmpty && !text.contains("\n"), "\(text)")
            }
            try await agent.end()
        }
    }

    @Test("what a command came to is on one line and cannot move a cursor")
    func outcome() async throws {
        let event = CommandEvent.finished(outcome: .failed(message: "x\n  ok  Division\u{1B}[2J"))
        let agent = try await HostileAgent(status: 200, body: try json(event) + "\n")
        let outcome = try await agent.client().perform(Sample.command(Sample.lease())) { _ in }
        #expect(outcome == .failed(message: #"x\n  ok  Division\u{1B}[2J"#))
        try await agent.end()
    }

    @Test("an agent that says without end that it is at a command is given up, by name")
    func endless() async throws {
        let event = CommandEvent.progress(message: "still at it", milliseconds: 1)
        let agent = try await HostileAgent(
            status: 200,
            body: try json(event) + "\n",
            endless: .milliseconds(50)
        )
        let client = try agent.client(patience: Patience(ceiling: .milliseconds(500)))
        let name = try #require(HostName("s1"))
        await #expect(throws: AgentClientError.overlong(host: name, after: .milliseconds(500))) {
            _ = try await client.perform(Sample.command(Sample.lease())) { _ in }
        }
        try await agent.end()
    }
}
