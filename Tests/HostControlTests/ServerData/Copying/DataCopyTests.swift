import ControlProtocol
import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Topology

@testable import HostControl

@Suite("Keeping a server's data")
struct DataCopyTests {
    let scratch: Scratch
    let run: RunID

    init() throws {
        scratch = try Scratch()
        for name in ["data", "data/version-2", "log", "log/version-2"] { try scratch.directory(name) }
        run = try #require(RunID("20261125-kafka.a"))
    }

    private func copies(
        _ logs: String = "log",
        at moment: @escaping @Sendable (DataCopy.Moment) -> Void = { _ in }
    )
        -> DataCopy
    {
        DataCopy(dataDir: scratch("data"), logDir: scratch(logs), at: moment)
    }

    private var folder: String { "data/mitosis-20261125-kafka.a" }
    private var logFolder: String { "log/mitosis-20261125-kafka.a" }

    /// Logs 1 to 8, 9 and 11 on, a snapshot in the middle of the last but one.
    private func write(into logs: String = "log") throws {
        try scratch.file("data/myid", Array("4\n".utf8))
        try scratch.file("data/version-2/currentEpoch", Array("0".utf8), mode: 0o600)
        try scratch.file("data/version-2/acceptedEpoch", Array("0".utf8))
        try scratch.file("data/version-2/snapshot.0", DataBytes.snapshot())
        try scratch.file("data/version-2/snapshot.a", DataBytes.snapshot(payload: 90))
        try scratch.file("\(logs)/version-2/log.1", DataBytes.log([1, 2, 3, 4]))
        try scratch.file("\(logs)/version-2/log.5", DataBytes.log([5, 6, 7, 8]))
        try scratch.file("\(logs)/version-2/log.9", DataBytes.log([9, 10, 11]))
        try scratch.file("\(logs)/version-2/log.c", DataBytes.log([12, 13]))
    }

    private func inode(_ name: String) throws -> UInt64 {
        var found = stat()
        try #require(lstat(scratch(name), &found) == 0, "\(name)")
        return UInt64(found.st_ino)
    }

    private func isLinked(_ name: String, _ kept: String) throws -> Bool { try inode(name) == inode(kept) }

    private func loaded(data: String, log: String) -> DataDirectory {
        var reader = DataDirectoryReader()
        return reader.read(dataDir: scratch(data), logDir: scratch(log))
    }

    /// What a server whose `version-2` directories are these would load.
    private func loadKept() throws -> DataDirectory {
        for name in ["again", "again-log"] where access(scratch(name), F_OK) != 0 {
            try scratch.directory(name)
        }
        for (link, target) in [
            ("again/version-2", "\(folder)/version-2"),
            ("again-log/version-2", "\(logFolder)/version-2-logs"),
        ] where access(scratch(link), F_OK) != 0 {
            try #require(symlink(scratch(target), scratch(link)) == 0)
        }
        return loaded(data: "again", log: "again-log")
    }

