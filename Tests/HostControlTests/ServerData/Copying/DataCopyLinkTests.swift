import ControlProtocol
import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Topology

@testable import HostControl

/// The directories are another account's, which may put anything into them at any moment.
@Suite("Keeping data in a directory of another account")
struct DataCopyLinkTests {
    let scratch: Scratch
    let run: RunID

    init() throws {
        scratch = try Scratch()
        for name in ["data", "data/version-2", "elsewhere"] { try scratch.directory(name) }
        run = try #require(RunID("r"))
        try scratch.file("data/version-2/snapshot.0", DataBytes.snapshot())
        try scratch.file("data/version-2/log.1", DataBytes.log([1, 2]))
        try scratch.file("elsewhere/snapshot.0", Array("secret".utf8), mode: 0o600)
    }

    private var folder: String { scratch("data/mitosis-r") }

    private func copies(at moment: @escaping @Sendable (DataCopy.Moment) -> Void = { _ in }) -> DataCopy {
        DataCopy(dataDir: scratch("data"), logDir: scratch("data"), at: moment)
    }

    private func refusal(_ body: () throws -> Void) throws -> String {
        let error = try #require(throws: FileError.self) { try body() }
        guard case .refused(.invalid(let reason)) = error else {
            Issue.record("\(error)")
            return ""
        }
        return reason
    }

    /// All three, against what somebody put in the place of something.
    private func expectRefusals(_ text: String, from: [KeyPath<DataCopyLinkTests, () throws -> Void>]) throws
    {
        for body in from {
            #expect(try refusal(self[keyPath: body]).contains(text), "\(text)")
        }
        #expect(try content(of: scratch("elsewhere/snapshot.0")) == Array("secret".utf8))
        #expect(try scratch.names(in: "elsewhere") == ["snapshot.0"])
    }

    private var keeping: () throws -> Void { { _ = try copies().keep(run: run) } }
    private var discarding: () throws -> Void { { _ = try copies().discard(run: run) } }
    private var settingAside: () throws -> Void { { _ = try copies().setAside(run: run) } }

    @Test("a link in the place of the run's folder is refused")
    func folderLink() throws {
        try #require(symlink(scratch("elsewhere"), folder) == 0)
        try expectRefusals("mitosis-r is no directory", from: [\.keeping, \.discarding, \.settingAside])
        try #require(unlink(folder) == 0)
        try scratch.file("data/mitosis-r", [])
        try expectRefusals("mitosis-r is no directory", from: [\.keeping, \.discarding, \.settingAside])
    }

    @Test("a folder that is another account's, or open to others, is refused and stays as it is")
    func foreignFolder() throws {
        try #require(mkdir(folder, 0o755) == 0)
        try expectRefusals("open to others", from: [\.keeping, \.discarding, \.settingAside])
        try #require(chmod(folder, 0o700) == 0)
        try #require(geteuid() != 0 || chown(folder, 1234, 1234) == 0)
        if geteuid() == 0 {
            try expectRefusals("somebody else", from: [\.keeping, \.discarding, \.settingAside])
        }
        var found = stat()
        try #require(stat(folder, &found) == 0)
        #expect(found.st_mode & 0o777 == 0o700 && (found.st_uid == 1234 || geteuid() != 0))
        #expect(try scratch.names(in: "data/version-2") == ["log.1", "snapshot.0"])
    }

    @Test("a link in the place of version-2 is refused")
    func versionLink() throws {
        try #require(rename(scratch("data/version-2"), scratch("data/away")) == 0)
        try #require(symlink(scratch("elsewhere"), scratch("data/version-2")) == 0)
        try expectRefusals("version-2 is no directory, or a link to one", from: [\.keeping, \.settingAside])
        #expect(try scratch.names(in: "data") == ["away", "version-2"])
    }

