import ControlProtocol
import FoundationEssentials
import Glibc
import Logging
import Logs
import Synchronization
import SystemCalls
import Testing
import Topology

@testable import HostControl

/// What a host takes back by itself, with a real daemon for its server and a clock of the test's own.
@Suite("An order that lapses")
struct OrderLapseTests {
    private final class Time: Sendable {
        private let state = Mutex<(now: Int64, boot: String)>((5_000, "boot-1"))

        func pass(seconds: Int64) { state.withLock { $0.now += seconds * 1000 } }

        func reboot() { state.withLock { $0 = (500, "boot-2") } }

        func clock(_ folder: String) -> LapseClock {
            LapseClock(
                stateDirectory: folder,
                now: { [self] in state.withLock(\.now) },
                boot: { [self] in state.withLock(\.boot) }
            )
        }
    }

    private final class Deeds: Sendable {
        private let all = Mutex<[OwnDeed]>([])

        func add(_ deed: OwnDeed) { all.withLock { $0.append(deed) } }

        var acts: [OwnDeed.Act] { all.withLock { $0.map(\.act) } }
        var outcomes: [String] { all.withLock { $0.map(\.outcome) } }
    }

    private let run: RunID
    private let world: DetachWorld
    private let daemon: DaemonScript
    private let time = Time()
    private let deeds = Deeds()
    private let orders: Orders
    private let file: String
    private let original = Array("server.1=a\n".utf8)
    private let joint = Array("server.1=a\nserver.4=d\n".utf8)

    init() throws {
        run = try #require(RunID("run-1"))
        world = try DetachWorld(run)
        daemon = try DaemonScript("plain")
        file = try world.scratch.file("zoo.cfg", original)
        orders = Orders(
            stateDirectory: world.scratch("state"),
            backend: .nftables,
            protectedPorts: [],
            areUnits: false,
            allowed: [file],
            clock: time.clock(world.scratch("state")),
            now: { 1_000 }
        )
    }

    private var request: LapseRequest {
        let write = FileWrite(
            path: file,
            expected: ContentDigest.sha256(Data(original)),
            content: Data(joint)
        )
        return LapseRequest(seconds: 20, files: [write], starts: true)
    }

    private var lapsing: Lapsing {
        let (firewall, files) = (
            world.firewall, ConfigFiles(allowed: [file], backups: world.scratch("state/backups"))
        )
        let services = ServiceController(supervisor: daemon.supervisor)
        return Lapsing(
            stateDirectory: world.scratch("state"),
            clock: time.clock(world.scratch("state")),
            patience: .milliseconds(50),
            log: .silent,
            means: { _ in Lapsing.Means(firewall: firewall, files: files, services: services) },
            report: { [deeds] in deeds.add($0) }
        )
    }

    private var order: StandingOrder? {
        if case .order(let order) = orders.store.read() { order } else { nil }
    }

    /// As a detachment leaves it.
    private func detach() async throws {
        try await orders.keep(DetachRequest.peers, for: run, holding: ["daemon"], lapsing: request)
        _ = try await world.firewall.install(DetachRequest.peers)
    }

    private func isBack() throws -> Bool {
        try content(of: file) == joint && world.now.wall == nil && daemon.pid != nil
            && order?.phase == .lapsed
            && order?.held == [] && !orders.store.clock.exists
    }

    @Test("nobody is heard: file back, wall away, server runs, and nothing more comes of it")
    func due() async throws {
        defer { #expect(throws: Never.self) { try daemon.clean() } }
        #expect(await lapsing.step() == .nothing)
        try await detach()
        #expect(
            orders.state?.phase == .provisional && orders.state?.lapsesIn == 20 && orders.store.clock.exists
        )
        time.pass(seconds: 19)
        #expect(await lapsing.step() == .waits(1000))
        #expect(try content(of: file) == original && world.now.wall != nil && deeds.outcomes.isEmpty)
        time.pass(seconds: 1)
        #expect(await lapsing.step() == .undone)
        #expect(try isBack())
        let pid = try daemon.pid
        #expect(await lapsing.step() == .nothing)
        #expect(try isBack() && daemon.pid == pid)
        // Whoever keeps the audit trail is told of both, and of what it consists in.
        #expect(deeds.outcomes == ["begun", "done"])
        for case .lapse(let lapse) in deeds.acts {
            #expect(lapse.seconds == 20 && lapse.files == request.files && lapse.starting == ["daemon"])
        }
        // The coordinator that comes too late is told; what it removes is removed.
        await #expect(throws: OrderError.givenUp(run: run)) { try await orders.commit(for: run) }
        await #expect(throws: OrderError.givenUp(run: run)) { try await detach() }
        try orders.admit(startOf: "daemon")
        _ = try await orders.end { () async throws(FirewallError) -> Void in }
        #expect(order == nil)
    }

