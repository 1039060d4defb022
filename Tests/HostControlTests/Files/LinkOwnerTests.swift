import ControlProtocol
import FoundationEssentials
import Glibc
import Testing

@testable import HostControl

/// The agent is root and the directory is another account's: where its links lead, the agent goes only if that account
/// could go there itself.
@Suite("Links that others than root make", .enabled(if: geteuid() == 0, "giving files away needs root"))
struct LinkOwnerTests {
    static let user: uid_t = 12_345
    static let secret = "digest=topsecret\n"

    let scratch: Scratch
    let path: String
    let files: ConfigFiles
    let run: RunID

    init() throws {
        scratch = try Scratch()
        try #require(chmod(scratch.path, 0o755) == 0)
        try scratch.directory("etc")
        try scratch.directory("root")
        try scratch.file("root/zoo.cfg", Array(Self.secret.utf8), mode: 0o600)
        path = scratch("etc/zoo.cfg")
        files = ConfigFiles(allowed: [path, scratch("etc/conf/zoo.cfg")], backups: scratch("backups"))
        run = try #require(RunID("run-1"))
        try give("etc")
    }

    private func give(_ name: String, to user: uid_t = user) throws {
        try #require(lchown(scratch(name), user, user) == 0)
    }

    /// A link of the account's.
    private func link(_ name: String, to target: String, owner: uid_t = user) throws {
        try #require(symlink(target, scratch(name)) == 0)
        try give(name, to: owner)
    }

    private func mode(_ name: String) throws -> (mode: mode_t, owner: uid_t) {
        var found = stat()
        try #require(lstat(scratch(name), &found) == 0)
        return (found.st_mode & 0o7777, found.st_uid)
    }

    /// Neither read nor written, and nothing of it told.
    private func expectRefused(_ path: String, saying words: String, secret: String = "root/zoo.cfg") throws {
        let before = try content(of: scratch(secret))
        let write = FileWrite(
            path: path,
            expected: ContentDigest.sha256(Data(before)),
            content: Data("mine\n".utf8)
        )
        let attempts: [() throws -> Void] = [
            { _ = try files.read(path) }, { _ = try files.state(of: path) },
            { _ = try files.write(write, run: run) },
        ]
        for attempt in attempts {
            let error = try #require(throws: FileError.self) { try attempt() }
            #expect(error.description.contains(words), "\(error)")
            #expect(!error.description.contains("topsecret"))
            guard case .refused = error else {
                Issue.record("\(error)")
                continue
            }
        }
        #expect(try content(of: scratch(secret)) == before)
        let names = try scratch.names(in: "root")
        #expect(names == ["zoo.cfg"])
    }

    @Test(
        "a link of the directory's owner to a file that only root may read is neither read nor written",
        arguments: ["absolute", "relative", "chained", "by root's link", "proc", "by its own directory"]
    )
    func secretFile(way: String) throws {
        switch way {
        case "absolute": try link("etc/zoo.cfg", to: scratch("root/zoo.cfg"))
        case "relative": try link("etc/zoo.cfg", to: "..//./etc/../root/zoo.cfg")
        case "chained":
            try link("etc/zoo.cfg", to: "next")
            try link("etc/next", to: "../root/zoo.cfg")
        case "by root's link":
            try link("etc/zoo.cfg", to: "../roots")
            try link("roots", to: "root/zoo.cfg", owner: 0)
        case "proc": try link("etc/zoo.cfg", to: "/proc/self/root" + scratch("root/zoo.cfg"))
        default:
            try scratch.directory("etc/sub")
            try give("etc/sub")
            try link("etc/zoo.cfg", to: "sub/../../root/zoo.cfg")
        }
        try expectRefused(path, saying: "of user 12345 leads to something of user 0's")
    }

    @Test("nor is one that everybody may read, or another account's")
    func foreignFile() throws {
        try link("etc/zoo.cfg", to: "../root/zoo.cfg")
        try #require(chmod(scratch("root/zoo.cfg"), 0o644) == 0)
        try expectRefused(path, saying: "of user 12345 leads to something of user 0's")
        try give("root/zoo.cfg", to: 54_321)
        try expectRefused(path, saying: "of user 12345 leads to something of user 54321's")
        // Least of all by a link that is nobody's but another's.
        try give("root/zoo.cfg")
        try give("etc/zoo.cfg", to: 54_321)
        try expectRefused(path, saying: "of user 54321 leads to something of user 12345's")
    }

