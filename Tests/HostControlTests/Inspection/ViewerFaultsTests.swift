import ControlProtocol
import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import HostControl

/// What somebody may have put into a host's files is not told to whoever may only look.
@Suite("Faults of files, as a viewer is told of them")
struct ViewerFaultsTests {
    private static let secret = "s3cret"
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        for name in ["etc", "data", "data/version-2"] { try scratch.directory(name) }
    }

    /// As an agent sends it to a coordinator and to a viewer.
    private func sent(
        data: DataDirectory? = nil,
        reach: [PathReach]? = nil
    ) throws -> (whole: String, shown: String, seen: HostStatus) {
        let path = scratch("etc/zoo.cfg")
        let status = HostStatus(
            host: try #require(HostName("s1")),
            agentVersion: "1",
            protocolVersion: 1,
            clock: 5,
            agentStartedAt: 0,
            lease: LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil),
            rules: InstalledRules(
                backend: .nftables,
                wall: nil,
                closed: nil,
                count: 0,
                counters: [],
                listing: "",
                unreadable: nil,
                isWatched: nil
            ),
            zookeeper: data.map { data in
                ZooKeeperStatus(
                    service: "zookeeper",
                    state: .stopped,
                    processStartedAt: nil,
                    configPath: path,
                    file: FileInspection.absent(path, link: nil),
                    fileView: nil,
                    runningView: nil,
                    serving: .looking,
                    data: data,
                    peerSockets: nil,
                    diskFree: nil
                )
            },
            reach: reach
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let shown = try encoder.encode(status.forViewers)
        return (
            String(decoding: try encoder.encode(status), as: UTF8.self),
            String(decoding: shown, as: UTF8.self),
            try JSONDecoder().decode(HostStatus.self, from: shown)
        )
    }

    private func data(_ config: String) async throws -> DataDirectory {
        let path = try scratch.file("etc/zoo.cfg", Array(config.utf8))
        let looks = ServerLooks(stateDirectory: scratch("state"), files: [path])
        let question = ConfigLook.Question(path: path, allowed: [path], process: nil, isStopped: true)
        return await looks.data(await looks.config(question)).data
    }

    @Test(
        "of a bad line the file, the line and the kind of mistake, and nothing that stands there",
        arguments: [
            ("group.s3cret=1:2", "it makes this a hierarchical quorum"),
            ("server.s3cret=a:2888:3888", "it is no server line"),
            ("server.s3cret=a:1:2|b:1:2", "a server has several addresses"),
            (#"\ s3cret=1"#, "a key begins or ends with a blank"),
        ]
    )
    func line(_ line: String, _ kind: String) async throws {
        let sent = try sent(data: await data("tickTime=2000\n\(line)\n"))
        #expect(sent.whole.contains(Self.secret))
        #expect(!sent.shown.contains(Self.secret), "\(sent.shown)")
        let problem = "\(scratch("etc/zoo.cfg")), line 2: \(kind)"
        #expect(sent.seen.zookeeper?.data.problems.first == problem)
    }

    @Test("a bad value and a wrong myid are told to nobody")
    func values() async throws {
        let value = try sent(data: await data("tickTime=s3cret\n"))
        #expect(!value.whole.contains(Self.secret) && !value.shown.contains(Self.secret))
        #expect(value.shown.contains("line 1: the value of 'tickTime' is not a whole number"))
        try scratch.file("data/myid", Array(Self.secret.utf8))
        let number = try sent(data: await data("dataDir=\(scratch("data"))\n"))
        #expect(!number.whole.contains(Self.secret) && !number.shown.contains(Self.secret))
        #expect(number.seen.zookeeper?.data.problems == ["\(scratch("data/myid")) holds no number"])
    }

    @Test("of a bad name of a snapshot or a log what ZooKeeper reads of it, and the kind of fault")
    func names() async throws {
        for name in ["snapshot.5.s3cret", "snapshot.5.gz.s3cret", "log.7.s3cret"] {
            try scratch.file("data/version-2/" + name, [])
        }
        let sent = try sent(data: await data("dataDir=\(scratch("data"))\n"))
        #expect(
            sent.whole.contains("/version-2/snapshot.5.s3cret: ZooKeeper 3.4 and 3.5 pass over this name")
        )
        #expect(!sent.shown.contains(Self.secret), "\(sent.shown)")
        let problems = try #require(sent.seen.zookeeper?.data.problems)
        for name in ["snapshot.5.*", "log.7.*"] {
            let words = "\(scratch("data/version-2"))/\(name): ZooKeeper 3.4 and 3.5 pass over this name"
            #expect(problems.contains { $0.hasPrefix(words) }, "\(problems)")
        }
        // What servers write themselves has its name.
        for name in ["snapshot.1f", "snapshot.1f.gz", "snapshot.1f.tmp", "log.1f"] {
            #expect(DataFile(name: name, in: "/d")?.shownPath == "/d/" + name)
        }
    }

    @Test(
        "of a listed file that a link leads elsewhere the listed path, and not where it leads",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func reach() async throws {
        let place = scratch(Self.secret)
        try scratch.directory(Self.secret)
        try scratch.file("s3cret/zoo.cfg", [1])
        let path = scratch("etc/zoo.cfg")
        try #require(symlink(place + "/zoo.cfg", path) == 0)
        try #require(symlink(place, scratch("etc/data")) == 0)
        try #require(mount(place, place, "", UInt(4096), nil) == 0)
        defer { umount(place) }
        try #require(mount("", place, "", UInt(4096 | 32 | 1), nil) == 0)
        let found = await ReachLook(files: [path])
            .reach(directories: [scratch("etc/data")], process: getpid())
        let sent = try sent(reach: found)
        #expect(sent.whole.contains("\(place) is read-only for the agent"))
        #expect(!sent.shown.contains(Self.secret), "\(sent.shown)")
        #expect(
            sent.seen.reach?.map(\.problem)
                == [path, scratch("etc/data")].map {
                    "the place that \($0) leads to is read-only for the agent"
                }
        )
    }
}
