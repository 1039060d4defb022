import FoundationEssentials
import TestSupport
import Testing
import Topology
import ZooKeeperClient

@testable import Trees

@Suite("the sessions of a seal, kept in its file")
struct SealFileTests {
    @Test("they are told while the file is in use, and after the seal was taken off")
    func sessions() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/seal.sqlite"
        #expect(try SealFile.sessions(in: path).isEmpty)
        #expect(!SealFile.exists(path), "looking makes no file")
        let file = try SealFile(path, run: "17-plan", trees: ["/t"])
        #expect(try SealFile.sessions(in: path).isEmpty)
        try file.note(SessionID(0x17), of: "seal")
        try file.note(SessionID(0x17), of: "seal")
        try file.note(SessionID(-1), of: "retire")
        let all = [SessionNumber(0x17): "seal", SessionNumber(-1): "retire"]
        #expect(try SealFile.sessions(in: path) == all)
        #expect(try SealFile.sessions(in: try file.putAside(at: 5)) == all)
    }

    @Test("a file that is somebody else's is refused")
    func foreign() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/mine"
        try Data("mine".utf8).write(to: URL(filePath: path))
        #expect(throws: TreesError.self) { try SealFile.sessions(in: path) }
    }
}
