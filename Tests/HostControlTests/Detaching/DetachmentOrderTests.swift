import ControlProtocol
import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

/// The order of the disk that a detachment leaves, whenever its agent dies.
@Suite("Detaching and what the disk orders")
struct DetachmentOrderTests {
    private typealias World = DetachWorld
    private let run: RunID
    /// A process that certainly runs stands for the server.
    private let identity: ProcessIdentity

    init() throws {
        run = try #require(RunID("run-1"))
        identity = try #require(ProcessIdentity(pid: getpid()))
    }

    private func order(_ world: DetachWorld) -> StandingOrder? {
        if case .order(let order) = world.orders.store.read() { order } else { nil }
    }

    @Test("the server is held, on disk, before its process is ended and before the wall goes up")
    func before() async throws {
        let world = try World(run) { [identity] in $0.identity = identity }
        _ = try await world.detach(.of())
        let ending = try #require(world.now.orderAtEnd)
        #expect(ending.holds("zookeeper") && ending.wall == DetachRequest.peers && ending.run == run)
        #expect(ending.held.first?.ending == identity)
        #expect(order(world) == ending)
    }

    @Test("one that is found stopped is held before the wall goes up")
    func stopped() async throws {
        let world = try World(run) { $0.pid = nil }
        _ = try await world.detach(.of())
        #expect(world.now.orderAtWall?.holds("zookeeper") == true)
        #expect(order(world)?.held.first?.ending == nil)
    }

    @Test("one that is left running is not held", arguments: [DetachWorld.Kind.close, .installed])
    func leftRunning(kind: DetachWorld.Kind) async throws {
        let world = try World(run) { $0.firewallFails[kind] = .timedOut(command: "nft", seconds: 1) }
        await #expect(throws: DetachError.self) { try await world.detach(.of()) }
        #expect(order(world) == nil)
        let undrained = try World(run) { $0.flushes = 0 }
        await #expect(throws: DetachError.self) { try await undrained.detach(.of(seconds: 0)) }
        #expect(order(undrained) == nil && undrained.now.closed == nil)
    }

    @Test(
        "an agent that dies before the process is ended leaves nothing that its next start would cut a live server off by"
    )
    func diedBeforeEnd() async throws {
        let world = try World(run) { [identity] in $0.identity = identity }
        #expect(await world.isInterrupted(.of(), DetachWorld.Death(kind: .end, isAfter: false)))
        #expect(order(world)?.holds("zookeeper") == true)
        try await world.restartAgent()
        #expect(order(world) == nil && world.now.wall == nil && world.now.closed == nil)
        _ = try await world.detach(.of())
        #expect(order(world)?.holds("zookeeper") == true && world.now.wall == DetachRequest.peers)
    }

    @Test("the next attempt forgets it too, when no agent was started in between")
    func repeated() async throws {
        let world = try World(run) { [identity] in ($0.identity, $0.flushes) = (identity, 0) }
        try await world.orders.keep(DetachRequest.peers, for: run, holding: ["zookeeper"], ending: identity)
        await #expect(throws: DetachError.self) { try await world.detach(.of(seconds: 0)) }
        #expect(order(world) == nil)
    }

    @Test("an agent that dies after the process has ended finds it held, and puts the wall up when it starts")
    func diedAfterEnd() async throws {
        let world = try World(run)
        #expect(await world.isInterrupted(.of(), DetachWorld.Death(kind: .end, isAfter: true)))
        #expect(world.now.wall == nil)
        try await world.restartAgent()
        #expect(order(world)?.holds("zookeeper") == true && world.now.wall == DetachRequest.peers)
    }

    @Test("where the order cannot be kept the server is left running, as it was")
    func notKept() async throws {
        let world = try World(run)
        // Nobody can make a folder where a file is.
        try world.scratch.file("state/orders", [])
        let error = await #expect(throws: DetachError.self) { try await world.detach(.of()) }
        #expect(
            error?.description.contains("The server was left as it was") == true,
            "\(String(describing: error))"
        )
        #expect(world.now.pid == 41 && world.now.closed == nil && world.now.wall == nil)
    }
}
