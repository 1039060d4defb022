import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@Suite("Looking into a history", .timeLimit(.minutes(10)))
struct HistoryTests {
    @Test(
        "a coordinator learns of each transaction in the order of the question, also of one asked for twice"
    )
    func results() async throws {
        try await TestAgent.with { agent in
            let zxids = [Zxid(0x31), Zxid(0x20), Zxid(0x21), Zxid(0x20)]
            let reply = try await agent.client().history(HistoryRequest(zxids: zxids))
            #expect(reply.results.map(\.zxid) == zxids)
            #expect(reply.results.map(\.presence) == [.absent, .snapshot, .logged, .snapshot])
        }
    }

    @Test("none or more than 256 are refused", arguments: [0, 257])
    func bounds(count: Int) async throws {
        try await TestAgent.with { agent in
            let request = HistoryRequest(zxids: (0..<count).map { Zxid(UInt64($0)) })
            let error = await #expect(throws: AgentClientError.self) {
                _ = try await agent.client().history(request)
            }
            guard case .refused(_, 400, let reply)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reply.error == "a look into the history takes 1 to 256 zxids")
            let most = HistoryRequest(zxids: (0..<256).map { Zxid(UInt64($0)) })
            let answer = try await agent.client().history(most)
            #expect(answer.results.count == 256)
        }
    }

    @Test("what is not a zxid is refused, and files that cannot be read are an error, not an absence")
    func failures() async throws {
        try await TestAgent.with { agent in
            let body = #"{"zxids":["31"]}"#
            let reply = try await RawConnection.open(agent).exchange(
                "POST /v1/read/history HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                    + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
            )
            #expect(reply.hasPrefix("HTTP/1.1 400 ") && reply.contains("is not a zxid"))
            agent.host.failRules()
            let error = await #expect(throws: AgentClientError.self) {
                _ = try await agent.client().history(HistoryRequest(zxids: [Zxid(1)]))
            }
            guard case .refused(_, 500, let reply)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reply.error == "cannot list /data/version-2")
        }
    }

    @Test("a viewer is refused")
    func viewer() async throws {
        try await TestAgent.with { agent in
            let error = await #expect(throws: AgentClientError.self) {
                _ = try await agent.client("viewer/v").history(HistoryRequest(zxids: [Zxid(1)]))
            }
            guard case .refused(_, 403, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
