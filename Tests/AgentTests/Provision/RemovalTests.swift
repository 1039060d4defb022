import ControlProtocol
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import AgentServer
@testable import HostControl

/// What must be left where it is when an agent is taken away, or gets another state.
@Suite("A removal on its host", .timeLimit(.minutes(10)))
struct RemovalTests {
    private let world: InstallWorld

    init() throws { world = try InstallWorld() }

    private func install() async throws -> [String: String] {
        try world.stage()
        _ = try await world.install()
        try world.leaveState()
        return try world.tree()
    }

    /// An order that cannot be read is one.
    private func standOrder(in state: String = "/var/lib/mitosis") throws {
        try world.leaveState("orders/standing.json", at: state)
    }

    private func refusal(_ work: () async throws -> Void) async -> String? {
        do {
            try await work()
            return nil
        } catch ProvisionFailure.refused(let reason) {
            return reason
        } catch {
            return "not refused: \(error)"
        }
    }

    @Test("a state that agent.yaml has elsewhere than the inventory is refused, with both named")
    func otherState() async throws {
        let before = try await install()
        let reason = await refusal { _ = try await world.remove([], state: "/srv/mitosis") }
        #expect(reason?.contains("/var/lib/mitosis") == true && reason?.contains("/srv/mitosis") == true)
        #expect(try world.tree() == before && world.unit.isRunning)
        try Data("host: [".utf8).write(to: URL(filePath: world.places.path(of: .configuration)))
        let unread = await refusal { _ = try await world.remove([]) }
        #expect(unread?.contains("cannot be read") == true && world.unit.isRunning)
    }

    @Test(
        "a state directory that is the system's, or not plain, is refused",
        arguments: ["/etc", "/srv", "/etc/mitosis", "/var/lib", "/srv/../etc", "srv/mitosis", ""]
    )
    func systemState(state: String) async throws {
        let before = try world.tree()
        let reason = await refusal { _ = try await world.remove([], state: state) }
        #expect(reason?.contains("'\(state)'") == true, "\(reason ?? "-")")
        #expect(try world.tree() == before)
    }

    @Test(
        "a directory that is not an agent's is left with all that is in it, and named",
        arguments: ["photos", "lock", "writable", "link"]
    )
    func otherDirectory(kind: String) async throws {
        let state = world.places.at("/srv/mitosis")
        try world.leaveState(at: "/srv/mitosis")
        switch kind {
        case "photos": try Data("x".utf8).write(to: URL(filePath: state + "/photos"))
        case "lock": try FileManager.default.removeItem(atPath: state + "/lock")
        case "writable": try #require(chmod(state, 0o777) == 0)
        case _:
            try FileManager.default.moveItem(atPath: state, toPath: state + "-real")
            try FileManager.default.createSymbolicLink(
                atPath: state,
                withDestinationPath: state + "-real"
            )
        }
        let before = try world.tree(of: "/srv")
        let removed = try await world.remove([], state: "/srv/mitosis")
        #expect(removed.left.count == 1 && removed.left[0].contains("/srv/mitosis"), "\(removed.left)")
        #expect(try world.tree(of: "/srv") == before)
    }

    @Test("what was broken off while a state directory went is taken up by its lock")
    func brokenOffInState() async throws {
        try world.leaveState()
        for name in ["lease.json", "backups", "orders"] {
            try FileManager.default.removeItem(atPath: world.places.at("/var/lib/mitosis/\(name)"))
        }
        #expect(try await world.remove([]).left == [])
        #expect(!HostPlaces.exists(world.places.at("/var/lib/mitosis")))
    }

    @Test("a wall that comes up while the agent is stopped lets it run again, with everything in its place")
    func lateWall() async throws {
        let before = try await install()
        let reason = await refusal { _ = try await world.remove([], InstallWorld.wall) }
        #expect(reason?.contains("a wall may stand") == true)
        #expect(world.unit.log.suffix(2) == ["stop", "restart"])
        #expect(world.unit.isRunning && world.unit.isOn)
        #expect(world.lapsePath.isRunning && world.lapsePath.isOn)
        #expect(try world.tree() == before && !HostPlaces.exists(world.places.journal))
    }

    @Test("a wall that comes up at the very end is what is left")
    func lastWall() async throws {
        _ = try await install()
        let removed = try await world.remove([], [], InstallWorld.wall)
        #expect(removed.left == ["nftables holds 2 rules of ours"])
    }

