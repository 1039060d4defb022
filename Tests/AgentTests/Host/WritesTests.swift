import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@Suite("Looking for writes", .timeLimit(.minutes(10)))
struct WritesTests {
    @Test("a coordinator is told of writes into the trees that it names, and it is in the audit trail")
    func told() async throws {
        try await TestAgent.with { agent in
            let request = WritesRequest(trees: ["/app", "/b"], after: Zxid(0x20))
            let report = try #require(try await agent.client().writes(request))
            #expect(report.writes.map(\.path) == ["/app/n", "/b/n"] && report.count == 2)
            #expect(report.last == Zxid(0x21))
        }
    }

    @Test(
        "what names no trees, too many, or none that can be, is refused",
        arguments: [
            [], [String](repeating: "/a", count: 201), ["app"], ["/a/"],
            ["/" + String(repeating: "x", count: 1024)],
        ]
    )
    func refused(_ trees: [String]) async throws {
        try await TestAgent.with { agent in
            let error = await #expect(throws: AgentClientError.self) {
                _ = try await agent.client().writes(WritesRequest(trees: trees, after: Zxid(1)))
            }
            guard case .refused(_, 400, let reply)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reply.error.contains("trees"))
        }
    }

    @Test("a viewer is refused")
    func viewer() async throws {
        try await TestAgent.with { agent in
            let error = await #expect(throws: AgentClientError.self) {
                _ = try await agent.client("viewer/v").writes(WritesRequest(trees: ["/a"], after: Zxid(1)))
            }
            guard case .refused(_, 403, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
