import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import Testing

@testable import AgentServer

/// What makes ZooKeeper's unit ask, and what undoes a division without the agent, below a folder in place of `/`.
@Suite("Units beside the agent's, on their host", .timeLimit(.minutes(10)))
struct HoldPlacingTests {
    private let world: InstallWorld

    init() throws { world = try InstallWorld() }

    private func hold() throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: world.hold)), as: UTF8.self)
    }

    private func place(_ text: String, _ instead: String) async throws -> ProvisionReply.Placed {
        try world.stage(world.configuration(text, instead))
        return try await world.install([.configuration], makesKey: false)
    }

    private func makeByHand(_ text: String) throws {
        let folder = world.places.units + "/zookeeper.service.d"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: world.hold))
    }

    @Test("the unit is let ask where agent.yaml says so, once; without the word ours goes, and its folder")
    func wanted() async throws {
        try world.stage()
        let placed = try await world.install()
        #expect(placed.holds == [world.hold])
        #expect(try hold().contains("--hold-check"))
        var found = stat()
        try #require(lstat(world.hold, &found) == 0)
        #expect(found.st_mode & 0o7777 == 0o644 && found.st_uid == geteuid())
        let look = UnitsLook(places: world.places)
        #expect(try look.facts().isEmpty)
        #expect(try await place("hold: true", "hold: true").holds == [])
        #expect(try await place(", hold: true", "").holds == [world.hold])
        #expect(!HostPlaces.exists(world.places.units + "/zookeeper.service.d"))
        #expect(world.unit.log.filter { $0 == "reload" }.count == 3)
    }

    @Test("a unit of another name takes the drop-in with it")
    func renamed() async throws {
        try world.stage()
        _ = try await world.install()
        let placed = try await place("zookeeper.service", "zk@1.service")
        #expect(placed.holds == [world.places.hold(of: "zk@1.service"), world.hold])
        #expect(!HostPlaces.exists(world.hold))
        #expect(HostPlaces.exists(world.places.hold(of: "zk@1.service")))
    }

    @Test(
        "one that was made by hand is left, wanted or not, and after an uninstall; one that asks nothing is refused where it is wanted"
    )
    func handMade() async throws {
        let text = HoldDropIn(unit: "zookeeper.service", state: "/var/lib/mitosis").text
        try makeByHand(text)
        try world.stage()
        #expect(try await world.install().holds == [])
        #expect(try hold() == text)
        #expect(try await place(", hold: true", "").holds == [])
        #expect(try hold() == text)
        let removed = try await world.remove([])
        #expect(removed.left.isEmpty, "\(removed.left)")
        #expect(try hold() == text)
        try makeByHand("[Service]\nNice=1\n")
        let before = try world.tree()
        try world.stage()
        await #expect(throws: ProvisionFailure.self) { try await world.install() }
        #expect(try world.tree() == before)
    }

    @Test(
        "what is not as agent.yaml wants it is told to a look, and mended by a repetition that brings nothing"
    )
    func stale() async throws {
        try world.stage()
        _ = try await world.install()
        let before = try world.tree()
        let look = UnitsLook(places: world.places)
        try #require(unlink(world.hold) == 0)
        try Data("[Path]\n".utf8).write(to: URL(filePath: world.places.path(of: .lapsePath)))
        // As on a host that an earlier version has installed.
        try #require(unlink(world.places.path(of: .lapseDropIn)) == 0)
        #expect(
            try look.facts() == [
                "fact stale \(world.places.path(of: .lapsePath))",
                "fact stale \(world.places.path(of: .lapseDropIn))", "fact stale \(world.hold)",
            ]
        )
        try world.stage([:])
        let placed = try await world.install([], makesKey: false)
        #expect(!placed.restarted && placed.files == [.lapsePath, .lapseDropIn])
        #expect(try world.tree() == before)
        try HoldPlacing(places: world.places).put(
            HoldDropIn.Author.agents.firstLine + "\n",
            at: "former.service"
        )
        #expect(try look.facts() == ["fact surplus \(world.places.hold(of: "former.service"))"])
    }

    @Test("an agent that does not start leaves drop-in and path unit as they were")
    func undone() async throws {
        try world.stage()
        _ = try await world.install()
        let before = try world.tree()
        try world.stage(world.configuration(", hold: true", ""))
        world.unit.failsNextRestart()
        await #expect(throws: ProvisionFailure.self) {
            try await world.install([.configuration], makesKey: false)
        }
        #expect(try world.tree() == before)
        #expect(world.lapsePath.isOn && world.lapsePath.isRunning)
    }

    @Test("a package's units are not written a second time, unless the state lies elsewhere")
    func packaged() async throws {
        let folder = world.places.at("/usr/lib/systemd/system")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for file in [ProvisionedFile.lapsePath, .lapseService] {
            let text = try Data(contentsOf: URL(filePath: Repository.path("deploy/" + file.rawValue)))
            try text.write(to: URL(filePath: "\(folder)/\(file.rawValue)"))
        }
        try world.stage()
        let placed = try await world.install()
        #expect(!placed.files.contains(.lapsePath) && !placed.files.contains(.lapseService))
        #expect(!HostPlaces.exists(world.places.path(of: .lapsePath)))
        #expect(world.lapsePath.isRunning)
        let moved = try await place("state: /var/lib/mitosis", "state: /srv/mitosis")
        #expect(moved.files.contains(.lapsePath) && moved.files.contains(.lapseService))
    }

    @Test("an agent.yaml that wants a hold under another supervisor is refused")
    func command() throws {
        let yaml = try #require(world.standard[.configuration])
        let path = world.directory.path + "/other.yaml"
        let other = yaml.replacing(
            "{manager: systemd, allow: [zookeeper.service]}",
            with: "{manager: command, commands: {zookeeper.service: {start: [/a], stop: [/a], status: [/a]}}}"
        )
        try Data(other.utf8).write(to: URL(filePath: path))
        #expect(throws: AgentServerError.self) { try AgentConfigurationReader.read(path: path) }
        try Data(other.replacing(", hold: true", with: "").utf8).write(to: URL(filePath: path))
        #expect(try AgentConfigurationReader.read(path: path).zookeeper?.isHeld == false)
    }
}
