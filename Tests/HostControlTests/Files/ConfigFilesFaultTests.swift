import ControlProtocol
import FoundationEssentials
import Glibc
import Testing

@testable import HostControl

@Suite("Configuration files under faults")
struct ConfigFilesFaultTests {
    let scratch: Scratch
    let path: String
    let files: ConfigFiles
    let run: RunID

    init() throws {
        scratch = try Scratch()
        try scratch.directory("etc")
        path = scratch("etc/zoo.cfg")
        files = ConfigFiles(allowed: [path], backups: scratch("backups"))
        run = try #require(RunID("run-1"))
    }

    private func write(_ old: [UInt8]?, _ new: [UInt8]) throws -> FileState {
        let expected = old.map { ContentDigest.sha256(Data($0)) }
        return try files.write(FileWrite(path: path, expected: expected, content: Data(new)), run: run)
    }

    private var backup: String { "\(scratch.path)/backups/run-1/\(FileBackups.encoded(path))" }

    @Test("a dangling link, a directory and a FIFO are refused without waiting for anybody")
    func notFiles() throws {
        try #require(symlink("nowhere", path) == 0)
        #expect(try files.state(of: path).symlinkTarget == "nowhere")
        #expect(try files.state(of: path).digest == nil)
        #expect(
            throws: FileError.refused(
                .invalid(reason: "\(path) is a symbolic link to nothing; mend it first")
            )
        ) {
            try write(nil, [1])
        }
        try #require(unlink(path) == 0 && mkdir(path, 0o755) == 0)
        #expect(throws: FileError.refused(.invalid(reason: "\(path) is a directory, not a file"))) {
            try write(nil, [1])
        }
        try #require(rmdir(path) == 0 && mkfifo(path, 0o644) == 0)
        #expect(throws: FileError.refused(.invalid(reason: "\(path) is a FIFO, not a file"))) {
            try files.read(path)
        }
    }

    @Test("a restore of a file that this run never wrote says so")
    func nothingToRestore() throws {
        try scratch.file("etc/zoo.cfg", [1])
        let error = try #require(throws: FileError.self) {
            _ = try files.restore(FileRestore(path: path), run: run)
        }
        #expect(error.description.contains("run run-1 never wrote to \(path)"))
        #expect(try content(of: path) == [1])
    }

    @Test(
        "a damaged backup is never restored, and nothing more is written over it",
        arguments: ["content", "meta.json"]
    )
    func damagedBackup(part: String) throws {
        try scratch.file("etc/zoo.cfg", [1])
        _ = try write([1], [2])
        try Data([9, 9]).write(to: URL(filePath: "\(backup)/\(part)"))
        let error = try #require(throws: FileError.self) {
            _ = try files.restore(FileRestore(path: path), run: run)
        }
        guard case .damagedBackup = error else {
            Issue.record("\(error)")
            return
        }
        #expect(throws: FileError.self) { try write([2], [3]) }
        #expect(try content(of: path) == [2])
    }

    @Test("a restore never follows a directory that was replaced by a link since the backup")
    func directoryBecameLink() throws {
        try scratch.file("etc/zoo.cfg", [1])
        _ = try write([1], [2])
        try scratch.directory("outside")
        let victim = try scratch.file("outside/zoo.cfg", [7])
        let moved = scratch("etc-before")
        try #require(rename(scratch("etc"), moved) == 0 && symlink("outside", scratch("etc")) == 0)
        let error = try #require(throws: FileError.self) {
            _ = try files.restore(FileRestore(path: path), run: run)
        }
        #expect(error.description.contains("is not the one in which this run changed the file"))
        #expect(try content(of: victim) == [7])
        #expect(try scratch.names(in: "outside") == ["zoo.cfg"])
        // A second directory in its place is another one too, though no link is.
        try #require(unlink(scratch("etc")) == 0 && rename(scratch("outside"), scratch("etc")) == 0)
        #expect(throws: FileError.self) { _ = try files.restore(FileRestore(path: path), run: run) }
        #expect(try content(of: path) == [7])
        // Back in its place, it is restored.
        try #require(rename(scratch("etc"), scratch("outside")) == 0 && rename(moved, scratch("etc")) == 0)
        _ = try files.restore(FileRestore(path: path), run: run)
        #expect(try content(of: path) == [1])
    }

    @Test("a restore of a link's target never follows a directory that was replaced by a link")
    func targetDirectoryBecameLink() throws {
        try scratch.directory("real")
        try scratch.file("real/a.cfg", [1])
        try #require(symlink("../real/a.cfg", path) == 0)
        _ = try write([1], [2])
        #expect(try content(of: scratch("real/a.cfg")) == [2])
        try scratch.directory("outside")
        let victim = try scratch.file("outside/a.cfg", [7])
        try #require(
            rename(scratch("real"), scratch("moved")) == 0 && symlink("outside", scratch("real")) == 0
        )
        #expect(throws: FileError.self) { _ = try files.restore(FileRestore(path: path), run: run) }
        #expect(try content(of: victim) == [7])
        #expect(try scratch.names(in: "outside") == ["a.cfg"])
    }

    @Test("what changes between the look and the replacement is not overwritten")
    func changedJustBefore() throws {
        try scratch.file("etc/zoo.cfg", [1])
        let place = try FilePlace(of: path)
        let attributes = AtomicFile.Attributes(mode: 0o644, owner: 0, group: 0)
        #expect(throws: FileError.self) {
            try AtomicFile.replace(place, with: Data([2]), attributes) { () throws(FileError) in
                throw FileInspection.changing(path)
            }
        }
        #expect(try content(of: path) == [1])
        #expect(try scratch.names(in: "etc") == ["zoo.cfg"])
        let before = try FileInspection.read(path)
        #expect(before.isSame(as: try FileInspection.read(path)))
        try #require(unlink(path) == 0)
        try scratch.file("etc/other.cfg", [1])
        try #require(symlink("other.cfg", path) == 0)
        #expect(!before.isSame(as: try FileInspection.read(path)))
    }

    @Test("what a killed write and a killed backup left is gone after the next write")
    func leftovers() throws {
        try scratch.file("etc/zoo.cfg", [1])
        try scratch.file("etc/.zoo.cfg.mitosis-new", [5, 5, 5])
        try FileBackups.makeDirectories(backup + "+partial")
        try Data([7]).write(to: URL(filePath: backup + "+partial/content"))
        _ = try write([1], [2])
        #expect(try scratch.names(in: "etc") == ["zoo.cfg"])
        #expect(try scratch.names(in: "backups/run-1") == [FileBackups.encoded(path)])
        _ = try files.restore(FileRestore(path: path), run: run)
        #expect(try content(of: path) == [1])
    }

    @Test("a writer killed at any moment leaves one content or the other, and a backup that restores")
    func killed() async throws {
        let old = [UInt8](repeating: 1, count: 300_000)
        try scratch.file("etc/zoo.cfg", old)
        setenv("MITOSIS_TEST_PLACE", scratch.path, 1)
        for _ in 0..<8 {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                let place = try #require(getenv("MITOSIS_TEST_PLACE").map { String(cString: $0) })
                let path = place + "/etc/zoo.cfg"
                let files = ConfigFiles(allowed: [path], backups: place + "/backups")
                let run = try #require(RunID("run-1"))
                Task.detached {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 5...60)))
                    kill(getpid(), SIGKILL)
                }
                while true {
                    let found = try #require(try files.read(path).content)
                    let next = Data(repeating: found[0] == 1 ? 2 : 1, count: 300_000)
                    let write = FileWrite(path: path, expected: ContentDigest.sha256(found), content: next)
                    _ = try files.write(write, run: run)
                }
            }
            let found = try content(of: path)
            #expect(found.count == 300_000 && Set(found).count == 1)
        }
        _ = try write(try content(of: path), [3])
        #expect(try scratch.names(in: "etc") == ["zoo.cfg"])
        _ = try files.restore(FileRestore(path: path), run: run)
        #expect(try content(of: path) == old)
    }

    @Test("a full disk leaves the file as it was", .enabled(if: geteuid() == 0, "mounting needs root"))
    func fullDisk() throws {
        let place = scratch("etc")
        try #require(mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0)
        defer { umount(place) }
        try scratch.file("etc/zoo.cfg", [1])
        let error = try #require(throws: FileError.self) {
            _ = try write([1], [UInt8](repeating: 2, count: 100_000))
        }
        #expect(
            error == .unavailable(operation: "write", path: place + "/.zoo.cfg.mitosis-new", code: ENOSPC)
        )
        #expect(try scratch.names(in: "etc") == ["zoo.cfg"])
        #expect(try content(of: path) == [1])
    }

    @Test(
        "without room for the backup the file is not touched",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func noRoomForBackup() throws {
        let place = try scratch.directory("backups")
        try #require(mount("tmpfs", place, "tmpfs", 0, "size=16k") == 0)
        defer { umount(place) }
        let old = [UInt8](repeating: 1, count: 50_000)
        try scratch.file("etc/zoo.cfg", old)
        #expect(throws: FileError.self) { try write(old, [2]) }
        #expect(try content(of: path) == old)
        #expect(throws: FileError.self) { try files.restore(FileRestore(path: path), run: run) }
        #expect(try content(of: path) == old)
    }

    @Test(
        "a read-only file system leaves the file as it was",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func readOnly() throws {
        let place = scratch("etc")
        try #require(mount("tmpfs", place, "tmpfs", 0, "size=64k") == 0)
        defer { umount(place) }
        try scratch.file("etc/zoo.cfg", [1])
        try #require(mount("tmpfs", place, "tmpfs", UInt(32) | UInt(1), nil) == 0)
        let error = try #require(throws: FileError.self) { _ = try write([1], [2]) }
        #expect(error.description.contains("Read-only file system"))
        #expect(try content(of: path) == [1])
    }
}
