import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Testing

@Suite("What an agent keeps of a run's chain, and for whom", .timeLimit(.minutes(10)))
struct ChainRouteTests {
    private let links = ChainStoreTests.links("a", "b")

    private func isRefused(
        _ refusal: Refusal,
        _ ask: () async throws -> ChainState?
    ) async throws {
        do {
            _ = try await ask()
            Issue.record("not refused")
        } catch AgentClientError.refused(_, _, let reply) {
            #expect(reply.refusal == refusal)
        }
    }

    @Test(
        "only the holder of the lease in force adds to it; an older coordinator is superseded, also after a restart"
    )
    func lease() async throws {
        var agent = try await TestAgent.start()
        let (old, new) = (try Sample.lease("run-1", 1), try Sample.lease("run-1", 2))
        let request = ChainRequest(lease: old, entries: links)
        try await isRefused(.noLease) { try await agent.client().extend(request) }
        _ = try await agent.client().acquire(Sample.request(old))
        #expect(try await agent.client().extend(request)?.head == links[1].head)
        _ = try await agent.client("coordinator/other").acquire(Sample.request(new, takeOver: true))
        for _ in 1...2 {
            try await isRefused(.superseded(highest: new.epoch)) {
                try await agent.client().extend(request)
            }
            let page = try await agent.client("coordinator/other").chain(ChainReadRequest(from: 0))
            #expect(page?.entries == links && page?.state.head == links[1].head)
            await agent.end()
            agent = try await TestAgent.start(after: agent)
        }
        await agent.end()
    }

    @Test("a viewer neither reads it nor adds to it")
    func viewer() async throws {
        try await TestAgent.with { agent in
            let viewer = try agent.client("viewer/v")
            await #expect(throws: AgentClientError.self) { try await viewer.chain(ChainReadRequest(from: 0)) }
            let request = ChainRequest(lease: try Sample.lease(), entries: [])
            await #expect(throws: AgentClientError.self) { try await viewer.extend(request) }
        }
    }

    @Test("it waits for no command that takes its time, and a reader is told which command that is")
    func beside() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let lease = try Sample.lease()
            _ = try await client.acquire(Sample.request(lease))
            #expect(try await client.chain(ChainReadRequest(from: 0))?.acting == nil)
            agent.host.hold()
            let running = Task { try await client.perform(Sample.command(lease, id: "slow")) }
            await agent.host.begun(1)
            let state = try await client.extend(ChainRequest(lease: lease, entries: links))
            #expect(state == ChainState(run: lease.runID, head: links[1].head))
            #expect(try await client.chain(ChainReadRequest(from: 1))?.acting == Sample.id("slow"))
            agent.host.release()
            _ = try await running.value
            #expect(try await client.chain(ChainReadRequest(from: 1))?.acting == nil)
        }
    }

    @Test("a long chain is read in pages that fit into an answer")
    func pages() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let lease = try Sample.lease()
            _ = try await client.acquire(Sample.request(lease))
            var links: [ChainLink] = []
            for number in 0..<9 {
                let content = Data(repeating: UInt8(number), count: 200 << 10)
                links.append(ChainLink(after: links.last?.head, content: content))
            }
            var sent = links[...]
            while !sent.isEmpty {
                let page = sent.page
                _ = try await client.extend(ChainRequest(lease: lease, entries: page))
                sent = sent.dropFirst(page.count)
            }
            var read: [ChainLink] = []
            while read.last?.head != links.last?.head {
                let page = try #require(try await client.chain(ChainReadRequest(from: read.count)))
                try #require(!page.entries.isEmpty)
                read += page.entries
            }
            #expect(read == links)
        }
    }
}
