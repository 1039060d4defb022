import Glibc
import SystemCalls
import Testing

@Suite("Files that survive a crash")
struct DurableFileTests {
    private static let limit = 1 << 20

    private func text(_ path: String) throws -> String {
        String(decoding: try BoundedFile(reading: path, limit: Self.limit).bytes, as: UTF8.self)
    }

    @Test("a replaced file has the new content and mode, and nothing else is left beside it")
    func replaces() throws {
        let folder = try Folder()
        try DurableFile.replace(folder("a"), with: Array("old".utf8))
        try DurableFile.replace(folder("a"), with: Array("new".utf8), mode: 0o640)
        let file = try BoundedFile(reading: folder("a"), limit: Self.limit)
        #expect(String(decoding: file.bytes, as: UTF8.self) == "new")
        #expect(file.status.st_mode & 0o7777 == 0o640)
        #expect(try folder.names == ["a"])
    }

    @Test("what an interrupted replacement left, even a link, is removed and never followed")
    func leftover() throws {
        let folder = try Folder()
        try DurableFile.replace(folder("victim"), with: Array("kept".utf8))
        try #require(symlink("victim", folder("a.new")) == 0)
        try DurableFile.replace(folder("a"), with: Array("new".utf8))
        #expect(try text(folder("a")) == "new")
        #expect(try text(folder("victim")) == "kept")
        #expect(try folder.names == ["a", "victim"])
    }

    @Test("a replacement that does not take the place leaves the old content, and nothing beside it")
    func abandoned() throws {
        let folder = try Folder()
        try DurableFile.replace(folder("a"), with: Array("old".utf8))
        let directory = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        do {
            let replacement = try FileReplacement(
                as: ".draft",
                in: directory,
                content: Array("new".utf8),
                mode: 0o600
            )
            #expect(try folder.names == [".draft", "a"])
            _ = replacement
        }
        #expect(try folder.names == ["a"])
        #expect(try text(folder("a")) == "old")
    }

    @Test("a directory in the place of the file is refused by the step that met it, and nothing is left")
    func inTheWay() throws {
        let folder = try Folder()
        try #require(mkdir(folder("a"), 0o700) == 0)
        #expect(throws: SystemCallError(call: "rename", code: EISDIR)) {
            try DurableFile.replace(folder("a"), with: [1])
        }
        #expect(try folder.names == ["a"])
        #expect(throws: SystemCallError(call: "create", code: ENOENT)) {
            try DurableFile.replace(folder("absent/a"), with: [1])
        }
    }

    @Test(
        "a file is read up to its limit, and a FIFO, a directory and a link that must not be one are refused"
    )
    func bounded() throws {
        let folder = try Folder()
        try DurableFile.replace(folder("a"), with: [1, 2, 3])
        #expect(try BoundedFile(reading: folder("a"), limit: 3).bytes == [1, 2, 3])
        #expect(throws: BoundedFile.Failure.tooLarge) { try BoundedFile(reading: folder("a"), limit: 2) }
        try #require(mkfifo(folder("fifo"), 0o600) == 0 && symlink("a", folder("link")) == 0)
        for name in ["fifo", "."] {
            #expect(throws: BoundedFile.Failure.notRegular) {
                try BoundedFile(reading: folder(name), limit: 3)
            }
        }
        #expect(try BoundedFile(reading: folder("link"), limit: 3).bytes == [1, 2, 3])
        #expect(throws: BoundedFile.Failure.unreadable(SystemCallError(call: "open", code: ELOOP))) {
            try BoundedFile(reading: folder("link"), limit: 3, followingLinks: false)
        }
    }

    @Test("neither end of a private pipe is ever open in a child")
    func pipe() throws {
        let ends = try PrivatePipe.open(nonBlocking: true)
        defer { for end in [ends.reading, ends.writing] { close(end) } }
        for end in [ends.reading, ends.writing] {
            #expect(fcntl(end, F_GETFD) & FD_CLOEXEC == FD_CLOEXEC)
            #expect(fcntl(end, F_GETFL) & O_NONBLOCK == O_NONBLOCK)
        }
    }
}
