import CertificateAuthority
import ControlProtocol
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import AgentServer
@testable import HostControl
@testable import MutualTLS

/// A host's side of an installation, below a folder in place of `/`, with a service manager that only remembers.
@Suite("An installation on its host", .timeLimit(.minutes(10)))
struct InstallationTests {
    private let world: InstallWorld

    init() throws { world = try InstallWorld() }

    @Test(
        "files take their places, the key is made here and only its owner's, the unit is enabled and started"
    )
    func place() async throws {
        try world.stage()
        let placed = try await world.install()
        #expect(Set(placed.files) == Set(ProvisionedFile.allCases))
        #expect(placed.restarted && placed.fingerprint?.count == 64)
        for file in ProvisionedFile.allCases {
            #expect(try world.mode(of: file) == file.mode, "\(file)")
        }
        #expect(world.unit.log == ["reload", "enable", "restart"])
        #expect(world.lapsePath.log == ["enable", "restart"] && world.lapseService.log.isEmpty)
        #expect(!HostPlaces.exists(world.places.journal) && !HostPlaces.exists(world.places.staging))
        // Again with nothing to place but a new binary: the key stays.
        let key = try world.content(of: .key)
        try world.stage([.binary: "newer"])
        _ = try await world.install([.binary], makesKey: false)
        #expect(try world.content(of: .key) == key && world.content(of: .binary) == "newer")
    }

