import AgentClient
import ArgumentParser
import ControlProtocol
import Glibc
import SystemCalls
import Testing

@testable import AgentServer

@Suite("Root on the host, beside an agent and without one", .timeLimit(.minutes(10)))
struct LocalOrdersTests {
    private func state(_ agent: TestAgent) -> String { agent.authority.directory.path + "/state" }

    @Test("a running agent gives up its rules when it is told to, and keeps the audit line")
    func forgets() async throws {
        try await TestAgent.with { agent in
            let session = LocalSession(directory: state(agent))
            #expect(session.isAgentRunning)
            #expect(await session.order(.forgetRules, "rules clean --local") == .done)
            #expect(agent.host.forgotten == 1)
            #expect(
                await session.order(.note, "rules clean --local: the end", outcome: "done: nothing") == .done
            )
            #expect(agent.host.forgotten == 1)
            let audit = try agent.stateFile("audit.jsonl")
            #expect(audit.contains(#""command":"rules clean --local""#))
            #expect(
                audit.contains(#""identity":"root on this host"#)
                    && audit.contains(#""outcome":"done: nothing""#)
            )
        }
    }

    @Test("a running agent takes a reset of its epoch up at once, and the next one has it too")
    func resets() async throws {
        let agent = try await TestAgent.start()
        let client = try agent.client()
        for epoch in [999_999, 1_999_998] as [UInt64] {
            _ = try await client.acquire(Sample.request(try Sample.lease("a", epoch)))
            _ = try await client.release(try Sample.lease("a", epoch))
        }
        let far = Sample.request(try Sample.lease("b", .max - 1))
        await #expect(throws: AgentClientError.self) { try await client.acquire(far) }
        await #expect(throws: AgentClientError.self) {
            try await client.acquire(Sample.request(try Sample.lease("b", 6)))
        }

