import AgentClient
import ControlProtocol
import FoundationEssentials
import Testing

@testable import AgentServer

@Suite("What of an agent's requests is in the audit trail", .timeLimit(.minutes(10)))
struct AuditTests {
    private func entries(_ agent: TestAgent, _ name: String) throws -> [AuditEntry] {
        var walk = AuditWalk()
        return try agent.stateFile(name).split(separator: "\n").compactMap { line in
            switch walk.take(Data(line.utf8)) {
            case .follows(let entry): return entry
            case .unchained, .broken:
                Issue.record("\(line)")
                return nil
            }
        }
    }

    private func refusal(_ body: () async throws -> Void) async {
        await #expect(throws: AgentClientError.self) { try await body() }
    }

    @Test("reads, leases, commands, denials and what makes no sense: who, from where, allowed or not")
    func everything() async throws {
        let agent = try await TestAgent.start()
        let client = try agent.client()
        let viewer = try agent.client("viewer/eye")
        let lease = try Sample.lease("run-1", 7)
        _ = try await client.acquire(Sample.request(lease))
        _ = try await client.perform(Sample.command(lease))
        _ = try await client.status()
        await refusal { _ = try await client.acquire(Sample.request(Sample.lease("run-0", 3))) }
        _ = try await client.perform(Sample.command(Sample.lease("run-0", 3), id: "run-0.x"))
        await refusal { _ = try await client.read(FileReadRequest(path: "/etc/shadow")) }
        await refusal { _ = try await viewer.acquire(Sample.request(lease)) }
        _ = try await client.release(lease)
        await agent.end()
        let acts = try entries(agent, "audit.jsonl")
        #expect(
            acts.map(\.command) == [
                "lease for 30 s", "install wall peers=198.51.100.7 scope=2888,3888", "lease given back",
            ]
        )
        for act in acts {
            #expect(act.identity == "spiffe://mitosis/coordinator/ops" && act.allowed == true)
            #expect(act.run?.description == "run-1" && act.epoch == FencingEpoch(7))
            #expect(act.peer.contains("127.0.0.1") && !act.serial.isEmpty)
        }
        let others = try entries(agent, "audit-requests.jsonl")
        func has(_ role: String, _ command: String, _ outcome: String) -> Bool {
            others.contains {
                $0.identity.contains(role) && $0.command.contains(command) && $0.outcome.contains(outcome)
                    && $0.allowed == false
            }
        }
        #expect(has("coordinator/ops", "lease for 30 s", "epoch 7 has taken over"))
        #expect(has("coordinator/ops", "install wall", "epoch 7 has taken over"))
        #expect(has("coordinator/ops", "read file /etc/shadow", "refused"))
        #expect(has("viewer/eye", "POST /v1/lease", "is a viewer"))
        #expect(!others.contains { $0.command.contains("/v1/status") })
    }

    @Test("what never came whole, is no HTTP, or comes too often: by whom, why, and like ones in one line")
    func unfinished() async throws {
        let limits = AgentListener.Limits(
            head: .milliseconds(500),
            body: .milliseconds(500),
            pace: RequestPace.Limits(burst: 1, perSecond: 1, patience: .zero)
        )
        let agent = try await TestAgent.start(limits: limits)
        for _ in 0..<5 { _ = try await RawConnection.open(agent).exchange("no HTTP at all\r\n\r\n") }
        let status = "GET /v1/status HTTP/1.1\r\nhost: x\r\n"
        for text in [
            status + "x: " + String(repeating: "y", count: 20 << 10) + "\r\n\r\n", status,
            "POST /v1/lease HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{",
        ] {
            _ = try await RawConnection.open(agent).exchange(text)
        }
        let twice = try await RawConnection.open(agent, "viewer/eye")
            .exchange(status + "\r\n" + status + "connection: close\r\n\r\n")
        #expect(twice.contains("HTTP/1.1 429 "))
        await agent.end()
        let lines = try entries(agent, "audit-requests.jsonl")
        func count(_ role: String, _ command: String, _ outcome: String) -> Int {
            lines.filter {
                $0.identity.contains(role) && $0.command == command && $0.outcome.contains(outcome)
                    && $0.allowed == false && $0.peer.contains("127.0.0.1") && !$0.serial.isEmpty
            }
            .map { $0.count ?? 1 }.reduce(0, +)
        }
        let none = "(nothing whole)"
        #expect(count("coordinator/ops", none, "the request is not HTTP/1.1") == 5)
        #expect(count("coordinator/ops", none, "headers are too large") == 1)
        #expect(count("coordinator/ops", none, "its request's headers took too long") == 1)
        #expect(count("coordinator/ops", none, "its request's body took too long") == 1)
        #expect(count("viewer/eye", "GET /v1/status", "asks too often") == 1)
        #expect(lines.count == 6)
    }

    @Test("a command that waits for its turn when its agent is stopped is refused, and told")
    func stopping() async throws {
        let agent = try await TestAgent.start()
        let client = try agent.client()
        let lease = try Sample.lease()
        _ = try await client.acquire(Sample.request(lease))
        agent.host.hold()
        let first = Task { try await client.perform(Sample.command(lease, id: "first")) }
        await agent.host.begun(1)
        let (waiting, seen) = AsyncStream<CommandEvent>.makeStream()
        let second = Task { try await client.perform(Sample.command(lease, id: "second")) { seen.yield($0) } }
        _ = await waiting.first { _ in true }
        let ending = Task { await agent.quit() }
        // One that is refused at once holds no place; from the stop on it is refused for that.
        await refusal {
            while true { _ = try await client.perform(Sample.command(Sample.lease("run-0", 1), id: "late")) }
        }
        agent.host.release()
        _ = try await first.value
        #expect(try await second.value == .failed(message: "the agent is stopping; nothing was done"))
        await ending.value
        #expect(agent.host.performed.count == 1)
        let lines = try entries(agent, "audit-requests.jsonl").filter { $0.id?.description == "second" }
        #expect(lines.map(\.outcome) == ["refused: the agent is stopping"])
        #expect(lines.allSatisfy { $0.allowed == false && $0.command.hasPrefix("install wall") })
    }

    @Test("a flood of refused requests leaves what was done where it is, and is counted")
    func flood() async throws {
        let agent = try await TestAgent.start()
        let client = try agent.client()
        let viewer = try agent.client("viewer/eye")
        let lease = try Sample.lease()
        _ = try await client.acquire(Sample.request(lease))
        for number in 0..<300 {
            await refusal { _ = try await viewer.outcome(of: Sample.id("flood-\(number)")) }
        }
        await agent.end()
        #expect(try entries(agent, "audit.jsonl").count == 1)
        let requests = try entries(agent, "audit-requests.jsonl")
        #expect(requests.count <= 22)
        #expect(requests.map { $0.count ?? 1 }.reduce(0, +) == 300)
    }

    @Test("the newest line is in the status and in the log, also after a restart")
    func head() async throws {
        let first = try await TestAgent.start()
        let lease = try Sample.lease()
        _ = try await first.client().acquire(Sample.request(lease))
        let head = try #require(try await first.client().status().records?.audit)
        #expect(head.number == 1)
        _ = await first.log.line(with: "audit=\(head)")
        await first.quit()
        let second = try await TestAgent.start(after: first)
        #expect(try await second.client().status().records?.audit == head)
        await second.end()
    }

    @Test("a damaged command record is in the status and in the log, and the agent serves")
    func damage() async throws {
        let first = try await TestAgent.start()
        let lease = try Sample.lease()
        _ = try await first.client().acquire(Sample.request(lease))
        _ = try await first.client().perform(Sample.command(lease))
        await first.quit()
        let path = "state/commands.jsonl"
        let text = try first.authority.directory.read(path).replacing("install wall", with: "install walk")
        _ = try first.authority.directory.write(path, Array(text.utf8))
        let second = try await TestAgent.start(after: first)
        let client = try second.client()
        let problem = try #require(try await client.status().records?.problem)
        #expect(problem.contains("1 line of the command record were damaged") || problem.contains("2 lines"))
        _ = await second.log.line(with: "the command record was damaged")
        // The same id again: it may have been done.
        let performed = second.host.performed.count
        guard case .refused(.invalid(let reason)) = try await client.perform(Sample.command(lease)) else {
            Issue.record("it was carried out, or answered")
            return
        }
        #expect(reason.contains("was not carried out") && second.host.performed.count == performed)
        // The wall can be taken away all the same.
        guard case .done = try await client.perform(Sample.command(lease, id: "run-1.clean", .removeWall))
        else {
            Issue.record("the wall stays")
            return
        }
        let later = try Sample.lease("run-1", 2)
        _ = try await client.acquire(Sample.request(later))
        guard case .done = try await client.perform(Sample.command(later, id: "run-1.again")) else {
            Issue.record("a new epoch is refused")
            return
        }
        await second.end()
    }
}
