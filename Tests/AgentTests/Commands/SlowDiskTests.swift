import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import Testing

@Suite("While the agent's disk takes its time", .timeLimit(.minutes(10)))
struct SlowDiskTests {
    @Test("statuses are answered, and a command's end is told only once it is written down")
    func statuses() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let lease = try Sample.lease()
            _ = try await client.acquire(Sample.request(lease))
            // As on a disk that does not answer: whoever writes to it waits for its lock.
            let audit = agent.authority.directory.path + "/state/audit.jsonl"
            let lock = open(audit + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(lock) }
            try #require(flock(lock, LOCK_EX) == 0)
            let (endings, ended) = AsyncStream<CommandOutcome>.makeStream()
            let command = Task {
                let outcome = try await client.perform(Sample.command(lease))
                ended.yield(outcome)
                return outcome
            }
            await agent.host.begun(1)
            let reading = Task {
                let other = try agent.client("viewer/eye")
                let begin = ContinuousClock.now
                while ContinuousClock.now - begin < .milliseconds(500) {
                    guard try await other.status().lease.current == lease else { return false }
                }
                return true
            }
            let late = Task {
                do { try await Task.sleep(for: .seconds(20)) } catch { return }
                reading.cancel()
            }
            let answered = await reading.result
            late.cancel()
            ended.finish()
            #expect(try answered.get())
            #expect(await endings.first { _ in true } == nil)
            try #require(flock(lock, LOCK_UN) == 0)
            guard case .done = try await command.value else {
                Issue.record("not done")
                return
            }
        }
    }

    @Test("leases asked for all at once are granted one after the other, and the disk has the last")
    func leases() async throws {
        try await TestAgent.with { agent in
            // As many as one address may have in their handshakes at once.
            let clients = try (1...12).map { (epoch: UInt64($0), client: try agent.client()) }
            let granted = await withTaskGroup(of: UInt64?.self) { group in
                for (epoch, client) in clients {
                    group.addTask {
                        do {
                            let lease = try Sample.lease("run-\(epoch)", epoch)
                            let state = try await client.acquire(Sample.request(lease, takeOver: true))
                            guard state.highestEpoch >= lease.epoch else { return nil }
                            _ = try await client.perform(Sample.command(lease, id: "run-\(epoch).a"))
                            return epoch
                        } catch {
                            return nil
                        }
                    }
                }
                return await group.reduce(into: [UInt64]()) { all, epoch in if let epoch { all.append(epoch) }
                }
            }
            #expect(granted.contains(12))
            let state = try await agent.client().status().lease
            let last = try Sample.lease("run-12", 12)
            #expect(state.highestEpoch == last.epoch && state.current == last)
            #expect(try agent.stateFile("lease.json").contains("run-12"))
            // Nothing was done that is not written down before and after.
            let lines = try agent.stateFile("commands.jsonl").split(separator: "\n")
            #expect(lines.count == 2 * agent.host.performed.count)
            #expect(lines.filter { $0.contains("\"intent\"") }.count == agent.host.performed.count)
        }
    }
}
