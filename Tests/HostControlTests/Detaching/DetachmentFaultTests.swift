import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

@Suite("Detaching when something fails")
struct DetachmentFaultTests {
    private typealias World = DetachWorld
    private let run: RunID
    private static let broken = FirewallError.timedOut(command: "nft", seconds: 10)

    init() throws { run = try #require(RunID("run-1")) }

    @Test("rules that cannot be read: nothing is done")
    func unreadable() async throws {
        let world = try World(run) { $0.firewallFails = [.installed: Self.broken] }
        #expect(await failure(of: world) == .firewall(Self.broken))
        #expect(world.now.steps == [.attached, .installed])
    }

    @Test(
        "ports that cannot be closed: what there is of the rules is taken back, and nothing was asked",
        arguments: [nil, DetachRequest.older]
    )
    func notClosed(wall: Wall?) async throws {
        let world = try World(run) { state in
            state.wall = wall
            state.firewallFails = [.close: Self.broken]
        }
        #expect(await failure(of: world) == .firewall(Self.broken))
        let back = wall.map { World.Step.install($0) } ?? .remove
        #expect(
            world.now.steps == [.attached, .installed, .close(World.closed, behind: wall), back]
        )
        expectUntouched(world, wall)
    }

    @Test("rules that cannot be taken back are told, with what failed first")
    func notGivenBack() async throws {
        let world = try World(run) { state in
            state.answer = .unreachable(reason: "it did not answer")
            state.firewallFails = [.remove: Self.broken]
        }
        let cause = DetachError.silent(service: "zookeeper", reason: "it did not answer")
        let error = await failure(of: world)
        #expect(error == .notGivenBack(cause: cause.description, firewall: Self.broken))
        #expect(world.now.pid == 41 && world.now.count(.end) == 0)
        // As the message says: the next agent opens them.
        try await world.restartAgent()
        #expect(world.now.closed == nil)
    }

    @Test("a wall that cannot be put up around a server without a leader: it runs on as it did")
    func notCutOff() async throws {
        let world = try World(run) { state in
            state.isServing = false
            state.firewallFails = [.install: Self.broken]
        }
        #expect(await failure(of: world) == .firewall(Self.broken))
        #expect(world.now.count(.logWriter) == 0)
        expectUntouched(world, nil)
    }