    @Test("a coordinator that is heard in time renews it; another run's does not")
    func renewed() async throws {
        try await detach()
        for _ in 0..<5 {
            time.pass(seconds: 15)
            orders.renew(for: run)
            #expect(await lapsing.step() == .waits(20_000))
        }
        time.pass(seconds: 15)
        orders.renew(for: try #require(RunID("run-2")))
        #expect(await lapsing.step() == .waits(5000))
    }

    @Test("once it is committed it stands, however long nobody comes, and that is alarmed on")
    func committed() async throws {
        try await detach()
        #expect(throws: OrderError.provisional(run: run, service: "daemon")) {
            try orders.admit(startOf: "daemon")
        }
        time.pass(seconds: 19)
        let state = try #require(try await orders.commit(for: run))
        #expect(state.phase == .kept && state.held == ["daemon"] && !orders.store.clock.exists)
        #expect(order?.lapse?.files == [])
        try orders.admit(startOf: "daemon")
        // A command of before, repeated: it stays committed.
        try await detach()
        #expect(order?.phase == .kept)
        #expect(orders.state?.unattended == nil)
        time.pass(seconds: 5000)
        #expect(await lapsing.step() == .nothing)
        #expect(order?.phase == .kept && world.now.wall != nil && orders.state?.unattended == 5000)
        orders.renew(for: run)
        #expect(orders.state?.unattended == nil)
        _ = try await orders.commit(for: run)
    }

    @Test("nothing is committed where nothing of the run is")
    func nothingToCommit() async throws {
        await #expect(throws: OrderError.nothingToKeep(run: run)) { try await orders.commit(for: run) }
        try await detach()
        let other = try #require(RunID("run-2"))
        await #expect(throws: OrderError.nothingToKeep(run: other)) { try await orders.commit(for: other) }
    }

    @Test("after a reboot, or with a clock that was damaged, the coordinator has the whole time once more")
    func rebooted() async throws {
        try await detach()
        time.pass(seconds: 19)
        time.reboot()
        #expect(await lapsing.step() == .waits(20_000))
        time.pass(seconds: 5)
        for text in ["", "boot-2 x\n", "boot-2 99999999999999\n", "boot-2 12 13\n"] {
            try world.scratch.file("state/orders/lapses", Array(text.utf8))
            #expect(await lapsing.step() == .waits(20_000), "\(text)")
        }
        try orders.store.clock.end()
        #expect(await lapsing.step() == .waits(20_000))
    }