    @Test("a file that did not arrive as it was sent changes nothing")
    func damaged() async throws {
        try world.stage()
        let before = try world.tree()
        try Data("cut".utf8).write(to: URL(filePath: world.places.staged(.binary)))
        await #expect(throws: ProvisionFailure.self) {
            try await world.install(digests: ["mitosis-agent": "0"])
        }
        #expect(try world.tree() == before)
    }

    @Test(
        "a certificate for another host, or for another key, changes nothing",
        arguments: ["agent/s2", "otherKey"]
    )
    func wrongCertificate(kind: String) async throws {
        try world.stage()
        let before = try world.tree()
        await #expect(throws: ProvisionFailure.self) { try await world.install(granting: kind) }
        #expect(try world.tree() == before)
        #expect(world.unit.log.isEmpty)
    }

    @Test("a unit that does not start brings back what was there, running as it ran")
    func doesNotStart() async throws {
        try world.stage()
        _ = try await world.install()
        let before = try world.tree()
        try world.stage([.binary: "broken"])
        world.unit.failsNextRestart()
        await #expect(throws: ProvisionFailure.self) { try await world.install([.binary], makesKey: false) }
        #expect(try world.tree() == before)
        #expect(world.unit.isRunning && world.unit.isOn)
    }

    @Test("on a bare host a unit that does not start leaves nothing")
    func bareAgain() async throws {
        let bare = try world.tree()
        try world.stage()
        world.unit.failsNextRestart()
        await #expect(throws: ProvisionFailure.self) { try await world.install() }
        #expect(try world.tree() == bare)
        #expect(!world.unit.isRunning && !world.unit.isOn)
        #expect(!world.lapsePath.isRunning && !world.lapsePath.isOn)
    }

    @Test(
        "a crash while files take their places is undone by the next run, whichever of them were placed",
        arguments: 0...ProvisionedFile.allCases.count
    )
    func crashWhilePlacing(count: Int) async throws {
        try world.stage()
        _ = try await world.install()
        let before = try world.tree()
        let files = ProvisionedFile.allCases
        try world.stage(Dictionary(uniqueKeysWithValues: files.map { ($0, "new \($0)") }))
        let placing = FilePlacing(places: world.places)
        let former = try String(contentsOf: URL(filePath: world.hold), encoding: .utf8)
        let journal = try placing.begin(
            files,
            holds: [
                .init(unit: "zookeeper.service", former: former, text: nil),
                .init(unit: "other.service", former: nil, text: "other"),
            ],
            wasEnabled: true,
            wasActive: true,
            lapse: .init(wasEnabled: true, wasActive: true),
            state: "/var/lib/mitosis"
        )
        let part = InstallJournal(
            phase: .placing,
            entries: Array(journal.entries.prefix(count)),
            holds: journal.holds.map { Array($0.prefix(max(0, count - files.count + 2))) },
            folders: journal.folders,
            wasEnabled: true,
            wasActive: true,
            lapse: journal.lapse,
            state: journal.state
        )
        try placing.place(part)
        try HoldPlacing(places: world.places).place(part)
        let found = try #require(try InstallJournal.read(world.places))
        #expect(found == journal)
        try await world.installation().recover(found)
        #expect(try world.tree() == before)
    }

    @Test(
        "a crash after all files are in place is finished by the next run, or undone when the unit does not start",
        arguments: [true, false]
    )
    func crashWhenPlaced(starts: Bool) async throws {
        let bare = try world.tree()
        try world.stage(
            world.standard.merging([
                .key: "k", .certificate: "c", .dropIn: "d", .lapsePath: "p", .lapseService: "s",
                .lapseDropIn: "l",
            ]) { first, _ in first }
        )
        let placing = FilePlacing(places: world.places)
        var journal = try placing.begin(
            ProvisionedFile.allCases,
            holds: [.init(unit: "zookeeper.service", former: nil, text: "h")],
            wasEnabled: false,
            wasActive: false,
            lapse: .init(wasEnabled: false, wasActive: false),
            state: "/s"
        )
        try placing.place(journal)
        try HoldPlacing(places: world.places).place(journal)
        journal.phase = .placed
        try journal.write(world.places)
        if !starts { world.unit.failsNextRestart() }
        try await world.installation().recover(try #require(try InstallJournal.read(world.places)))
        #expect(world.unit.isRunning == starts && world.unit.isOn == starts)
        #expect(world.lapsePath.isRunning == starts && world.lapsePath.isOn == starts)
        if starts {
            #expect(try world.content(of: .key) == "k")
        } else {
            #expect(try world.tree() == bare)
        }
        #expect(!HostPlaces.exists(world.places.journal))
    }

    @Test("a damaged journal is told and touched by nobody")
    func damagedJournal() throws {
        try world.stage()
        let placing = FilePlacing(places: world.places)
        _ = try placing.begin([.binary], wasEnabled: false, wasActive: false, state: "/s")
        var bytes = try Data(contentsOf: URL(filePath: world.places.journal))
        bytes[bytes.count - 4] ^= 1
        try bytes.write(to: URL(filePath: world.places.journal))
        #expect(throws: ProvisionFailure.self) { try InstallJournal.read(world.places) }
    }

    @Test("a removal leaves nothing of ours, names what is not ours, and can be repeated")
    func removal() async throws {
        let bare = try world.tree()
        try world.stage()
        _ = try await world.install()
        try world.leaveState()
        let foreign = world.places.at("/etc/mitosis/notes.txt")
        try Data("mine".utf8).write(to: URL(filePath: foreign))
        let first = try await world.remove([])
        #expect(first.left.count == 1 && first.left[0].contains("/etc/mitosis:"), "\(first.left)")
        #expect(HostPlaces.exists(foreign))
        try FileManager.default.removeItem(atPath: foreign)
        let second = try await world.remove([])
        #expect(second.left.isEmpty)
        #expect(try world.tree() == bare)
        #expect(!world.unit.isRunning && !world.unit.isOn)
        #expect(!world.lapsePath.isRunning && !world.lapsePath.isOn)
    }

    @Test("a removal is refused while any backend holds a rule of ours, or cannot be read")
    func walled() async throws {
        try world.stage()
        _ = try await world.install()
        let before = try world.tree()
        let standing = LocalRules.Backend(backend: .nftables, finding: .rules(count: 2, listing: "x"))
        let unread = LocalRules.Backend(
            backend: .iptablesLegacy,
            finding: .unreadable(.timedOut(command: "iptables", seconds: 1))
        )
        for found in [standing, unread] {
            await #expect(throws: ProvisionFailure.self) { try await world.remove([found]) }
        }
        #expect(try world.tree() == before)
        #expect(world.unit.isRunning)
    }

    @Test("a removal is refused while an order is on the disk, also one that cannot be read")
    func ordered() async throws {
        try world.stage()
        _ = try await world.install()
        let folder = world.places.at("/var/lib/mitosis") + "/orders"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("damaged".utf8).write(to: URL(filePath: folder + "/standing.json"))
        await #expect(throws: ProvisionFailure.self) { try await world.remove([]) }
        #expect(HostPlaces.exists(folder + "/standing.json"))
        #expect(world.unit.isRunning)
    }

    @Test("rules that change while the agent restarts are seen, counters that count are not a change")
    func rules() async throws {
        func watch(_ texts: [String]) async throws -> RulesProof {
            let rest = Mutex(texts)
            let watch = RulesWatch {
                let text = rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
                return [LocalRules.Backend(backend: .nftables, finding: .rules(count: 1, listing: text))]
            }
            return try await watch.around { () async throws(ServiceError) in
                while rest.withLock({ $0.count > 1 }) { await Task.yield() }
            }
        }
        let same = try await watch(["drop counter packets 1 bytes 2", "drop counter packets 9 bytes 99"])
        #expect(same.isIdentical && same.rulesBefore == 1)
        #expect(try await !watch(["drop", "accept", "drop"]).isIdentical)
        #expect(try await !watch(["drop", "accept"]).isIdentical)
    }
}
