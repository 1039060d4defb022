import ControlProtocol
import Glibc
import Synchronization
import Testing
import Topology

@testable import HostControl

@Suite("Files that another account can put in place")
struct UntrustedFilesTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("links and pipes in a data directory are not read, and nothing of a file's text is told")
    func links() throws {
        try scratch.directory("data")
        try scratch.directory("data/version-2")
        let secret = try scratch.file("secret", Array("root:hash".utf8))
        try scratch.file("number", Array("7\n".utf8))
        try scratch.file("data/myid", Array("root:hash".utf8))
        try #require(symlink(scratch("number"), scratch("data/version-2/currentEpoch")) == 0)
        try #require(mkfifo(scratch("data/version-2/acceptedEpoch"), 0o644) == 0)
        try #require(symlink(secret, scratch("data/version-2/log.1")) == 0)
        try #require(mkfifo(scratch("data/version-2/snapshot.1"), 0o644) == 0)
        var reader = DataDirectoryReader()
        let found = reader.read(dataDir: scratch("data"), logDir: scratch("data"))
        #expect(found.currentEpoch == nil && found.acceptedEpoch == nil && found.lastZxid == nil)
        #expect(found.problems.count == 5)
        #expect(!found.problems.contains { $0.contains("hash") })
    }

    @Test("a record that claims more than 64 MiB is damage, not memory")
    func hugeRecord() throws {
        let head: [UInt8] = Array("ZKLG".utf8) + [0, 0, 0, 2] + [UInt8](repeating: 0, count: 8)
        let record: [UInt8] = [UInt8](repeating: 1, count: 8) + [0x7F, 0xFF, 0xFF, 0xFF]
        let log = try scratch.file("log.1", head + record)
        try #require(truncate(log, 3 << 30) == 0)
        #expect(try TransactionLog.scan(log).problem?.contains("a record of 2147483647 bytes") == true)
    }

    @Test("only allowed files are read, whatever path a process names")
    func allowed() throws {
        let allowed = try scratch.file("zoo.cfg", Array("dataDir=/x\n".utf8))
        let other = try scratch.file("other.cfg", Array("dataDir=/y\n".utf8))
        try scratch.directory("bin")
        let roundabout = scratch("bin/../zoo.cfg")
        #expect(ServerConfigFile.read(allowed, allowed: [allowed]).configuration?.dataDir == "/x")
        #expect(ServerConfigFile.read(roundabout, allowed: [allowed]).configuration?.dataDir == "/x")
        for path in [other, scratch("absent")] {
            let refused = ServerConfigFile.read(path, allowed: [allowed])
            #expect(refused.configuration == nil && refused.state.digest == nil)
            #expect(refused.problem?.whole.contains("not among the agent's files") == true)
        }
    }

    @Test("a disk that hangs costs a caller its patience, and later callers share one look")
    func hangingDisk() async throws {
        let look = SharedLook<Int>()
        let gate = Gate()
        let body: SharedLook<Int>.Body = {
            gate.pass()
            return 7
        }
        #expect(await look.value(within: .milliseconds(100), body) == nil)
        async let first = look.value(within: .seconds(20), body)
        async let second = look.value(within: .seconds(20), body)
        #expect(await look.value(within: .milliseconds(300), body) == nil)
        gate.open()
        #expect(await first == 7)
        #expect(await second == 7)
        #expect(await look.value(within: .seconds(20), body) == 7)
        // The one that hung, one for all who came meanwhile, one for the last.
        #expect(gate.passed == 3)
    }

    @Test(
        "a name server that is silent holds up whoever needs the name, and nobody else",
        .timeLimit(.minutes(10))
    )
    func slowNames() async throws {
        let scratch = try Scratch()
        let text = "dataDir=\(scratch.path)\nclientPort=2181\nclientPortAddress=slow.example\n"
        let gate = Gate()
        let inspector = ZooKeeperInspector(
            service: "zookeeper",
            configPath: try scratch.file("zoo.cfg", Array(text.utf8)),
            stateDirectory: scratch("state"),
            supervisor: KnownProcess(pid: getpid()),
            names: NameResolver { _ in
                gate.pass()
                return IPAddress("192.0.2.7")
            }
        )
        async let facts = inspector.facts()
        let begin = ContinuousClock.now
        while ContinuousClock.now - begin < .milliseconds(300) { await inspector.forgetState() }
        #expect(gate.passed == 0)
        gate.open()
        #expect(await facts.endpoint?.address == IPAddress("192.0.2.7"))
        #expect(gate.passed == 1)
    }

    @Test("a look that has ended leaves nobody asleep until its patience is over")
    func sleepers() async {
        var look: SharedLook<Int>? = SharedLook()
        #expect(await look?.value(within: .seconds(600)) { 7 } == 7)
        weak let left = look
        look = nil
        #expect(await eventually { left == nil })
    }
}

/// Holds threads up until it is opened.
private final class Gate: Sendable {
    private let state = Mutex((isOpen: false, passed: 0))

    var passed: Int { state.withLock { $0.passed } }

    func open() { state.withLock { $0.isOpen = true } }

    func pass() {
        while !state.withLock({ $0.isOpen }) { usleep(1000) }
        state.withLock { $0.passed += 1 }
    }
}