    @Test("a link on the way is judged like one at its end")
    func directoryLink() throws {
        try link("etc/conf", to: "../root")
        try expectRefused(scratch("etc/conf/zoo.cfg"), saying: "the symbolic link \(scratch("etc/conf"))")
        // Nothing is made there either.
        try #require(unlink(scratch("root/zoo.cfg")) == 0)
        let write = FileWrite(path: scratch("etc/conf/zoo.cfg"), expected: nil, content: Data([1]))
        #expect(throws: FileError.self) { _ = try files.write(write, run: run) }
        #expect(try scratch.names(in: "root").isEmpty)
    }

    @Test("a hard link to a file of root's is refused, one to the account's own file is not")
    func hardLink() throws {
        try #require(Glibc.link(scratch("root/zoo.cfg"), path) == 0)
        try expectRefused(path, saying: "has other names (hard links) and belongs to user 0")
        try #require(chmod(path, 0o644) == 0)
        try expectRefused(path, saying: "has other names (hard links) and belongs to user 0")
        try #require(unlink(path) == 0)
        try scratch.file("etc/own", [1])
        try give("etc/own")
        try #require(Glibc.link(scratch("etc/own"), path) == 0)
        #expect(try files.read(path).content == Data([1]))
    }

    @Test("what root has hidden in the account's directory is not read because it was renamed")
    func renamed() throws {
        try scratch.file("etc/hidden", Array(Self.secret.utf8), mode: 0o600)
        try #require(rename(scratch("etc/hidden"), path) == 0)
        let error = try #require(throws: FileError.self) { _ = try files.read(path) }
        #expect(error.description.contains("may be read by root alone"))
        try #require(chmod(path, 0o644) == 0)
        #expect(try files.read(path).content == Data(Self.secret.utf8))
        // Nor a link of root's that the directory's owner gave another name.
        try #require(unlink(path) == 0)
        try link("etc/zoo.cfg", to: scratch("root/zoo.cfg"), owner: 0)
        try expectRefused(path, saying: "others than root can move it")
    }

    @Test("what root and the account themselves have linked is followed, and stays linked")
    func legitimate() throws {
        // As Debian's package has it: links of root's in directories of root's, over two others.
        try scratch.directory("alternatives")
        try scratch.directory("conf_example")
        try scratch.file("conf_example/zoo.cfg", [1])
        try link("alternatives/conf", to: scratch("conf_example"), owner: 0)
        try link("conf", to: scratch("alternatives/conf"), owner: 0)
        // A link of the account's to a file of its own, wherever that is, and one of root's to a file of the account's.
        try scratch.file("root/own.cfg", [1], mode: 0o600)
        try give("root/own.cfg")
        try link("etc/own.cfg", to: "../root/own.cfg")
        try link("roots.cfg", to: "root/own.cfg", owner: 0)
        // The myid of Debian's package: root's link in the account's directory to a file that everybody may read.
        try scratch.file("root/myid", [1])
        try link("etc/myid", to: "../root/myid", owner: 0)
        let names = ["conf/zoo.cfg", "etc/own.cfg", "roots.cfg", "etc/myid"]
        let wide = ConfigFiles(allowed: names.map { scratch($0) }, backups: scratch("backups"))
        for (name, target) in zip(
            names,
            ["conf_example/zoo.cfg", "root/own.cfg", "root/own.cfg", "root/myid"]
        ) {
            let before = try mode(target)
            let write = FileWrite(
                path: scratch(name),
                expected: ContentDigest.sha256(Data([1])),
                content: Data([2])
            )
            _ = try wide.write(write, run: run)
            #expect(try content(of: scratch(target)) == [2], "\(name)")
            #expect(try mode(target) == before, "\(name)")
            _ = try wide.restore(FileRestore(path: scratch(name)), run: run)
            #expect(try wide.read(scratch(name)).content == Data([1]), "\(name)")
        }
    }

    @Test("a link of the account's leads to what the agent's list names, and to nothing beside it")
    func listed() throws {
        try scratch.file("root/listed.cfg", [1])
        try link("etc/zoo.cfg", to: "../root/listed.cfg")
        let wide = ConfigFiles(allowed: [path, scratch("root/listed.cfg")], backups: scratch("backups"))
        #expect(try wide.read(path).content == Data([1]))
        #expect(throws: FileError.self) { _ = try files.read(path) }
        try #require(unlink(path) == 0)
        try link("etc/zoo.cfg", to: "../root/zoo.cfg")
        #expect(throws: FileError.self) { _ = try wide.read(path) }
    }

    @Test("a loop of links, and one in a file's place, are errors and no endless walk")
    func loops() throws {
        try link("etc/zoo.cfg", to: "other")
        try link("etc/other", to: "zoo.cfg")
        #expect(throws: FileError.self) { _ = try files.read(path) }
        try #require(unlink(path) == 0)
        try scratch.file("etc/conf", [1])
        #expect(throws: FileError.self) { _ = try files.read(scratch("etc/conf/zoo.cfg")) }
    }
}
