import ControlProtocol
import Glibc
import Testing
import Topology

@testable import HostControl

/// Data directories, and what they are named by, are the server's account's.
@Suite("Links to data, of another account", .enabled(if: geteuid() == 0, "giving files away needs root"))
struct DataLinkTests {
    private static let user: uid_t = 12_345
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        for name in ["data", "ssd", "root"] { try scratch.directory(name) }
        for place in ["ssd", "root"] {
            try scratch.file("\(place)/snapshot.0", DataBytes.snapshot())
            try scratch.file("\(place)/log.1", DataBytes.log([1, 2]))
        }
        for name in ["data", "ssd", "ssd/snapshot.0", "ssd/log.1"] {
            try #require(chown(scratch(name), Self.user, Self.user) == 0)
        }
    }

    private func link(_ name: String, to target: String, owner: uid_t = user) throws {
        try #require(symlink(target, scratch(name)) == 0 && lchown(scratch(name), owner, owner) == 0)
    }

    private func read(files: Set<String> = []) -> DataDirectory {
        var reader = DataDirectoryReader(files: files)
        return reader.read(dataDir: scratch("data"), logDir: scratch("data"))
    }

    @Test("a version-2 that the account has linked to its own directory elsewhere is read")
    func ownDirectory() throws {
        try link("data/version-2", to: "../ssd")
        let found = read()
        #expect(found.lastZxid == Zxid(2) && found.problems.isEmpty, "\(found.problems)")
        #expect(try #require(DataSize.read(dataDir: scratch("data"), logDir: scratch("data"))) > 0)
        // And a whole data directory that root has linked.
        try link("linked", to: "data", owner: 0)
        var reader = DataDirectoryReader()
        #expect(reader.read(dataDir: scratch("linked"), logDir: scratch("linked")).lastZxid == Zxid(2))
    }

    @Test(
        "a version-2, or a data directory, that it has linked to one of root's is not, and not taken for empty"
    )
    func foreignDirectory() throws {
        try link("data/version-2", to: "../root")
        let found = read()
        #expect(found.lastZxid == nil && !found.isEmpty)
        #expect(
            found.problems.contains { $0.contains("of user 12345 leads to something of user 0's") },
            "\(found.problems)"
        )
        #expect(DataSize.read(dataDir: scratch("data"), logDir: scratch("data")) == nil)
        #expect(throws: FileError.self) {
            _ = try HistoryReader.presence(of: [Zxid(1)], dataDir: scratch("data"), logDir: scratch("data"))
        }
        try scratch.directory("root/version-2")
        try link("linked", to: "root")
        let run = try #require(RunID("r"))
        let copies = DataCopy(dataDir: scratch("linked"), logDir: scratch("linked"))
        #expect(throws: FileError.self) { _ = try copies.keep(run: run) }
        #expect(throws: FileError.self) { _ = try copies.setAside(run: run) }
        #expect(throws: FileError.self) { _ = try copies.discard(run: run) }
        #expect(try scratch.names(in: "root") == ["log.1", "snapshot.0", "version-2"])
    }

    @Test("a link that leads nowhere is no empty directory", arguments: ["data/version-2", "elsewhere"])
    func dangling(_ name: String) throws {
        try link(name, to: "nowhere")
        var reader = DataDirectoryReader()
        let path = name == "elsewhere" ? scratch("elsewhere") : scratch("data")
        let found = reader.read(dataDir: path, logDir: path)
        #expect(!found.isEmpty)
        #expect(found.problems == ["\(scratch(name)) is a link that leads nowhere"], "\(found.problems)")
    }

    @Test("a myid is read through a link to a file of its owner's, of root's making, or of the list's")
    func identity() throws {
        try scratch.directory("data/version-2")
        try scratch.file("root/myid", Array("7\n".utf8))
        try link("data/myid", to: "../root/myid", owner: 0)
        #expect(read().myid == 7)
        try #require(unlink(scratch("data/myid")) == 0)
        try link("data/myid", to: "../root/myid")
        let refused = read()
        #expect(refused.myid == nil && refused.problems.contains { $0.contains("list the file itself") })
        #expect(read(files: [scratch("root/myid")]).myid == 7)
        try #require(chown(scratch("root/myid"), Self.user, Self.user) == 0)
        #expect(read().myid == 7)
    }

    @Test(
        "a file that a process names by a link of its account's is not read because it leads to a listed path's twin"
    )
    func named() throws {
        let listed = try scratch.file("zoo.cfg", Array("dataDir=/x\n".utf8))
        let secret = try scratch.file("root/zoo.cfg", Array("dataDir=/secret\n".utf8), mode: 0o600)
        try link("data/zoo.cfg", to: listed)
        #expect(
            ServerConfigFile.read(scratch("data/zoo.cfg"), allowed: [listed]).configuration?.dataDir == "/x"
        )
        try #require(unlink(scratch("data/zoo.cfg")) == 0)
        try link("data/zoo.cfg", to: secret)
        let refused = ServerConfigFile.read(scratch("data/zoo.cfg"), allowed: [listed])
        #expect(refused.configuration == nil && refused.state.digest == nil)
        #expect(refused.problem?.whole.contains("not among the agent's files") == true)
        let mine = ServerConfigFile.read(scratch("data/zoo.cfg"), allowed: [listed, scratch("data/zoo.cfg")])
        #expect(
            mine.configuration == nil
                && mine.problem?.whole.contains("leads to something of user 0's") == true
        )
    }
}
