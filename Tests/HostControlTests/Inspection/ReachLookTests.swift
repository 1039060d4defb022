import ControlProtocol
import Glibc
import SystemCalls
import Testing

@testable import HostControl

@Suite("What the agent's sandbox lets it reach")
struct ReachLookTests {
    let scratch: Scratch
    let path: String

    init() throws {
        scratch = try Scratch()
        for name in ["etc", "data"] { try scratch.directory(name) }
        path = try scratch.file("etc/zoo.cfg", [1])
    }

    private func reach() async -> [String?] {
        await ReachLook(files: [path]).reach(directories: [scratch("data")], process: getpid()).map(\.problem)
    }

    @Test(
        "files and directories that can be seen and written are no problem, nor is data that exists nowhere"
    )
    func reachable() async throws {
        #expect(await reach() == [nil, nil])
        try #require(rmdir(scratch("data")) == 0 && unlink(path) == 0)
        #expect(await reach() == [nil, nil])
        try #require(rmdir(scratch("etc")) == 0)
        #expect(await reach() == ["its directory does not exist", nil])
    }

    @Test(
        "a read-only mount is named, for a listed file as for data",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func readOnly() async throws {
        let places = ["etc", "data"].map { scratch($0) }
        for place in places {
            try #require(mount(place, place, "", UInt(MS_BIND), nil) == 0)
            try #require(mount("", place, "", UInt(MS_BIND | MS_REMOUNT | MS_RDONLY), nil) == 0)
        }
        defer { for place in places { umount(place) } }
        #expect(await reach() == places.map { "\($0) is read-only for the agent" })
    }

    @Test(
        "a directory that another one hides from the agent is named, though it looks like an empty one",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func hidden() async throws {
        let (place, file) = (scratch.path, path)
        // A mount namespace of one thread's own, gone with it, as systemd makes one for a service. The rest of this process
        // stands for the server.
        let problems = await BlockingThread.run { () -> [String?] in
            guard unshareMounts() == 0, mount("none", "/", "", UInt(MS_REC | MS_PRIVATE), nil) == 0,
                mount("tmpfs", place + "/data", "tmpfs", 0, "size=64k") == 0
            else { return [] }
            let covered = ReachLook.problem(ofDirectory: place + "/data", getpid())?.whole
            guard mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0 else { return [] }
            return [
                covered, ReachLook.problem(ofDirectory: place + "/data", getpid())?.whole,
                ReachLook.problem(ofFile: file, [], getpid())?.whole,
            ]
        }
        // Which of the two it names depends on whether the first process lets itself be looked into here.
        let expected = [
            "the agent sees something else at \(place)/data than the",
            "\(place)/data is hidden from the agent: the",
            "\(file) is hidden from the agent: the",
        ]
        try #require(problems.count == expected.count)
        for (problem, words) in zip(problems, expected) {
            #expect(problem?.hasPrefix(words) == true, "\(words)")
        }
    }

    @Test(
        "a path that the agent must not follow is named",
        .enabled(if: geteuid() == 0, "giving away needs root")
    )
    func refused() async throws {
        try #require(
            unlink(path) == 0 && symlink("/etc/shadow", path) == 0 && lchown(path, 12_345, 12_345) == 0
        )
        let problems = await reach()
        #expect(problems[0]?.contains("of user 12345 leads to something of user 0's") == true)
    }
}

private let (MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE) = (1, 32, 4096, 16384, 1 << 18)

/// `unshare(2)`, which the C library's overlay leaves out.
private func unshareMounts() -> Int32 {
    guard let symbol = dlsym(nil, "unshare") else { return -1 }
    typealias Function = @convention(c) (Int32) -> Int32
    let newNamespace: Int32 = 0x0002_0000
    return unsafeBitCast(symbol, to: Function.self)(newNamespace)
}
