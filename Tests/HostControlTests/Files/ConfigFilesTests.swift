import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import Testing

@Suite("Configuration files")
struct ConfigFilesTests {
    let scratch: Scratch
    let path: String
    let files: ConfigFiles
    let run: RunID

    init() throws {
        scratch = try Scratch()
        path = scratch("zoo.cfg")
        files = ConfigFiles(allowed: [path, scratch("link.cfg")], backups: scratch("backups"))
        run = try #require(RunID("run-1"))
    }

    private func write(_ path: String, from old: [UInt8]?, to new: [UInt8]) throws -> FileState {
        try files.write(
            FileWrite(
                path: path,
                expected: old.map { ContentDigest.sha256(Data($0)) },
                content: Data(new)
            ),
            run: run
        )
    }

    @Test(
        "every byte survives a write and comes back on restore",
        arguments: [
            Array("a=1\r\nb=2\r\n".utf8), Array("no newline at the end".utf8),
            [0xE9, 0x0A, 0xFF, 0x00, 0x0A], [],
        ]
    )
    func byteExact(original: [UInt8]) throws {
        try scratch.file("zoo.cfg", original)
        let new = original.reversed() + [0xFC, 0x0D]
        let state = try write(path, from: original, to: new)
        #expect(try content(of: path) == new)
        #expect(state.digest == ContentDigest.sha256(Data(new)))
        #expect(try [UInt8](#require(files.read(path).content)) == new)
        let restored = try files.restore(FileRestore(path: path), run: run)
        #expect(try content(of: path) == original)
        #expect(restored.digest == ContentDigest.sha256(Data(original)))
        #expect(try scratch.names() == ["backups", "zoo.cfg"])
    }

    @Test(
        "a file as it was before a run is handed out as long as the run's backup is kept, and no other file"
    )
    func original() throws {
        try scratch.file("zoo.cfg", [1, 2], mode: 0o640)
        #expect(throws: FileError.self) { try files.original(of: path, run: run) }
        _ = try write(path, from: [1, 2], to: [3])
        _ = try write(path, from: [3], to: [4])
        let found = try files.original(of: path, run: run)
        #expect(found.content == Data([1, 2]) && found.state.mode == 0o640)
        #expect(found.state.digest == ContentDigest.sha256(Data([1, 2])))
        let other = try #require(RunID("run-2"))
        #expect(throws: FileError.self) { try files.original(of: path, run: other) }
        #expect(throws: FileError.self) { try files.original(of: "/etc/shadow", run: run) }
        #expect(try content(of: path) == [4])
    }

    @Test("owner, group and mode stay, and come back even if they were changed since")
    func attributes() throws {
        try scratch.file("zoo.cfg", [1], mode: 0o640)
        try #require(chown(path, 1234, 5678) == 0)
        let state = try write(path, from: [1], to: [2])
        #expect(state.mode == 0o640)
        #expect(state.owner == 1234)
        #expect(state.group == 5678)
        try #require(chown(path, 0, 0) == 0 && chmod(path, 0o777) == 0)
        let restored = try files.restore(FileRestore(path: path), run: run)
        #expect((restored.mode, restored.owner, restored.group) == (0o640, 1234, 5678))
    }

    @Test("a symbolic link stays one and its target is what changes")
    func symlinkKept() throws {
        let target = try scratch.file("real.cfg", [1])
        let link = scratch("link.cfg")
        try #require(symlink("real.cfg", link) == 0)
        let state = try write(link, from: [1], to: [2])
        #expect(state.symlinkTarget == "real.cfg")
        #expect(try content(of: target) == [2])
        // Somebody replaces the link by a plain file, and the target is lost.
        try #require(unlink(link) == 0 && unlink(target) == 0)
        try scratch.file("link.cfg", [9])
        let restored = try files.restore(FileRestore(path: link), run: run)
        #expect(restored.symlinkTarget == "real.cfg")
        #expect(try content(of: target) == [1])
        #expect(try scratch.names() == ["backups", "link.cfg", "real.cfg"])
    }

    @Test("a file that became a link is a file again after a restore, and the link's target is left alone")
    func linkInPlaceOfFile() throws {
        try scratch.file("zoo.cfg", [1])
        _ = try write(path, from: [1], to: [2])
        let other = try scratch.file("other.cfg", [7])
        try #require(unlink(path) == 0 && symlink(other, path) == 0)
        let restored = try files.restore(FileRestore(path: path), run: run)
        #expect(restored.symlinkTarget == nil)
        #expect(try content(of: path) == [1])
        #expect(try content(of: other) == [7])
    }

