import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Testing

@Suite("An agent among hostile peers", .timeLimit(.minutes(10)))
struct HostilityTests {
    @Test("a coordinator's commands are accepted while hundreds of hostile connections of every kind last")
    func crowd() async throws {
        try await TestAgent.with { agent in
            let crowd = HostileCrowd(agent)
            do {
                try await crowd.gather(60)
                let lease = try Sample.lease()
                for number in 0..<5 {
                    // A coordinator that has just come, each time, from the same address.
                    let client = try agent.client()
                    _ = try await client.acquire(Sample.request(lease))
                    let outcome = try await client.perform(
                        Sample.command(lease, id: "undo-\(number)", .removeWall)
                    )
                    guard case .done = outcome else { throw TestProblem("\(outcome)") }
                    #expect(try await client.status().host.description == "s1")
                }
                #expect(agent.host.performed.count == 5)
            } catch {
                await crowd.disperse()
                throw error
            }
            await crowd.disperse()
            // What they were told is a line a kind and address, not one a connection.
            #expect(agent.log.lines.count < 100, "\(agent.log.lines)")
        }
    }

    @Test("256 viewers' connections that drip their headers keep no coordinator out")
    func drippingViewers() async throws {
        try await TestAgent.with { agent in
            let crowd = HostileCrowd(agent)
            do {
                try await crowd.gather(300, ofEach: [.drippingHead])
                _ = try await agent.client().acquire(Sample.request(Sample.lease()))
            } catch {
                await crowd.disperse()
                throw error
            }
            await crowd.disperse()
        }
    }

    @Test("32 bare TCP connections from its own address keep no coordinator out")
    func silentPeers() async throws {
        try await TestAgent.with { agent in
            let crowd = HostileCrowd(agent)
            do {
                try await crowd.gather(32, ofEach: [.silent])
                _ = try await agent.client().acquire(Sample.request(Sample.lease()))
            } catch {
                await crowd.disperse()
                throw error
            }
            await crowd.disperse()
        }
    }

    @Test("a flood of denied requests is a line in the log, and its count a minute later another")
    func deniedFlood() async throws {
        try await TestAgent.with { agent in
            let viewer = try agent.client("viewer/v")
            for _ in 0..<15 { _ = try await viewer.perform(Sample.command(Sample.lease())) }
            #expect(agent.log.lines.count { $0.contains("request denied") } == 1)
            let page = try await RawConnection.open(agent)
                .exchange("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            #expect(page.contains("mitosis_denied_requests_total 15\n"))
        }
    }
}