        let session = LocalSession(directory: state(agent))
        #expect(await session.order(.resetLease(epoch: FencingEpoch(5)), "lease reset --epoch 5") == .done)
        let granted = try await client.acquire(Sample.request(try Sample.lease("b", 6)))
        #expect(granted.highestEpoch == FencingEpoch(6) && granted.holder == "ops")
        await #expect(throws: AgentClientError.self) {
            try await client.acquire(Sample.request(try Sample.lease("c", 5)))
        }

        // It loses the lease that is in force.
        #expect(await session.order(.resetLease(epoch: FencingEpoch(40)), "lease reset --epoch 40") == .done)
        #expect(try await client.status().lease.current == nil)
        await agent.end()
        let next = try await TestAgent.start(after: agent)
        #expect(try await next.client().status().lease.highestEpoch == FencingEpoch(40))
        await next.end()
    }

    @Test("without an agent it is done here, and none starts meanwhile")
    func alone() async throws {
        let agent = try await TestAgent.start()
        await agent.end()
        do {
            let session = LocalSession(directory: state(agent))
            #expect(!session.isAgentRunning)
            await #expect(throws: AgentServerError.self) { _ = try await TestAgent.start(after: agent) }
            let store = LeaseStore(directory: state(agent))
            let answer = await session.order(.resetLease(epoch: FencingEpoch(7)), "lease reset --epoch 7") {
                () throws(AgentServerError) in
                try store.write(try LeaseRecord.reset(to: FencingEpoch(7)))
            }
            #expect(answer == .done)
            withExtendedLifetime(session) {}
        }
        #expect(try agent.stateFile("audit.jsonl").contains(#""command":"lease reset --epoch 7""#))
        let next = try await TestAgent.start(after: agent)
        #expect(try await next.client().status().lease.highestEpoch == FencingEpoch(7))
        await next.end()
    }

    @Test(
        "a damaged lease.json keeps an agent from starting until root has reset it",
        .enabled(if: geteuid() == 0)
    )
    func damaged() async throws {
        let agent = try await TestAgent.start()
        await agent.end()
        let path = state(agent) + "/lease.json"
        for damage in ["fifo", "absurd"] {
            unlink(path)
            if damage == "fifo" {
                try #require(mkfifo(path, 0o600) == 0)
            } else {
                let text = #"{"latest":{"runID":"r","epoch":18446744073709551615}}"#
                _ = try agent.authority.directory.write("state/lease.json", Array(text.utf8))
            }
            let error = await #expect(throws: AgentServerError.self) {
                _ = try await TestAgent.start(after: agent)
            }
            #expect(error?.description.contains("mitosis-agent lease reset --epoch N") == true)
            let session = LocalSession(directory: state(agent))
            let store = LeaseStore(directory: state(agent))
            let answer = await session.order(.resetLease(epoch: FencingEpoch(3)), "lease reset --epoch 3") {
                () throws(AgentServerError) in
                try store.write(try LeaseRecord.reset(to: FencingEpoch(3)))
            }
            #expect(answer == .done)
            withExtendedLifetime(session) {}
        }
        let next = try await TestAgent.start(after: agent)
        #expect(try await next.client().status().lease.highestEpoch == FencingEpoch(3))
        await next.end()
    }

    @Test("what root does without an agent is in the host's own log, too, and nobody there is no hindrance")
    func systemLog() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/log"
        let absent = LocalSession(directory: directory.path + "/absent", system: SystemLog(path: path))
        #expect(await absent.order(.note, "orders drop", outcome: "done: first") == .done)

        let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        let session = LocalSession(directory: directory.path + "/state", system: SystemLog(path: path))
        #expect(await session.order(.note, "orders drop", outcome: "done: second") == .done)
        var room = [UInt8](repeating: 0, count: 4096)
        let count = recv(listener, &room, room.count, Int32(MSG_DONTWAIT))
        let line = String(decoding: room.prefix(max(0, count)), as: UTF8.self)
        #expect(line.hasPrefix("<37>mitosis-agent[\(getpid())]: info request "), "\(line)")
        #expect(line.contains(#"command="orders drop""#) && line.contains("done: second"), "\(line)")
        #expect(line.contains(#"identity="root on this host"#) && line.contains("audit=1:"), "\(line)")
        #expect(try directory.read("state/audit.jsonl").contains("done: second"))
    }

    @Test("an agent that runs and does not answer is told as such; the order is taken back")
    func silent() async throws {
        let directory = try TemporaryDirectory()
        let held = try StateDirectory(path: directory.path + "/state")
        defer { held.release() }
        let session = LocalSession(directory: held.path, patience: .milliseconds(200))
        #expect(await session.order(.forgetRules, "rules clean --local") == .silent)
        #expect(access(held.path + "/order.json", F_OK) != 0)
        #expect(try directory.read("state/audit.jsonl").contains("the agent does not answer"))
    }

    @Test("a command of root's that hangs keeps no other waiting for ever: it goes on beside it, and says so")
    func beside() async throws {
        let directory = try TemporaryDirectory()
        let state = directory.path + "/state"
        try #require(mkdir(state, 0o700) == 0)
        let lock = try FileLock(state + "/order.lock", whenHeld: .refuse)
        let session = LocalSession(directory: state, patience: .milliseconds(200))
        #expect(
            session.summary.contains("no agent runs") && session.summary.contains("going on beside it"),
            "\(session.summary)"
        )
        #expect(await session.order(.note, "first") == .done)
        withExtendedLifetime(lock) {}
    }

    @Test("what lies there when an agent starts, and what is no order, is not obeyed and holds up nothing")
    func strays() async throws {
        let agent = try await TestAgent.start()
        await agent.end()
        let old = LocalOrder(
            id: "1",
            by: "x",
            command: "lease reset --epoch 9",
            wish: .resetLease(epoch: FencingEpoch(9))
        )
        try LocalMailbox(directory: state(agent)).put(old)
        let next = try await TestAgent.start(after: agent)
        let session = LocalSession(directory: state(agent))
        #expect(await session.order(.note, "first") == .done)
        #expect(try await next.client().status().lease.highestEpoch == FencingEpoch(0))
        for text in ["", "{", #"{"id":"2","by":"x","command":"c","wish":{"resetLease":{"epoch":1e308}}}"#] {
            _ = try agent.authority.directory.write("state/order.json", Array(text.utf8))
        }
        let fifo = agent.authority.directory.path + "/fifo"
        try #require(mkfifo(fifo, 0o600) == 0 && rename(fifo, state(agent) + "/order.json") == 0)
        #expect(await session.order(.note, "second") == .done)
        #expect(try await next.client().status().lease.highestEpoch == FencingEpoch(0))
        await next.end()
    }

    @Test("what is shown of a lease says who holds it, and what a reset risks")
    func words() throws {
        let now = Moment(sinceBoot: .seconds(1), unixMilliseconds: 1_000_000)
        let record = LeaseRecord(
            latest: try Sample.lease("run-1", 12),
            current: .init(holder: "ops", expiresAt: 1_030_000, secondsToLive: 60)
        )
        #expect(
            LeaseText.text(record, at: now)
                == "highest epoch 12, of run run-1\nlease of ops: lapses in 30 s unless renewed"
        )
        #expect(LeaseText.text(nil, at: now) == "highest epoch 0: no lease was ever granted here")
        #expect(
            LeaseText.text(LeaseRecord(latest: record.latest, current: nil), at: now)
                == "highest epoch 12, of run run-1\nno lease: it was given back"
        )
        #expect(
            LeaseText.text(try LeaseRecord.reset(to: FencingEpoch(9)), at: now)
                == "highest epoch 9, by `lease reset` on this host\nno lease"
        )
        let lowered = LeaseText.risk(of: FencingEpoch(3), record, at: now)
        #expect(lowered.contains("run run-1 of ops holds this host's lease, and loses it"))
        #expect(lowered.contains("coordinators with epochs 4 to 12 get in again"))
        let raised = LeaseText.risk(
            of: FencingEpoch(20),
            LeaseRecord(latest: record.latest, current: nil),
            at: now
        )
        #expect(raised == "risk: coordinators with epochs up to 20 are refused here from now on")
    }

    @Test(
        "--config is the same wherever it stands",
        arguments: [["--config", "a"], []],
        [["--config", "a"], []]
    )
    func configuration(before: [String], after: [String]) throws {
        let parsed = try AgentCommand.parseAsRoot(before + ["lease", "show"] + after)
        let show = try #require(parsed as? LeaseShow)
        #expect(show.options.config == (before.isEmpty && after.isEmpty ? "/etc/mitosis/agent.yaml" : "a"))
    }
}