    @Test(
        "a removal that was broken off is finished, but not under a wall or an order",
        arguments: ["nothing", "wall", "order"]
    )
    func brokenOff(standing: String) async throws {
        let before = try await install()
        try InstallJournal(
            phase: .removing,
            entries: [],
            holds: nil,
            folders: [],
            wasEnabled: true,
            wasActive: true,
            lapse: .init(wasEnabled: true, wasActive: true),
            state: "/var/lib/mitosis"
        ).write(world.places)
        if standing == "wall" { world.kernel.withLock { $0 = [InstallWorld.wall] } }
        if standing == "order" { try standOrder() }
        let journal = try #require(try InstallJournal.read(world.places))
        let reason = await refusal { try await world.installation().recover(journal) }
        #expect((reason == nil) == (standing == "nothing"), "\(reason ?? "-")")
        #expect(!HostPlaces.exists(world.places.journal))
        #expect(HostPlaces.exists(world.places.path(of: .key)) == (standing != "nothing"))
        #expect(world.unit.isRunning == (standing != "nothing"))
        #expect(world.lapsePath.isRunning == (standing != "nothing"))
        if standing == "wall" { #expect(try world.tree() == before) }
    }

    @Test("an agent that was removed in part and does not run again is told as such")
    func halfRemoved() async throws {
        _ = try await install()
        world.unit.failsNextRestart()
        do {
            _ = try await world.remove([], InstallWorld.wall)
            Issue.record("it was removed")
        } catch ProvisionFailure.failed(let reason, false) {
            #expect(reason.contains("a wall may stand") && reason.contains("does not start again"))
        }
        #expect(!HostPlaces.exists(world.places.journal))
    }

    @Test(
        "where no file of ours is any more, a wall and an order are seen nevertheless, and a state is removed"
    )
    func bare() async throws {
        let bare = try world.tree()
        let walled = await refusal { _ = try await world.remove(InstallWorld.wall) }
        #expect(walled?.contains("a wall may stand") == true)
        try standOrder()
        let ordered = await refusal { _ = try await world.remove([]) }
        #expect(ordered?.contains("orders/standing.json") == true)
        #expect(world.unit.log.isEmpty)
        try FileManager.default.removeItem(atPath: world.places.at("/var/lib/mitosis/orders"))
        let removed = try await world.remove([])
        #expect(removed.paths == [world.places.at("/var/lib/mitosis")] && removed.left == [])
        #expect(try await world.remove([]) == ProvisionReply.Removed(paths: [], left: []))
        #expect(try world.tree() == bare)
    }

    @Test(
        "a configuration that moves the state, or changes the backend, is refused while a wall or an order stands",
        arguments: [
            ("state: /var/lib/mitosis", "state: /srv/mitosis"),
            ("backend: nftables", "backend: iptables-nft"),
        ]
    )
    func moved(text: String, instead: String) async throws {
        let before = try await install()
        func configure() async throws -> ProvisionReply.Placed {
            try world.stage(world.configuration(text, instead))
            return try await world.install([.configuration], makesKey: false)
        }
        world.kernel.withLock { $0 = [InstallWorld.wall] }
        let walled = await refusal { _ = try await configure() }
        #expect(walled?.contains("a wall may stand") == true)
        #expect(try world.tree() == before)
        // Anything else may change.
        try world.stage(world.configuration("protected_ports: [22]", "protected_ports: [22, 80]"))
        #expect(try await world.install([.configuration], makesKey: false).left == nil)
        world.kernel.withLock { $0 = [[]] }
        try standOrder()
        let ordered = await refusal { _ = try await configure() }
        #expect(ordered?.contains("orders/standing.json") == true)
        try FileManager.default.removeItem(atPath: world.places.at("/var/lib/mitosis/orders/standing.json"))
        let placed = try await configure()
        #expect(placed.left == (text.hasPrefix("state") ? "/var/lib/mitosis" : nil))
        #expect(HostPlaces.exists(world.places.at("/var/lib/mitosis/lease.json")))
    }

    @Test("an agent.yaml that cannot be read is not replaced under a wall: where its state is, nobody knows")
    func unreadable() async throws {
        _ = try await install()
        try Data("host: [".utf8).write(to: URL(filePath: world.places.path(of: .configuration)))
        world.kernel.withLock { $0 = [InstallWorld.wall] }
        try world.stage()
        let walled = await refusal { _ = try await world.install([.configuration], makesKey: false) }
        #expect(walled?.contains("a wall may stand") == true)
        world.kernel.withLock { $0 = [[]] }
        try world.stage()
        #expect(try await world.install([.configuration], makesKey: false).files == [.configuration])
    }

    @Test(
        "what became of the rules is known also of the restart that ends an installation which was broken off"
    )
    func recoveredRules() async throws {
        for isIdentical in [true, false] {
            _ = try await install()
            var journal = try FilePlacing(places: world.places).begin(
                [],
                wasEnabled: true,
                wasActive: true,
                state: "/var/lib/mitosis"
            )
            journal.phase = .placed
            try journal.write(world.places)
            world.kernel.withLock { $0 = isIdentical ? [InstallWorld.wall] : [InstallWorld.wall, []] }
            let proof = try await world.installation().recover(journal)
            #expect(proof?.rulesBefore == 2 && proof?.isIdentical == isIdentical)
        }
    }
}