    @Test(
        "links, pipes and directories among the files are refused",
        arguments: ["snapshot.5", "log.7", "currentEpoch"]
    )
    func fileLinks(name: String) throws {
        let path = scratch("data/version-2/\(name)")
        try #require(symlink(scratch("elsewhere/snapshot.0"), path) == 0)
        try expectRefusals("\(name) is no plain file", from: [\.keeping])
        try #require(unlink(path) == 0 && mkfifo(path, 0o644) == 0)
        try expectRefusals("\(name) is no plain file", from: [\.keeping])
        try #require(unlink(path) == 0 && mkdir(path, 0o755) == 0)
        try expectRefusals("\(name) is no plain file", from: [\.keeping])
        #expect(try scratch.names(in: "data/mitosis-r").isEmpty)
    }

    @Test("a link that takes a file's place just before it is linked is not kept")
    func fileSwap() throws {
        try scratch.file("data/version-2/log.3", DataBytes.log([3]))
        try scratch.file("data/version-2/snapshot.2", DataBytes.snapshot())
        try scratch.file("data/version-2/log.4", DataBytes.log([4]))
        for (name, target) in [
            ("snapshot.0", "elsewhere/snapshot.0"), ("snapshot.2", "data/version-2/log.4"),
        ] {
            let path = scratch("data/version-2/\(name)")
            let saved = try content(of: path)
            let target = scratch(target)
            let swapping = copies { moment in
                guard moment == .examined(name) else { return }
                unlink(path)
                // Once a symbolic link, once a hard one to a file of the account's own.
                if name == "snapshot.0" { symlink(target, path) } else { link(target, path) }
            }
            let reason = try refusal { _ = try swapping.keep(run: run) }
            #expect(reason.contains("\(name) was put in the place of the server's file meanwhile"), "\(name)")
            #expect(try scratch.names(in: "data/mitosis-r").isEmpty)
            try #require(unlink(path) == 0)
            try scratch.file("data/version-2/\(name)", saved)
        }
        #expect(try copies().keep(run: run).linked == 2)
    }

    @Test("a version-2 that is replaced by a link after it was opened is still the one that is kept")
    func directorySwap() throws {
        let (path, away, target) = (scratch("data/version-2"), scratch("data/away"), scratch("elsewhere"))
        let swapping = copies { moment in
            guard moment == .examined("snapshot.0") else { return }
            rename(path, away)
            symlink(target, path)
        }
        _ = try swapping.keep(run: run)
        #expect(try scratch.names(in: "data/mitosis-r/version-2") == ["log.1", "snapshot.0"])
        #expect(try content(of: folder + "/version-2/snapshot.0") == DataBytes.snapshot())
    }

    @Test("a version-2 that is replaced just before it is set aside is put back and refused")
    func setAsideSwap() throws {
        let (path, away, target) = (scratch("data/version-2"), scratch("data/away"), scratch("elsewhere"))
        let swapping = copies { moment in
            guard case .examined = moment else { return }
            rename(path, away)
            symlink(target, path)
        }
        let reason = try refusal { _ = try swapping.setAside(run: run) }
        #expect(reason.contains("in the place of the server's directory meanwhile"))
        #expect(try scratch.names(in: "data") == ["away", "mitosis-r", "version-2"])
        #expect(try scratch.names(in: "data/mitosis-r").isEmpty)
        #expect(try scratch.names(in: "elsewhere") == ["snapshot.0"])
    }

    @Test("a folder that is moved away while the copy is made is seen")
    func folderSwap() throws {
        let (folder, away, target) = (folder, scratch("data/away"), scratch("elsewhere"))
        let swapping = copies { moment in
            guard moment == .built else { return }
            rename(folder, away)
            symlink(target, folder)
        }
        let reason = try refusal { _ = try swapping.keep(run: run) }
        #expect(reason.contains("in the place of the agent's directory meanwhile"))
        #expect(try scratch.names(in: "elsewhere") == ["snapshot.0"])
    }
}
