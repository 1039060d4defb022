import ControlProtocol
import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

@Suite("The view that a running process read")
struct RunningViewsTests {
    let scratch: Scratch
    let path: String

    init() throws {
        scratch = try Scratch()
        path = try scratch.file("zoo.cfg", Array("dataDir=/x\nserver.1=198.51.100.1:2888:3888\n".utf8))
    }

    /// A process started after everything so far.
    private func started() throws -> Int32 {
        usleep(60_000)
        let pid = try RealZooKeeper.spawn(["/bin/sleep", "60"], log: "/dev/null")
        return pid
    }

    private func end(_ pid: Int32) {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    @Test("a file that names no directory any more has none, and one in the middle of a change has the last")
    func directories() throws {
        var look = ConfigLook(views: RunningViews(stateDirectory: scratch("looks")))
        let question = ConfigLook.Question(path: path, allowed: [path], process: nil, isStopped: true)
        #expect(look.look(question).directories?.data == "/x")
        try scratch.file("zoo.cfg", Array("server.1=half\n".utf8))
        #expect(look.look(question).directories?.data == "/x")
        try scratch.file("zoo.cfg", Array("tickTime=2000\n".utf8))
        #expect(look.look(question).directories == nil)
    }

    @Test("it is kept over edits and over the agent's restart, and forgotten with the process")
    func kept() throws {
        let pid = try started()
        defer { end(pid) }
        let process = try #require(ProcessIdentity(pid: pid))
        var views = RunningViews(stateDirectory: scratch("state"))
        #expect(
            views.view(of: process, .read(path, allowed: [path]), hasAnswered: true)?.map(\.id.value) == [1]
        )
        try scratch.file("zoo.cfg", Array("dataDir=/x\nserver.2=198.51.100.2:2888:3888\n".utf8))
        #expect(
            views.view(of: process, .read(path, allowed: [path]), hasAnswered: true)?.map(\.id.value) == [1]
        )
        var later = RunningViews(stateDirectory: scratch("state"))
        #expect(
            later.view(of: process, .read(path, allowed: [path]), hasAnswered: true)?.map(\.id.value) == [1]
        )
        #expect(later.problem == nil)

        let next = try started()
        defer { end(next) }
        let successor = try #require(ProcessIdentity(pid: next))
        #expect(
            later.view(of: successor, .read(path, allowed: [path]), hasAnswered: true)?.map(\.id.value) == [2]
        )
    }

    @Test("a file that changed after the start and was not seen before is unknown")
    func changedBeforeFirstSight() throws {
        let pid = try started()
        defer { end(pid) }
        usleep(60_000)
        try scratch.file("zoo.cfg", Array("dataDir=/x\nserver.2=198.51.100.2:2888:3888\n".utf8))
        let process = try #require(ProcessIdentity(pid: pid))
        var views = RunningViews(stateDirectory: scratch("state"))
        #expect(views.view(of: process, .read(path, allowed: [path]), hasAnswered: true) == nil)
        #expect(access(scratch("state/running-view.json"), F_OK) != 0)
    }

    @Test("a link that was turned elsewhere after the start is a change, though both files are old")
    func linkTurned() throws {
        try scratch.directory("a")
        try scratch.directory("b")
        for place in ["a", "b"] { try scratch.file(place + "/zoo.cfg", Array("dataDir=/\(place)\n".utf8)) }
        try #require(symlink("a", scratch("conf")) == 0)
        let pid = try started()
        defer { end(pid) }
        let process = try #require(ProcessIdentity(pid: pid))
        let path = scratch("conf/zoo.cfg")
        var before = RunningViews(stateDirectory: scratch("before"))
        #expect(before.view(of: process, .read(path, allowed: [path]), hasAnswered: true) == [])
        usleep(60_000)
        try #require(unlink(scratch("conf")) == 0 && symlink("b", scratch("conf")) == 0)
        var after = RunningViews(stateDirectory: scratch("after"))
        #expect(after.view(of: process, .read(path, allowed: [path]), hasAnswered: true) == nil)
    }

    @Test("a process that has not answered may not have read its file yet: nothing is known, nothing is kept")
    func notAnswered() throws {
        let pid = try started()
        defer { end(pid) }
        let process = try #require(ProcessIdentity(pid: pid))
        var views = RunningViews(stateDirectory: scratch("state"))
        #expect(views.view(of: process, .read(path, allowed: [path]), hasAnswered: false) == nil)
        #expect(access(scratch("state/running-view.json"), F_OK) != 0)
        #expect(
            views.view(of: process, .read(path, allowed: [path]), hasAnswered: true)?.map(\.id.value) == [1]
        )
        #expect(
            views.view(of: process, .read(path, allowed: [path]), hasAnswered: false)?.map(\.id.value) == [1]
        )
    }

    @Test("a damaged record is said and set aside, never taken for none")
    func damaged() throws {
        let pid = try started()
        defer { end(pid) }
        try scratch.directory("state")
        let record = try scratch.file("state/running-view.json", Array("{\"process\":".utf8))
        let process = try #require(ProcessIdentity(pid: pid))
        var views = RunningViews(stateDirectory: scratch("state"))
        #expect(
            views.view(of: process, .read(path, allowed: [path]), hasAnswered: true)?.map(\.id.value) == [1]
        )
        #expect(views.problem?.contains("\(record) cannot be understood") == true)
        #expect(try scratch.names(in: "state") == ["running-view.json", "running-view.json.damaged"])
    }

    @Test("a change within the clocks' granularity of the start counts as later")
    func granularity() {
        let start: Int64 = 1_000_000_000_000
        #expect(!RunningViews.isBefore(start, start: start))
        #expect(!RunningViews.isBefore(start - 1_000_000, start: start))
        #expect(RunningViews.isBefore(start - 20_000_000, start: start))
    }
}