    @Test(
        "what is decided is decided: whoever undoes it dies at any place, and the next one ends it",
        arguments: 0..<4
    )
    func interrupted(after acts: Int) async throws {
        defer { #expect(throws: Never.self) { try daemon.clean() } }
        try await detach()
        var left = try #require(order)
        left.lapse?.phase = .lapsing
        if acts > 0 { try world.scratch.file("zoo.cfg", joint) }
        if acts > 1 { _ = try await world.firewall.remove() }
        if acts > 2 { left.held = [] }
        try orders.store.write(left)
        #expect(orders.state?.description.contains("is taking it back") == true)
        await #expect(throws: OrderError.givenUp(run: run)) { try await orders.commit(for: run) }
        // A host that boots meanwhile gets no wall again, and an agent that starts puts none up.
        #expect(try await orders.reinstate(with: world.firewall) == nil)
        #expect(await lapsing.step() == .undone)
        #expect(try isBack())
    }

    @Test("what keeps it from its end is told, nothing is started meanwhile, and it is tried again")
    func stuck() async throws {
        defer { #expect(throws: Never.self) { try daemon.clean() } }
        try await detach()
        try world.scratch.file("zoo.cfg", Array("by hand\n".utf8))
        time.pass(seconds: 20)
        guard case .stuck(let reason) = await lapsing.step() else {
            Issue.record("a file that somebody has changed was replaced")
            return
        }
        #expect(reason.contains(file) && orders.state?.problem == reason)
        #expect(try daemon.pid == nil && world.now.wall != nil && order?.holds("daemon") == true)
        #expect(await HoldCheck(stateDirectory: world.scratch("state")).perform("daemon") != .free)
        #expect(await lapsing.step() == .stuck(reason: reason))
        #expect(deeds.outcomes == ["begun", "failed: \(reason)"])
        // Renewing helps nobody any more.
        orders.renew(for: run)
        try world.scratch.file("zoo.cfg", original)
        world.change { $0.firewallFails[.remove] = .timedOut(command: "nft", seconds: 1) }
        guard case .stuck(let again) = await lapsing.step() else {
            Issue.record("a wall that cannot be removed was taken for removed")
            return
        }
        #expect(again.contains("cannot be removed") && orders.state?.problem == again)
        world.change { $0.firewallFails = [:] }
        #expect(await lapsing.step() == .undone)
        #expect(try isBack())
        #expect(orders.state?.problem == nil)
        #expect(deeds.outcomes == ["begun", "failed: \(reason)", "failed: \(again)", "done"])
    }

    @Test("a hold check that puts the wall back says so, once, and one that cannot, each time")
    func reinstated() async throws {
        try await detach()
        let (folder, firewall) = (world.scratch("state"), world.firewall)
        let check = HoldCheck(
            stateDirectory: folder,
            firewall: { _, _ in firewall },
            report: { [deeds] in deeds.add($0) }
        )
        #expect(await check.perform("other") == .walled)
        #expect(deeds.outcomes.isEmpty)
        _ = try await firewall.remove()
        for _ in 0..<2 { #expect(await check.perform("other") == .walled) }
        #expect(deeds.outcomes == ["done"])
        #expect(deeds.acts == [.reinstate(wall: DetachRequest.peers, start: "other")])
        _ = try await firewall.remove()
        world.change { $0.firewallFails[.install] = .timedOut(command: "nft", seconds: 1) }
        guard case .refused = await check.perform("other") else {
            Issue.record("it may start")
            return
        }
        #expect(deeds.outcomes.count == 2 && deeds.outcomes.last?.hasPrefix("failed: ") == true)
    }

    @Test("behind a program that hangs it is told and tried again, and taken back once that one has ended")
    func hung() async throws {
        defer { #expect(throws: Never.self) { try daemon.clean() } }
        try await detach()
        time.pass(seconds: 20)
        do {
            let lock = try FileLock(world.scratch("state/orders/lock"), whenHeld: .refuse)
            defer { withExtendedLifetime(lock) {} }
            guard case .stuck(let reason) = await lapsing.step() else {
                Issue.record("an order was changed that another program is changing")
                return
            }
            #expect(reason.contains("`fuser -v "), "\(reason)")
            #expect(order?.phase == .provisional && world.now.wall != nil)
        }
        #expect(await lapsing.step() == .undone)
        #expect(try isBack())
    }

    @Test("a clock that an agent left without an order is removed")
    func clockAlone() async throws {
        try await detach()
        #expect(unlink(orders.store.path) == 0)
        #expect(await lapsing.step() == .nothing)
        #expect(!orders.store.clock.exists)
    }

    @Test("the table: nothing but a removal ends what was given up, and nothing that was committed lapses")
    func table() {
        for event in OrderTransitions.Event.allCases {
            for phase in OrderPhase.allCases where phase.isGivenUp {
                switch OrderTransitions.outcome(of: event, in: phase) {
                case .becomes(let next):
                    #expect(next?.isGivenUp ?? (event == .rulesRemoved), "\(event) \(phase)")
                case .refused: break
                }
            }
            switch OrderTransitions.outcome(of: event, in: .kept) {
            case .becomes(let next): #expect(next == (event == .rulesRemoved ? nil : .kept), "\(event)")
            case .refused: Issue.record("\(event) is refused where it was committed")
            }
        }
        #expect(OrderTransitions.outcome(of: .started, in: .provisional) == .refused)
    }
}
