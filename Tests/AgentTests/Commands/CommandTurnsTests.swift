import AgentClient
import ControlProtocol
import FoundationEssentials
import Synchronization
import Testing

@testable import AgentServer

@Suite("Turns of commands", .timeLimit(.minutes(10)))
struct CommandTurnsTests {
    private func entry(
        _ id: String,
        _ lease: Lease,
        undoes: Bool = false,
        isWanted: @escaping @Sendable () -> Bool = { true }
    ) throws -> CommandTurns.Entry {
        CommandTurns.Entry(id: try Sample.id(id), lease: lease, undoes: undoes, isWanted: isWanted)
    }

    private func ticket(_ admission: CommandTurns.Admission) throws -> Int {
        guard case .waits(let ticket, _) = admission else { throw TestProblem("\(admission)") }
        return ticket
    }

    @Test(
        "what undoes passes all that waits, in order among itself; what it passed of its own lease is not done"
    )
    func precedence() async throws {
        let turns = CommandTurns()
        let (mine, other) = (try Sample.lease("a", 2), try Sample.lease("b", 1))
        #expect(try turns.enter(entry("running", mine)) == .now)
        let wall = try ticket(turns.enter(entry("wall", mine)))
        let late = try ticket(turns.enter(entry("late", other)))
        let undo = try ticket(turns.enter(entry("undo", mine, undoes: true)))
        let again = try ticket(turns.enter(entry("again", mine, undoes: true)))
        let after = try ticket(turns.enter(entry("after", mine)))
        #expect(await turns.turn(wall) == .overtaken(by: try Sample.id("undo")))
        for next in [undo, again, late, after] {
            turns.release()
            #expect(await turns.turn(next) == .come)
        }
        turns.release()
        #expect(!turns.isTaken)
    }

    @Test("so many wait of one run and of all, and what undoes has places of its own")
    func bounds() throws {
        let turns = CommandTurns(limits: CommandTurns.Limits(perRun: 2, total: 3, undoing: 1))
        let (a, b) = (try Sample.lease("a", 1), try Sample.lease("b", 2))
        #expect(try turns.enter(entry("running", a)) == .now)
        _ = try ticket(turns.enter(entry("a1", a)))
        _ = try ticket(turns.enter(entry("a2", a)))
        guard case .full = try turns.enter(entry("a3", a)) else { throw TestProblem("a third one") }
        _ = try ticket(turns.enter(entry("b1", b)))
        guard case .full = try turns.enter(entry("b2", b)) else { throw TestProblem("a fourth one") }
        _ = try ticket(turns.enter(entry("undo", b, undoes: true)))
        guard case .full = try turns.enter(entry("undo2", b, undoes: true)) else {
            throw TestProblem("a second one")
        }
    }

    @Test("whom nobody waits for any more makes room, and gets no turn")
    func abandoned() async throws {
        let turns = CommandTurns(limits: CommandTurns.Limits(perRun: 2, total: 2, undoing: 1))
        let lease = try Sample.lease()
        let isWanted = Kept(true)
        #expect(try turns.enter(entry("running", lease)) == .now)
        let first = try ticket(turns.enter(entry("1", lease) { isWanted.now }))
        let second = try ticket(turns.enter(entry("2", lease)))
        guard case .full = try turns.enter(entry("3", lease)) else { throw TestProblem("a third one") }
        isWanted.now = false
        let third = try ticket(turns.enter(entry("3", lease) { isWanted.now }))
        #expect(await turns.turn(first) == .abandoned)
        turns.release()
        #expect(await turns.turn(second) == .come)
        turns.release()
        #expect(await turns.turn(third) == .abandoned)
        #expect(!turns.isTaken)
        await turns.untilFree()
    }

    private func post(_ request: CommandRequest) throws -> String {
        let body = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
        return "POST /v1/commands HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(
        "abandoned commands keep nothing waiting: removeWall comes right after what runs, and they are not done"
    )
    func removeWall() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let lease = try Sample.lease()
            _ = try await client.acquire(Sample.request(lease))
            agent.host.hold()
            let running = Task { try await client.perform(Sample.command(lease, id: "running")) }
            await agent.host.begun(1)
            for number in 0..<20 {
                let text = try post(Sample.command(lease, id: "abandoned-\(number)"))
                // Waits, or is refused for those that wait; either way its caller hangs up.
                _ = try await RawConnection.open(agent).exchange(text) { $0.contains("\r\n\r\n") }
            }
            let (heard, hear) = AsyncStream<Void>.makeStream()
            let undoing = Task {
                try await client.perform(Sample.command(lease, id: "undo", .removeWall)) { _ in hear.yield() }
            }
            await heard.first { _ in true }
            agent.host.release()
            _ = try await running.value
            guard case .done = try await undoing.value else {
                Issue.record("not done")
                return
            }
            #expect(agent.host.performed.dropFirst().first == .removeWall)
            // Nothing waits any more.
            _ = try await client.perform(Sample.command(lease, id: "last", .removeWall))
            #expect(agent.host.performed.count == 3)
        }
    }

    @Test("callers that hang up before their turn make room for others, and their commands are not done")
    func hangingUp() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let lease = try Sample.lease()
            _ = try await client.acquire(Sample.request(lease))
            agent.host.hold()
            let running = Task { try await client.perform(Sample.command(lease, id: "running")) }
            await agent.host.begun(1)
            for number in 0..<8 {
                let text = try post(Sample.command(lease, id: "abandoned-\(number)"))
                _ = try await RawConnection.open(agent).exchange(text) { $0.contains("waiting for") }
            }
            // As many as may wait: when all of these do, each of the others has been given up.
            let wanted = Command.installWall(wall: try Sample.wall("198.51.100.9"))
            let (heard, hear) = AsyncStream<Void>.makeStream()
            let others = try (0..<8).map { number in
                let command = try Sample.command(lease, id: "wanted-\(number)", wanted)
                return Task { try await self.follow(command, client) { hear.yield() } }
            }
            var waiting = heard.makeAsyncIterator()
            for _ in 0..<8 { await waiting.next() }
            agent.host.release()
            _ = try await running.value
            for other in others {
                guard case .done = try await other.value else {
                    Issue.record("not done")
                    return
                }
            }
            #expect(agent.host.performed.dropFirst() == Array(repeating: wanted, count: 8)[...])
            #expect(try agent.stateFile("audit.jsonl").contains("hung up before its turn"))
        }
    }

    /// Asks again as long as the agent takes those who hung up for waiting; `hear` is called once the command waits.
    private func follow(
        _ command: CommandRequest,
        _ client: AgentClient,
        _ hear: @escaping @Sendable () -> Void
    ) async throws -> CommandOutcome {
        while true {
            do throws(AgentClientError) {
                return try await client.perform(command) { event in
                    if case .progress(let text, _) = event, text.hasPrefix("waiting for") { hear() }
                }
            } catch {
                guard case .refused(_, 503, let reply) = error else { throw error }
                #expect(reply.error.contains("too many commands wait"))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A value that a test changes.
private final class Kept<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    var now: Value {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}
