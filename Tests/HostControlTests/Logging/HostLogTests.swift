import ControlProtocol
import FoundationEssentials
import HostControl
import Logging
import Logs
import Synchronization
import Testing

@Suite("What is done to the host is logged")
struct HostLogTests {
    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])

        var all: [String] { kept.withLock { $0 } }

        func logger(_ level: LogLevel = .info) -> Logger {
            Logger(label: "test") { _ in
                LineLogHandler(level: level) { line in self.kept.withLock { $0.append(line) } }
            }
        }
    }

    @Test("a written and a restored file, by digest and never by content")
    func files() throws {
        let scratch = try Scratch()
        let path = scratch("zoo.cfg")
        let lines = Lines()
        let files = ConfigFiles(allowed: [path], backups: scratch("backups"), log: lines.logger())
        let run = try #require(RunID("run-1"))
        let old = Data("secret=old\n".utf8)
        let new = Data("secret=new\n".utf8)
        try scratch.file("zoo.cfg", Array(old))
        let write = FileWrite(path: path, expected: ContentDigest.sha256(old), content: new)
        _ = try files.write(write, run: run)
        // It is as asked for: nothing is done.
        _ = try files.write(write, run: run)
        _ = try files.restore(FileRestore(path: path), run: run)
        #expect(
            lines.all == [
                "info file written path=\(path) run=run-1 digest=\(ContentDigest.sha256(new))",
                "info file restored path=\(path) run=run-1 digest=\(ContentDigest.sha256(old))",
            ]
        )
    }

    @Test("a started and a stopped service, with the process and the time that it took")
    func services() async throws {
        let script = try DaemonScript("plain")
        defer { #expect(throws: Never.self) { try script.clean() } }
        let lines = Lines()
        let controller = ServiceController(supervisor: script.supervisor, log: lines.logger(.debug))
        let started = try await controller.perform(ServiceRequest(service: "daemon", action: .start)) { _ in }
        let stopped = try await controller.perform(ServiceRequest(service: "daemon", action: .stop)) { _ in }
        let pid = try #require(started.newPID)
        let times = (try #require(started.startMilliseconds), try #require(stopped.stopMilliseconds))
        #expect(
            lines.all == [
                "debug starting a service service=daemon",
                "info service started service=daemon pid=\(pid) ms=\(times.0)",
                "debug stopping a service service=daemon",
                "info service stopped service=daemon pid=\(pid) ms=\(times.1)",
            ]
        )
    }
}