    @Test("a file that somebody else changed is left alone, and both digests are named")
    func conflict() throws {
        try scratch.file("zoo.cfg", [3])
        let error = try #require(throws: FileError.self) { _ = try write(path, from: [1], to: [2]) }
        #expect(
            error
                == .refused(
                    .fileChanged(
                        path: path,
                        expected: ContentDigest.sha256(Data([1])),
                        found: ContentDigest.sha256(Data([3]))
                    )
                )
        )
        #expect(error.description.contains(ContentDigest.sha256(Data([1]))))
        #expect(error.description.contains(ContentDigest.sha256(Data([3]))))
        #expect(try content(of: path) == [3])
        // No backup either: this run wrote nothing.
        #expect(throws: FileError.self) { try files.restore(FileRestore(path: path), run: run) }
    }

    @Test("a file that is there is not overwritten by a write that expects none, nor the other way round")
    func presenceConflict() throws {
        #expect(
            throws: FileError.refused(
                .fileChanged(path: path, expected: ContentDigest.sha256(Data([1])), found: nil)
            )
        ) {
            try write(path, from: [1], to: [2])
        }
        #expect(try scratch.names() == ["backups"])
        try scratch.file("zoo.cfg", [3])
        #expect(throws: FileError.self) { try write(path, from: nil, to: [2]) }
        #expect(try content(of: path) == [3])
    }

    @Test("repeating a write whose reply was lost succeeds and keeps the first backup")
    func repeated() throws {
        try scratch.file("zoo.cfg", [1])
        let first = try write(path, from: [1], to: [2])
        let again = try write(path, from: [1], to: [2])
        #expect(first == again)
        _ = try write(path, from: [2], to: [3])
        _ = try files.restore(FileRestore(path: path), run: run)
        let restored = try files.restore(FileRestore(path: path), run: run)
        #expect(try content(of: path) == [1])
        // The second restore touched nothing.
        #expect(try files.state(of: path) == restored)
    }

    @Test("a new file belongs to its directory's owner and is removed again by a restore")
    func newFile() throws {
        try #require(chown(scratch.path, 1234, 5678) == 0)
        let state = try write(path, from: nil, to: [2])
        #expect((state.mode, state.owner, state.group) == (0o644, 1234, 5678))
        let restored = try files.restore(FileRestore(path: path), run: run)
        #expect(restored.digest == nil)
        #expect(try scratch.names() == ["backups"])
        #expect(try files.restore(FileRestore(path: path), run: run) == restored)
    }

    @Test("each run restores to what it found itself")
    func runs() throws {
        try scratch.file("zoo.cfg", [1])
        _ = try write(path, from: [1], to: [2])
        let second = try #require(RunID("run-2"))
        let expected = ContentDigest.sha256(Data([2]))
        _ = try files.write(FileWrite(path: path, expected: expected, content: Data([3])), run: second)
        _ = try files.restore(FileRestore(path: path), run: second)
        #expect(try content(of: path) == [2])
        _ = try files.restore(FileRestore(path: path), run: run)
        #expect(try content(of: path) == [1])
    }

    @Test(
        "only plain absolute paths of the list are touched",
        arguments: ["/etc/passwd", "zoo.cfg", "", "/", "//etc/passwd", "/tmp/", "/tmp/./a"]
    )
    func notAllowed(path: String) throws {
        #expect(throws: FileError.self) { try files.read(path) }
        #expect(throws: FileError.self) { try write(path, from: nil, to: [1]) }
        #expect(throws: FileError.self) { try files.restore(FileRestore(path: path), run: run) }
    }

    @Test("a path with '..' is refused although it leads to an allowed file")
    func dots() throws {
        try scratch.file("zoo.cfg", [1])
        try scratch.directory("sub")
        let around = scratch("sub/../zoo.cfg")
        let wide = ConfigFiles(allowed: [around], backups: scratch("backups"))
        let error = try #require(throws: FileError.self) { try wide.read(around) }
        #expect(error == .refused(.invalid(reason: "'\(around)' is not a plain absolute path")))
    }
}
