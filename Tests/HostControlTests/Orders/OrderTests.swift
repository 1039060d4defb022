import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

extension Orders {
    static func of(_ stateDirectory: String, now: Int64 = 1_000, patience: Duration = .seconds(30)) -> Orders
    {
        Orders(
            stateDirectory: stateDirectory,
            backend: .nftables,
            protectedPorts: [port(22)],
            areUnits: true,
            patience: patience,
            now: { now }
        )
    }
}

@Suite("What a host's disk orders")
struct OrderTests {
    private let scratch: Scratch
    private let run: RunID
    private let orders: Orders
    private let wall = Wall(peers: [address("198.51.100.2")], scope: .ports(numbers: [port(2888)]))
    private let other = Wall(peers: [address("198.51.100.9")], scope: .allTCP)

    init() throws {
        scratch = try Scratch()
        run = try #require(RunID("run-1"))
        orders = .of(scratch.path)
    }

    private var kept: StandingOrder? {
        if case .order(let order) = orders.store.read() { order } else { nil }
    }

    @Test("none is none; what is kept is read back as it was, by nobody else")
    func kept() async throws {
        #expect(orders.store.read() == .none && orders.state == nil)
        try await orders.keep(wall, for: run, holding: ["zookeeper.service"])
        let order = try #require(kept)
        #expect(
            order.wall == wall && order.run == run && order.since == 1_000
                && order.protectedPorts == [port(22)]
        )
        #expect(order.held == [StandingOrder.Held(service: "zookeeper.service", unit: "zookeeper.service")])
        #expect(orders.state == OrderState(run: run, since: 1_000, held: ["zookeeper.service"]))
        var found = stat()
        #expect(stat(orders.store.path, &found) == 0 && found.st_mode & 0o777 == 0o600)
        #expect(stat(scratch("orders"), &found) == 0 && found.st_mode & 0o777 == 0o700)
    }

    @Test(
        "a new wall takes the old one's place, what is held stays held, and time counts from the run's first"
    )
    func replaced() async throws {
        try await orders.keep(wall, for: run, holding: ["a", "b"])
        try await Orders.of(scratch.path, now: 2_000).keep(other, for: run, holding: [])
        #expect(kept?.wall == other && kept?.held.map(\.service) == ["a", "b"] && kept?.since == 1_000)
        let next = try #require(RunID("run-2"))
        try await Orders.of(scratch.path, now: 3_000).keep(wall, for: next, holding: ["c"])
        #expect(kept?.run == next && kept?.since == 3_000 && kept?.held.map(\.service) == ["a", "b", "c"])
    }

    @Test("a service that is released is held no more, and its wall stays ordered")
    func released() async throws {
        try await orders.release("a")
        #expect(orders.store.read() == .none)
        try await orders.keep(wall, for: run, holding: ["a", "b"])
        try await orders.release("a")
        try await orders.release("a")
        #expect(kept?.held.map(\.service) == ["b"] && kept?.wall == wall)
        try await orders.release("b")
        #expect(kept?.held == [] && kept?.wall == wall)
    }

    @Test("it goes after its rules, and stays when they do")
    func ended() async throws {
        try await orders.keep(wall, for: run, holding: ["a"])
        await #expect(throws: FirewallError.self) {
            _ = try await orders.end { () async throws(FirewallError) -> Int in
                throw .timedOut(command: "nft", seconds: 1)
            }
        }
        #expect(kept?.holds("a") == true)
        let ended = try await orders.end { [kept] () async throws(FirewallError) -> Bool in kept != nil }
        #expect(ended.value && ended.problem == nil && orders.store.read() == .none)
        #expect(try await orders.end { () async throws(FirewallError) -> Int in 7 }.value == 7)
    }

    @Test("whoever reads it while it is being ended with its rules waits, and finds none")
    func waits() async throws {
        try await orders.keep(wall, for: run, holding: ["a"])
        let check = HoldCheck(stateDirectory: scratch.path) { _, _ in
            Firewalls.make(backend: .nftables, protectedPorts: [])
        }
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let asked = Task {
            for await _ in begun { break }
            return await check.perform("a")
        }
        _ = try await orders.end { () async throws(FirewallError) -> Void in
            begin.yield()
            // It waits for the lock: the order it would find is about to go.
            do { try await Task.sleep(for: .milliseconds(300)) } catch {}
        }
        #expect(await asked.value == .free)
    }

    @Test("behind a program that hangs nothing starts, nothing is changed, rules are removed, and it is told")
    func hung() async throws {
        try await orders.keep(wall, for: run, holding: ["a"])
        let hurried = Orders.of(scratch.path, patience: .milliseconds(50))
        let check = HoldCheck(stateDirectory: scratch.path, patience: .milliseconds(50)) { _, _ in
            Firewalls.make(backend: .nftables, protectedPorts: [])
        }
        let path = scratch("orders/lock")
        let lock = try FileLock(path, whenHeld: .refuse)
        for service in ["a", "b"] {
            guard case .refused(let reason) = await check.perform(service) else {
                Issue.record("\(service) may start")
                continue
            }
            #expect(reason.contains("`fuser -v \(path)` names it"), "\(reason)")
        }
        await #expect(throws: OrderError.busy(lock: path, seconds: 0)) { try await hurried.release("a") }
        await #expect(throws: OrderError.busy(lock: path, seconds: 0)) {
            try await hurried.keep(other, for: run, holding: [])
        }
        let ended = try await hurried.end { () async throws(FirewallError) -> Int in 7 }
        #expect(ended.value == 7 && ended.problem == .busy(lock: path, seconds: 0))
        #expect(kept?.wall == wall && kept?.holds("a") == true)
        withExtendedLifetime(lock) {}
    }

    @Test("whatever is wrong with the file, everything counts as held, and the file is named")
    func damaged() async throws {
        try await orders.keep(wall, for: run, holding: ["a"])
        let sound = try content(of: orders.store.path)
        let check = HoldCheck(stateDirectory: scratch.path)
        var contents = [[], Array("{}".utf8), Array(sound.dropLast(9))]
        // Without a checksum it is as bad as with a wrong one.
        contents.append([UInt8(ascii: "{")] + sound.dropFirst(21))
        for place in stride(from: 0, to: sound.count - 1, by: 7) {
            var flipped = sound
            flipped[place] ^= 4
            contents.append(flipped)
        }
        for content in contents {
            try scratch.file("orders/standing.json", content, mode: 0o600)
            guard case .refused(let reason) = await check.perform("anything") else {
                Issue.record("\(String(decoding: content, as: UTF8.self))")
                continue
            }
            #expect(
                reason.contains(orders.store.path) && reason.contains("mitosis-agent orders drop"),
                "\(reason)"
            )
            #expect(orders.state?.unreadable?.contains(orders.store.path) == true)
            await #expect(throws: OrderError.self) { try await orders.release("a") }
            await #expect(throws: OrderError.self) { try await orders.keep(wall, for: run, holding: []) }
            await #expect(throws: OrderError.self) {
                _ = try await orders.reinstate(with: Firewalls.make(backend: .nftables, protectedPorts: []))
            }
        }
        // Its removal needs no understanding of it.
        #expect(try await orders.end { () async throws(FirewallError) -> Int in 1 }.problem == nil)
        #expect(orders.store.read() == .none)
    }

    @Test("a format of a later version is not taken for anything else")
    func laterFormat() async throws {
        try await orders.keep(wall, for: run, holding: [])
        let text = String(decoding: try content(of: orders.store.path), as: UTF8.self)
        let object = "{" + text.dropFirst(21).dropLast()
        for later in [object.replacing(#""format":1"#, with: #""format":2"#), #"{"format":2,"lapse":{}}"#] {
            try scratch.file("orders/standing.json", SealedJSON.seal(Array(later.utf8)), mode: 0o600)
            guard case .unreadable(let reason) = orders.store.read() else {
                Issue.record("\(later)")
                continue
            }
            #expect(reason.contains("its format is 2"))
        }
        // The same with the format of now can be read: nothing else was wrong with it.
        try scratch.file("orders/standing.json", SealedJSON.seal(Array(object.utf8)), mode: 0o600)
        #expect(kept?.wall == wall)
    }

    @Test("what is no plain file, or a link to one, is not read", .enabled(if: geteuid() == 0))
    func things() async throws {
        try scratch.directory("orders")
        let path = orders.store.path
        try #require(mkfifo(path, 0o600) == 0)
        #expect(orders.state?.unreadable != nil)
        try orders.store.drop()
        try #require(symlink("/dev/zero", path) == 0)
        #expect(orders.state?.unreadable != nil)
        try orders.store.drop()
        #expect(orders.store.read() == .none)
        try await orders.keep(wall, for: run, holding: [])
        try #require(chown(path, 65_534, 65_534) == 0)
        #expect(orders.state?.unreadable?.contains("belongs to user 65534") == true)
    }

    @Test(
        "a process that was about to be ended and runs on is not held unless it is walled off; one that has gone is"
    )
    func unended() async throws {
        let identity = try #require(ProcessIdentity(pid: getpid()))
        try await orders.keep(wall, for: run, holding: ["a"], ending: identity)
        guard case .refused(let reason) = await HoldCheck(stateDirectory: scratch.path).perform("a") else {
            Issue.record("it may start")
            return
        }
        #expect(reason.contains("process \(getpid())") && reason.contains("rules are left as they are"))
        // Behind its wall it was drained: should it end by itself, it may not start again.
        try await orders.forgetUnended(isWalled: true)
        #expect(kept?.holds("a") == true && kept?.wall == wall)
        try await orders.forgetUnended(isWalled: false)
        #expect(orders.store.read() == .none)
        // The same pid in another boot is another process.
        let gone = try JSONDecoder().decode(
            ProcessIdentity.self,
            from: Data(#"{"bootID":"before","pid":\#(getpid()),"startTicks":\#(identity.startTicks)}"#.utf8)
        )
        try await orders.keep(wall, for: run, holding: ["a"], ending: gone)
        try await orders.forgetUnended(isWalled: false)
        #expect(kept?.holds("a") == true)
    }
}