    @Test("a wall that cannot be put up when the server has gone: nothing of the proof is lost")
    func notWalled() async throws {
        let world = try World(run) { $0.firewallFails = [.install: Self.broken] }
        #expect(
            await failure(of: world) == .notWalled(after: "the server is stopped", firewall: Self.broken)
        )
        let memory = try #require(world.now.told)
        #expect(world.now.pid == nil && world.now.closed == World.closed)
        world.change { $0.firewallFails = [:] }
        let report = try await world.detach(.of())
        #expect(report.proof == .held(memory: memory) && report.pid == 41)
        #expect(report.rules.wall == DetachRequest.peers && report.rules.closed == nil)
        #expect(report.copy == "/data/mitosis-run-1")
    }

    @Test(
        "what cannot be written down is not acted upon: the server runs on as it did",
        arguments: [nil, DetachRequest.older],
        [true, false]
    )
    func notRecorded(wall: Wall?, isServing: Bool) async throws {
        let world = try World(run) { state in
            (state.wall, state.isServing) = (wall, isServing)
            state.writer = { .at(300 * $0, turns: 3) }
        }
        try FileManager.default.removeItem(atPath: world.scratch("state"))
        // Whichever of the two comes first: what was proven, or the order.
        let error = await failure(of: world)
        switch error {
        case .notRecorded?, .order?: break
        case _: Issue.record("it must say that it could not be kept: \(String(describing: error))")
        }
        expectUntouched(world, wall)
    }

    @Test("ports that were open for a moment: what it acknowledged is not known, and it is left running")
    func reopened() async throws {
        let world = try World(run) { $0.wasReopened = true }
        #expect(await failure(of: world) == .reopened(service: "zookeeper"))
        expectUntouched(world, nil)
    }

    @Test("ports that were open for a moment right before its end: detached, and nothing counts as proven")
    func reopenedAtTheEnd() async throws {
        let world = try World(run) { $0.isReopenedAtTheEnd = true }
        let report = try await world.detach(.of())
        guard case .unknown(let reason) = report.proof else {
            Issue.record("\(report.proof)")
            return
        }
        #expect(reason.contains("right before it was ended"))
        #expect(try world.record.entry(of: run)?.proof == report.proof)
        #expect(world.now.wall == DetachRequest.peers && world.now.pid == nil)
    }

    @Test("a server that does not end stays behind the wall, drained as it is")
    func notEnded() async throws {
        let cause = DetachError.notStopped(
            .deadline(service: "zookeeper", action: .stop, seconds: 30, found: .running(pid: 41))
        )
        let world = try World(run) { $0.serverFails = [.end: cause] }
        #expect(await failure(of: world) == cause)
        let state = world.now
        #expect(state.wall == DetachRequest.peers && state.closed == nil && state.count(.copy) == 0)
        #expect(state.steps.last == .install(DetachRequest.peers))
        // Its process has gone, and its service manager does not say so: the wall stands, and it may come back.
        let doubtful = try World(run) { $0.unconfirmed = cause }
        #expect(await failure(of: doubtful) == cause)
        #expect(doubtful.now.wall == DetachRequest.peers && doubtful.now.pid == nil)
        // Without the wall that is told too.
        let without = try World(run) { state in
            state.serverFails = [.end: cause]
            state.firewallFails = [.install: Self.broken]
        }
        #expect(
            await failure(of: without)
                == .notWalled(after: "the server is drained and may run", firewall: Self.broken)
        )
        #expect(without.now.closed == World.closed)
        // The repetition takes it as it is then.
        world.change { state in
            state.serverFails = [:]
            state.isServing = false
            state.writer = { .at(300 * $0, turns: 3) }
        }
        #expect(try await world.detach(.of()).proof == .idle)
        #expect(world.now.pid == nil && world.now.wall == DetachRequest.peers)
    }

    @Test("data that cannot be copied is told when the wall stands, and the repetition copies it")
    func notCopied() async throws {
        let cause = DetachError.notCopied(path: "/data", reason: "no space left")
        let world = try World(run) { $0.serverFails = [.copy: cause] }
        #expect(await failure(of: world) == cause)
        let state = world.now
        #expect(state.pid == nil && state.wall == DetachRequest.peers && state.closed == nil)
        // Somebody else is told the same as long as it is so.
        #expect(await failure(of: world) == cause)
        world.change { $0.serverFails = [:] }
        let report = try await world.detach(.of())
        #expect(report.proof == .held(memory: try #require(state.told)) && report.copy != nil)
        #expect(world.now.copied == state.left)
    }

    @Test("a server that is found stopped: the wall, then the copy, and nobody knows what it had")
    func foundStopped() async throws {
        let world = try World(run) { $0.pid = nil }
        let report = try await world.detach(.of())
        #expect(world.now.steps == [.attached, .install(DetachRequest.peers), .copy(run), .data])
        #expect(report.proof == .unknown(reason: "it was found stopped") && report.pid == nil)
        #expect(report.rules.wall == DetachRequest.peers && report.copy == "/data/mitosis-run-1")
        #expect(report.data.lastZxid == world.now.disk)
        #expect(report.phases.map(\.name) == ["walled", "copied"])
    }

    @Test("a server that is found stopped without any data has nothing to copy")
    func foundEmpty() async throws {
        let world = try World(run) { ($0.pid, $0.disk) = (nil, nil) }
        let report = try await world.detach(.of(pid: nil))
        #expect(report.copy == nil && report.data.isEmpty && report.rules.wall == DetachRequest.peers)
    }

    @Test("what another run has proven, or of another process, does not count")
    func otherRun() async throws {
        let other = try #require(RunID("run-2"))
        let world = try World(run) { $0.pid = nil }
        let proof = DetachReport.Proof.held(memory: Zxid(0x5_0000_0001))
        try world.record.keep(DetachRecord.Entry(run: other, pid: 12, proof: proof))
        #expect(try await world.detach(.of(pid: nil)).proof == .unknown(reason: "it was found stopped"))
        // And what this one has, does.
        try world.record.keep(DetachRecord.Entry(run: run, pid: 12, proof: proof))
        for pid in [nil, Int32(12)] {
            let report = try await world.detach(.of(pid: pid))
            #expect(report.proof == proof && report.pid == 12)
        }
        // Not of the process that was started since and is expected to run.
        #expect(try await world.detach(.of()).proof == .unknown(reason: "it was found stopped"))
    }

    @Test("a record that cannot be read is not taken for none")
    func unreadableRecord() async throws {
        let world = try World(run) { $0.pid = nil }
        try world.scratch.file("state/detached.json", Array("{".utf8))
        guard case .notRecorded(let reason) = await failure(of: world) else {
            Issue.record("it must say that it cannot be read")
            return
        }
        #expect(reason.contains("detached.json cannot be read"))
        #expect(world.now.wall == DetachRequest.peers)
    }

    @Test("a service that is about to run again is no longer known, and one of another name changes nothing")
    func forgotten() async throws {
        let world = try World(run)
        let memory = try await world.detach(.of()).proof
        let supervisor = KnownProcess(pid: Int32.max)
        let detacher = Detacher(
            inspector: ZooKeeperInspector(
                service: "zookeeper",
                configPath: world.scratch("zoo.cfg"),
                stateDirectory: world.scratch("state"),
                supervisor: supervisor
            ),
            services: ServiceController(supervisor: supervisor),
            firewall: Firewalls.make(backend: .nftables, protectedPorts: []),
            stateDirectory: world.scratch("state"),
            orders: world.orders
        )
        try detacher.forget("kafka")
        #expect(try await world.detach(.of()).proof == memory)
        try detacher.forget("zookeeper")
        try detacher.forget("zookeeper")
        #expect(try await world.detach(.of()).proof == .unknown(reason: "it was found stopped"))
    }

    @Test("an agent that starts forgets what was proven of a server that still runs, and nothing else")
    func forgetsTheLiving() throws {
        let folder = try Scratch()
        let record = DetachRecord(stateDirectory: folder.path)
        try record.forgetIfAlive()
        for (pid, isKept) in [(Int32(4_194_304), true), (getpid(), false)] {
            let entry = DetachRecord.Entry(run: run, pid: pid, proof: .idle)
            try record.keep(entry)
            try record.forgetIfAlive()
            #expect(try record.entry(of: run) == (isKept ? entry : nil))
        }
        // What cannot be read proves nothing.
        try folder.file("detached.json", Array("{".utf8))
        try record.forgetIfAlive()
        #expect(try record.entry(of: run) == nil)
    }
}
