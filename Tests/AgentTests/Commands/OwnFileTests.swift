import AgentServer
import Glibc
import MutualTLS
import Testing

@Suite("Files that the agent believes")
struct OwnFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("a file of another user, or one that others may write to, is refused", .enabled(if: geteuid() == 0))
    func owners() throws {
        let file = try directory.write("agent.yaml", [], mode: 0o644)
        #expect(OwnFile.objection(to: file) == nil)
        try #require(chmod(file, 0o664) == 0)
        #expect(OwnFile.objection(to: file)?.contains("mode 664") == true)
        try #require(chmod(file, 0o600) == 0 && chown(file, 1234, 0) == 0)
        #expect(OwnFile.objection(to: file)?.contains("belongs to user 1234") == true)
        #expect(throws: AgentServerError.self) { try AgentConfigurationReader.readOwn(path: file) }
    }

    @Test("a check finds an allowed file whose directory cannot be written", .enabled(if: geteuid() == 0))
    func readOnlyDirectory() throws {
        let authority = try TestAuthority()
        let place = directory.path + "/conf"
        try #require(mkdir(place, 0o755) == 0 && mount("tmpfs", place, "tmpfs", UInt(1), nil) == 0)
        defer { umount(place) }
        let configuration = try TestAgent.configuration(authority, file: place + "/zoo.cfg")
        let error = #expect(throws: AgentServerError.self) { try AgentProgram.check(configuration) }
        #expect(error?.description.contains("\(place)/ holds an allowed file and cannot be written") == true)
    }

    @Test("a state directory that others may write to, and state files that are links, are refused")
    func state() throws {
        let state = directory.path + "/state"
        try #require(mkdir(state, 0o700) == 0 && chmod(state, 0o777) == 0)
        #expect(throws: AgentServerError.self) { try StateDirectory(path: state) }
        try #require(chmod(state, 0o700) == 0)
        let victim = try directory.write("victim", [])
        for name in ["lock", "commands.jsonl"] { try #require(symlink(victim, state + "/" + name) == 0) }
        #expect(throws: AgentServerError.self) { try StateDirectory(path: state) }
        #expect(throws: AgentServerError.self) { _ = try CommandRecord(directory: state).discarded }
    }

    @Test("a check finds certificate files that others may write to", .enabled(if: geteuid() == 0))
    func certificates() throws {
        let authority = try TestAuthority()
        let configuration = try TestAgent.configuration(authority)
        #expect(throws: Never.self) { try AgentProgram.check(configuration) }
        let files = try authority.issue("agent/s1")
        try #require(chmod(files.certificate, 0o666) == 0)
        let error = #expect(throws: AgentServerError.self) { try AgentProgram.check(configuration) }
        #expect(error?.description.contains("can be written by others") == true)
    }
}
