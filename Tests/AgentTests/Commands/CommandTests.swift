import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@Suite("Commands under a lease", .timeLimit(.minutes(10)))
struct CommandTests {
    @Test("a command needs a lease, is carried out once, and its id then gives the stored outcome")
    func once() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let command = try Sample.command(Sample.lease())
            #expect(try await client.perform(command) == .refused(refusal: .noLease))
            let state = try await client.acquire(Sample.request(Sample.lease()))
            #expect(state.holder == "ops")

            let log = EventLog()
            let first = try await client.perform(command) { log.add($0) }
            #expect(log.events.first == .accepted(id: command.id))
            #expect(log.events.last == .finished(outcome: first))
            #expect(try await client.perform(command) == first)
            #expect(try await client.outcome(of: command.id) == first)
            #expect(agent.host.performed == [command.command])

            let other = try Sample.command(Sample.lease(), .removeWall)
            #expect(try await client.perform(other) == .refused(refusal: .idReused))
            #expect(agent.host.performed.count == 1)
            let audit = try agent.stateFile("audit.jsonl")
            #expect(audit.contains("spiffe://mitosis/coordinator/ops"))
            #expect(audit.contains("install wall peers=198.51.100.7 scope=2888,3888"))
        }
    }

    @Test("a newer coordinator takes over, and the older one's commands are superseded")
    func superseded() async throws {
        try await TestAgent.with { agent in
            let old = try agent.client("coordinator/old")
            let new = try agent.client("coordinator/new")
            _ = try await old.acquire(Sample.request(Sample.lease("a", 1)))
            let blocked = await #expect(throws: AgentClientError.self) {
                try await new.acquire(Sample.request(Sample.lease("b", 2)))
            }
            guard case .refused(_, 409, let reply)? = blocked, case .leaseHeld? = reply.refusal else {
                Issue.record("\(String(describing: blocked))")
                return
            }
            _ = try await new.acquire(Sample.request(Sample.lease("b", 2), takeOver: true))
            let refused = CommandOutcome.refused(refusal: .superseded(highest: FencingEpoch(2)))
            #expect(try await old.perform(Sample.command(Sample.lease("a", 1))) == refused)
            #expect(agent.host.performed.isEmpty)
        }
    }

    @Test("a lapsed lease allows nothing until it is renewed")
    func expiry() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let request = Sample.request(try Sample.lease(), seconds: 30)
            _ = try await client.acquire(request)
            agent.clock.advance(.seconds(31))
            #expect(try await client.perform(Sample.command(Sample.lease())) == .refused(refusal: .noLease))
            _ = try await client.acquire(request)
            guard case .done = try await client.perform(Sample.command(Sample.lease())) else {
                Issue.record("not done")
                return
            }
        }
    }

    @Test("a command goes on to its end when its caller hangs up, and the outcome can be asked for")
    func hangUp() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            _ = try await client.acquire(Sample.request(Sample.lease()))
            agent.host.hold()
            let command = try Sample.command(Sample.lease())
            let caller = Task { try await client.perform(command) }
            await agent.host.begun(1)
            caller.cancel()
            let error = await #expect(throws: AgentClientError.self) { try await caller.value }
            guard case .replyLost? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try await client.outcome(of: command.id) == nil)
            agent.host.release()
            // The same id waits for the one that runs, and gets its outcome.
            let outcome = try await client.perform(command)
            #expect(try await client.outcome(of: command.id) == outcome)
            #expect(agent.host.performed.count == 1)
        }
    }

    @Test("one command at a time: a second one waits, tells why, and reads are answered meanwhile")
    func queue() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            _ = try await client.acquire(Sample.request(Sample.lease()))
            agent.host.hold()
            let first = Task { try await client.perform(Sample.command(Sample.lease(), id: "first")) }
            await agent.host.begun(1)
            let (waiting, seen) = AsyncStream<CommandEvent>.makeStream()
            let second = Task {
                try await client.perform(Sample.command(Sample.lease(), id: "second", .removeWall)) {
                    seen.yield($0)
                }
            }
            let told = await waiting.first { _ in true }
            guard case .progress(let message, _)? = told else {
                Issue.record("\(String(describing: told))")
                return
            }
            #expect(message.contains("first"))
            #expect(try await client.status().rules.count == 4)
            #expect(agent.host.performed.count == 1)
            agent.host.release()
            _ = try await first.value
            _ = try await second.value
            #expect(agent.host.performed.map { $0 == .removeWall } == [false, true])
        }
    }

    @Test(
        "a restarted agent keeps the epoch, the lease and the outcomes; an open intent is carried out again"
    )
    func restart() async throws {
        let first = try await TestAgent.start()
        let client = try first.client()
        let lease = try Sample.lease("a", 7)
        _ = try await client.acquire(Sample.request(lease))
        let done = try Sample.command(lease, id: "done")
        let outcome = try await client.perform(done)
        // An agent that dies between intent and outcome leaves this behind.
        let open = try Sample.command(lease, id: "open", .removeWall)
        first.host.hold()
        let lost = Task { try await client.perform(open) }
        await first.host.begun(2)
        let torn = try first.stateFile("commands.jsonl")
        first.host.release()
        _ = try await lost.value
        await first.end()
        _ = try first.authority.directory.write("state/commands.jsonl", Array((torn + "{\"outc").utf8))

        let second = try await TestAgent.start(after: first)
        #expect(await second.log.line(with: "half-written").contains("bytes=6"))
        let state = try await client.status().lease
        #expect(state.highestEpoch == FencingEpoch(7))
        #expect(state.current == lease)
        #expect(try await client.perform(done) == outcome)
        #expect(second.host.performed.count == 2)
        #expect(try await client.outcome(of: open.id) == nil)
        _ = try await client.perform(open)
        #expect(second.host.performed.count == 3)
        await second.end()
    }

    @Test("a corrupt lease file stops the agent, naming the file; it is never taken for absent")
    func corruptLease() async throws {
        let first = try await TestAgent.start()
        _ = try await first.client().acquire(Sample.request(Sample.lease()))
        await first.end()
        _ = try first.authority.directory.write("state/lease.json", Array("{".utf8))
        let error = await #expect(throws: AgentServerError.self) {
            _ = try await TestAgent.start(after: first)
        }
        #expect(error?.description.contains("state/lease.json") == true)
        #expect(error?.description.contains("mitosis-agent lease reset --epoch N") == true)
    }

    @Test("a second agent on the same state directory is refused")
    func twice() async throws {
        try await TestAgent.with { agent in
            let error = await #expect(throws: AgentServerError.self) {
                _ = try await TestAgent.start(after: agent)
            }
            #expect(error == .stateLocked(path: agent.authority.directory.path + "/state"))
        }
    }

    @Test("what the agent's configuration does not list is refused before it is recorded")
    func disallowed() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            let lease = try Sample.lease()
            _ = try await client.acquire(Sample.request(lease))
            let commands: [Command] = [
                .installWall(wall: try Sample.wall("203.0.113.9")),
                .installWall(wall: try Sample.wall(ports: [9760])),
                .installWall(wall: try Sample.wall(ports: [22])),
                .restoreFile(restore: FileRestore(path: "/etc/passwd")),
                .writeFile(write: FileWrite(path: "/etc/shadow", expected: nil, content: Data())),
                .service(request: ServiceRequest(service: "ssh.service", action: .stop)),
            ]
            for (number, command) in commands.enumerated() {
                let outcome = try await client.perform(Sample.command(lease, id: "c\(number)", command))
                guard case .refused(.notAllowed) = outcome else {
                    Issue.record("\(command): \(outcome)")
                    continue
                }
            }
            #expect(agent.host.performed.isEmpty)
            #expect(try agent.stateFile("commands.jsonl").isEmpty)
            await #expect(throws: AgentClientError.self) {
                try await client.read(FileReadRequest(path: "/etc/shadow"))
            }
            let address = try #require(IPAddress("203.0.113.9"))
            let target = ProbeTarget(address: address, port: try #require(Port(2181)))
            await #expect(throws: AgentClientError.self) {
                try await client.probe(ProbeRequest(targets: [target]))
            }
            // Its own, by the one address that is every host's own.
            let own = ProbeTarget(address: try #require(IPAddress("127.0.0.1")), port: target.port)
            let answers = try await client.probe(ProbeRequest(targets: [own]))
            #expect(answers.results.map(\.target) == [own])
            await #expect(throws: AgentClientError.self) {
                try await client.probe(ProbeRequest(targets: [own, target]))
            }
        }
    }

    @Test("what the host objects to is refused without being recorded, and may be asked again")
    func objection() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            _ = try await client.acquire(Sample.request(Sample.lease()))
            let changed = Refusal.fileChanged(path: "/etc/zookeeper/conf/zoo.cfg", expected: "a", found: "b")
            agent.host.object(changed)
            let command = try Sample.command(Sample.lease())
            #expect(try await client.perform(command) == .refused(refusal: changed))
            agent.host.object(nil)
            guard case .done = try await client.perform(command) else {
                Issue.record("not done")
                return
            }
        }
    }

    @Test("stopping lets the running command finish and takes no other")
    func stopping() async throws {
        let agent = try await TestAgent.start()
        let client = try agent.client()
        _ = try await client.acquire(Sample.request(Sample.lease()))
        agent.host.hold()
        let running = Task { try await client.perform(Sample.command(Sample.lease(), id: "last")) }
        await agent.host.begun(1)
        let ending = Task { await agent.quit() }
        _ = await agent.log.line(with: "stopping")
        let late = await #expect(throws: AgentClientError.self) {
            while true { _ = try await client.perform(Sample.command(Sample.lease(), id: "late")) }
        }
        guard case .refused(_, 503, _)? = late else {
            Issue.record("\(String(describing: late))")
            return
        }
        agent.host.release()
        guard case .done = try await running.value else {
            Issue.record("not done")
            return
        }
        await ending.value
        #expect(agent.host.performed.count == 1)
    }
}