    @Test(
        "what ZooKeeper may write to in place is copied, the rest is linked; the copy loads like the original"
    )
    func keeping() throws {
        try write()
        let kept = try copies().keep(run: run)
        #expect(kept.linked == 3 && kept.copied == 5)
        #expect(
            try scratch.names(in: "\(folder)/version-2")
                == ["acceptedEpoch", "currentEpoch", "snapshot.0", "snapshot.a"]
        )
        #expect(try scratch.names(in: "\(logFolder)/version-2-logs") == ["log.1", "log.5", "log.9", "log.c"])
        for name in ["snapshot.0", "snapshot.a"] {
            #expect(try isLinked("data/version-2/\(name)", "\(folder)/version-2/\(name)"), "\(name)")
        }
        #expect(try isLinked("log/version-2/log.1", "\(logFolder)/version-2-logs/log.1"))
        for name in ["log.5", "log.9", "log.c"] {
            let copy = "\(logFolder)/version-2-logs/\(name)"
            #expect(try !isLinked("log/version-2/\(name)", copy), "\(name)")
            #expect(
                try content(of: scratch(copy)) == content(of: scratch("log/version-2/\(name)")),
                "\(name)"
            )
        }
        // What a server does that follows a leader without its last transactions.
        try #require(truncate(scratch("log/version-2/log.5"), 40) == 0)
        try #require(unlink(scratch("log/version-2/log.9")) == 0)
        try #require(unlink(scratch("data/version-2/snapshot.a")) == 0)
        try scratch.file("data/version-2/currentEpoch", Array("7".utf8))
        let found = try loadKept()
        #expect(found.lastZxid == Zxid(13) && found.snapshot == Zxid(10) && found.currentEpoch == 0)
        #expect(found.problems == [] && found.missing == [])
    }

    @Test("the newest snapshot is copied when a server that starts would write it again")
    func rewrittenSnapshot() throws {
        try write()
        try scratch.file("data/version-2/snapshot.d", DataBytes.snapshot())
        try scratch.file("data/version-2/snapshot.e", Array(DataBytes.snapshot().dropLast()))
        try scratch.file("log/version-2/log.e", DataBytes.header)
        _ = try copies().keep(run: run)
        let isLinked = try ["0", "a", "d", "e"].map { name in
            try self.isLinked("data/version-2/snapshot.\(name)", "\(folder)/version-2/snapshot.\(name)")
        }
        #expect(isLinked == [true, true, false, false])
    }

    @Test("a compressed snapshot that was torn does not stand for the logs before it")
    func tornCompressed() throws {
        try write()
        let torn = DataBytes.gzip(DataBytes.snapshot()).dropLast(40)
        try scratch.file("data/version-2/snapshot.d.gz", Array(torn))
        try scratch.file("log/version-2/log.e", DataBytes.log([14]))
        _ = try copies().keep(run: run)
        for name in ["log.5", "log.9", "log.c", "log.e"] {
            #expect(try !isLinked("log/version-2/\(name)", "\(logFolder)/version-2-logs/\(name)"), "\(name)")
        }
    }

    @Test("one directory for both, also by another path, makes one copy")
    func oneDirectory() throws {
        try write(into: "data")
        try #require(symlink(scratch("data"), scratch("same")) == 0)
        for logs in ["data", "same"] {
            let kept = try copies(logs).keep(run: run)
            #expect(kept.linked == 3 && kept.copied == 5)
            #expect(try scratch.names(in: "\(folder)/version-2").count == 8)
            #expect(try scratch.names(in: folder) == ["version-2"])
        }
    }

    @Test("owner, mode and time of files and directories stay; the folder around them is the agent's alone")
    func attributes() throws {
        try #require(geteuid() == 0, "run the tests as root")
        try write()
        let names = ["data/version-2", "data/version-2/currentEpoch", "log/version-2", "log/version-2/log.c"]
        for name in names { try #require(chown(scratch(name), 1234, 2345) == 0) }
        try #require(chmod(scratch("data/version-2"), 0o750) == 0)
        try #require(chmod(scratch("log/version-2/log.c"), 0o640) == 0)
        var old = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 2000, tv_nsec: 5)]
        try #require(utimensat(AT_FDCWD, scratch("log/version-2/log.c"), &old, 0) == 0)
        _ = try copies().keep(run: run)
        func look(_ name: String) throws -> [Int] {
            var found = stat()
            try #require(lstat(scratch(name), &found) == 0)
            return [Int(found.st_uid), Int(found.st_gid), Int(found.st_mode & 0o7777), found.st_mtim.tv_sec]
        }
        #expect(try look("\(folder)/version-2").prefix(3) == [1234, 2345, 0o750])
        #expect(try look("\(folder)/version-2/currentEpoch").prefix(3) == [1234, 2345, 0o600])
        #expect(try look("\(logFolder)/version-2-logs").prefix(3) == [1234, 2345, 0o755])
        #expect(try look("\(logFolder)/version-2-logs/log.c") == [1234, 2345, 0o640, 2000])
        #expect(try look(folder).prefix(3) == [0, 0, 0o700])
        #expect(try look(logFolder).prefix(3) == [0, 0, 0o700])
    }

    @Test("zeros that were allocated ahead take no room in the copy")
    func sparse() throws {
        try write()
        let path = scratch("log/version-2/log.c")
        let bytes = DataBytes.header + DataBytes.record(12, payload: 300_000)
        try scratch.file("log/version-2/log.c", bytes)
        try #require(truncate(path, 64 << 20) == 0)
        let kept = try copies().keep(run: run)
        var found = stat()
        try #require(stat(scratch("\(logFolder)/version-2-logs/log.c"), &found) == 0)
        #expect(found.st_size == 64 << 20 && found.st_blocks * 512 < 1 << 20)
        #expect(kept.bytes < 2 << 20)
        #expect(try content(of: scratch("\(logFolder)/version-2-logs/log.c")).starts(with: bytes))
    }

    @Test("keeping again replaces the older copy, and cleans up what a crash left")
    func again() throws {
        try write()
        _ = try copies().keep(run: run)
        try scratch.file("log/version-2/log.e", DataBytes.log([14]))
        for name in [".version-2.new", ".version-2.old"] {
            try scratch.directory("\(folder)/\(name)")
            try scratch.file("\(folder)/\(name)/snapshot.5", [1])
        }
        try scratch.directory("\(logFolder)/.version-2-logs.new")
        try scratch.file("\(logFolder)/.version-2-logs.new/log.99", [1])
        _ = try copies().keep(run: run)
        #expect(try scratch.names(in: folder) == ["version-2"])
        #expect(try scratch.names(in: logFolder) == ["version-2-logs"])
        #expect(try loadKept().lastZxid == Zxid(14))
    }

    @Test("an attempt that fails leaves the older copy")
    func failure() throws {
        try write()
        _ = try copies().keep(run: run)
        try scratch.file("log/version-2/log.e", DataBytes.log([14]))
        try #require(symlink(scratch("log/version-2/log.1"), scratch("log/version-2/log.f")) == 0)
        let error = try #require(throws: FileError.self) { try copies().keep(run: run) }
        #expect(error.description.contains("log.f is no plain file"))
        #expect(try scratch.names(in: logFolder) == ["version-2-logs"])
        #expect(try loadKept().lastZxid == Zxid(13))
    }

    @Test("discarding removes the copies and nothing else; doing it again does no harm")
    func discarding() throws {
        try write()
        _ = try copies().keep(run: run)
        let other = try #require(RunID("other"))
        _ = try copies().keep(run: other)
        #expect(try copies().discard(run: run) == DataCopy.Discarded(files: 8, left: []))
        #expect(try scratch.names(in: "data") == ["mitosis-other", "myid", "version-2"])
        #expect(try scratch.names(in: "log") == ["mitosis-other", "version-2"])
        #expect(try copies().discard(run: run) == DataCopy.Discarded(files: 0, left: []))
        #expect(loaded(data: "data", log: "log").lastZxid == Zxid(13))
    }

    @Test("discarding refuses what it did not make, and then removes nothing")
    func foreign() throws {
        try write()
        _ = try copies().keep(run: run)
        let strays: [() throws -> String] = [
            { try scratch.file("\(folder)/notes", []) },
            { try scratch.file("\(folder)/version-2/notes", []) },
            { try scratch.directory("\(folder)/version-2/log.7") },
            {
                let link = scratch("\(logFolder)/version-2-logs/log.7")
                try #require(symlink(scratch("data/myid"), link) == 0)
                return link
            },
            {
                let link = scratch("\(folder)/.version-2.old")
                try #require(symlink(scratch("data/version-2"), link) == 0)
                return link
            },
        ]
        for stray in strays {
            let path = try stray()
            let error = try #require(throws: FileError.self) { try copies().discard(run: run) }
            #expect(error.description.contains(path), "\(error)")
            #expect(try loadKept().lastZxid == Zxid(13))
            try #require(unlink(path) == 0 || rmdir(path) == 0)
        }
        #expect(try copies().discard(run: run).files == 8)
    }

    @Test(
        "setting aside leaves an empty server with its id, by renaming alone; a second time makes a second one"
    )
    func settingAside() throws {
        try write()
        let (data, log) = (try inode("data/version-2"), try inode("log/version-2"))
        #expect(try copies().setAside(run: run) == 1)
        #expect(loaded(data: "data", log: "log").isEmpty && loaded(data: "data", log: "log").myid == 4)
        #expect(try inode("\(folder)/set-aside-1") == data && inode("\(logFolder)/set-aside-1") == log)
        #expect(try copies().setAside(run: run) == nil)
        try scratch.directory("data/version-2")
        #expect(try copies().setAside(run: run) == 2)
        // Discarding the copies of the run leaves what is no copy.
        try scratch.directory("data/version-2")
        try scratch.directory("log/version-2")
        _ = try copies().keep(run: run)
        let discarded = try copies().discard(run: run)
        #expect(
            discarded.left == ["1", "2"].map { scratch("\(folder)/set-aside-\($0)") } + [
                scratch("\(logFolder)/set-aside-1")
            ]
        )
        #expect(try scratch.names(in: folder) == ["set-aside-1", "set-aside-2"])
    }

    @Test("what a crash left half set aside is moved to its own half")
    func halfSetAside() throws {
        try write()
        try #require(mkdir(scratch(folder), 0o700) == 0)
        try #require(rename(scratch("data/version-2"), scratch("\(folder)/set-aside-1")) == 0)
        #expect(try copies().setAside(run: run) == 1)
        #expect(try scratch.names(in: "\(logFolder)/set-aside-1").count == 4)
        #expect(loaded(data: "data", log: "log").isEmpty)
    }

    @Test("without data there is nothing to keep")
    func nothing() throws {
        try #require(rmdir(scratch("data/version-2")) == 0)
        let error = try #require(throws: FileError.self) { try copies().keep(run: run) }
        #expect(error.description.contains("there is nothing to keep"))
        #expect(try scratch.names(in: "data").isEmpty)
    }

    @Test(
        "without room nothing is copied, and the reason says how much is needed",
        .enabled(if: geteuid() == 0, "mounting needs root")
    )
    func noRoom() throws {
        let place = scratch("log")
        try #require(mount("tmpfs", place, "tmpfs", 0, "size=4m") == 0)
        defer { umount(place) }
        try scratch.directory("log/version-2")
        try write()
        try scratch.file("log/version-2/log.e", DataBytes.header + DataBytes.record(14, payload: 3 << 20))
        let error = try #require(throws: FileError.self) { try copies().keep(run: run) }
        #expect(error.description.contains("make room and repeat"))
        #expect(error.description.contains("KiB are free there"))
        #expect(try scratch.names(in: logFolder).isEmpty && scratch.names(in: folder).isEmpty)
        try scratch.file("log/version-2/log.e", DataBytes.log([14]))
        #expect(try copies().keep(run: run).copied == 6)
        #expect(try loadKept().lastZxid == Zxid(14))
    }
}
