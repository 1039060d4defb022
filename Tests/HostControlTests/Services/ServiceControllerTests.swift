import ControlProtocol
import Glibc
import Synchronization
import SystemCalls
import TestSupport
import Testing

@testable import HostControl

@Suite("Services under commands of the configuration")
struct ServiceControllerTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private func perform(
        _ action: ServiceRequest.Action,
        _ script: DaemonScript,
        replacing: Int32? = nil,
        deadline: Duration = .seconds(20),
        lines: Lines = Lines()
    ) async throws(ServiceError) -> ServiceReport {
        let controller = ServiceController(
            supervisor: script.supervisor,
            stopDeadline: deadline,
            startDeadline: deadline
        )
        let request = ServiceRequest(service: "daemon", action: action, replacing: replacing)
        return try await controller.perform(request) { lines.add($0) }
    }

    @Test(
        "start, start again, restart, stop, stop again: each reports what it had to do",
        arguments: ["plain", "foreground"]
    )
    func wholeLife(flavor: String) async throws {
        let script = try DaemonScript(flavor)
        defer { #expect(throws: Never.self) { try script.clean() } }
        let lines = Lines()
        #expect(try await script.supervisor.state(of: "daemon") == .stopped)

        let started = try await perform(.start, script, lines: lines)
        let first = try #require(started.newPID)
        #expect(try script.pid == first)
        #expect(started.oldPID == nil && started.stopMilliseconds == nil && started.startMilliseconds != nil)
        #expect(try await script.supervisor.state(of: "daemon") == .running(pid: first))

        let again = try await perform(.start, script)
        #expect(again.newPID == first && again.startMilliseconds == nil)

        let restarted = try await perform(.restart, script, replacing: first, lines: lines)
        let second = try #require(restarted.newPID)
        #expect(restarted.oldPID == first && second != first)
        #expect(restarted.stopMilliseconds != nil && restarted.startMilliseconds != nil)
        #expect(!ProcessIdentity.isAlive(first) && ProcessIdentity.isAlive(second))

        let repeated = try await perform(.restart, script, replacing: first)
        #expect(repeated.oldPID == first && repeated.newPID == second)
        #expect(repeated.stopMilliseconds == nil && repeated.startMilliseconds == nil)

        let stopped = try await perform(.stop, script, lines: lines)
        #expect(stopped.oldPID == second && stopped.newPID == nil && stopped.stopMilliseconds != nil)
        #expect(try await perform(.stop, script).stopMilliseconds == nil)

        // A restart that was interrupted after its stop goes on with the start.
        let resumed = try await perform(.restart, script, replacing: second)
        #expect(resumed.oldPID == second && resumed.stopMilliseconds == nil && resumed.newPID != nil)
        _ = try await perform(.stop, script)

        let told = lines.all
        #expect(told.first == "starting daemon")
        #expect(told.contains("stopping daemon (pid \(first))"))
        #expect(told.contains { $0.hasPrefix("daemon runs with pid \(second) after ") })
        let log = String(decoding: try content(of: script.scratch("logs/daemon.log")), as: UTF8.self)
        #expect(log.contains("serving"))
    }

    @Test("a start that fails gives the command's own words")
    func failingStart() async throws {
        let script = try DaemonScript("failing")
        let error = await #expect(throws: ServiceError.self) { _ = try await perform(.start, script) }
        #expect(error?.description.contains("exit status 1: no such configuration") == true)
    }

    @Test(
        "a daemon that never appears, or a start command that never ends, is an error at the deadline",
        arguments: ["dying", "hanging"]
    )
    func noDaemon(flavor: String) async throws {
        let script = try DaemonScript(flavor)
        defer { #expect(throws: Never.self) { try script.clean() } }
        let error = await #expect(throws: ServiceError.self) {
            _ = try await perform(.start, script, deadline: .milliseconds(700))
        }
        #expect(error == .deadline(service: "daemon", action: .start, seconds: 0.7, found: .stopped))
    }

    @Test("a process that ends as soon as it is started is told within a second or two, not at the deadline")
    func diesAtOnce() async throws {
        let script = try DaemonScript("dying")
        let begin = ContinuousClock.now
        let error = await #expect(throws: ServiceError.self) { _ = try await perform(.start, script) }
        guard case .startFailed(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("ended as soon as it was started"))
        #expect(begin.duration(to: .now) < .seconds(15))
    }

    @Test(
        "a process that is ended does not get the time that it would take",
        arguments: ["plain", "stubborn"]
    )
    func ended(flavor: String) async throws {
        let script = try DaemonScript(flavor)
        defer { #expect(throws: Never.self) { try script.clean() } }
        let pid = try #require(try await perform(.start, script).newPID)
        let ending = try await ServiceController(supervisor: script.supervisor).end("daemon", pid: pid)
        #expect(!ProcessIdentity.isAlive(pid))
        try await ending.confirmed()
        #expect(try await script.supervisor.state(of: "daemon") == .stopped)
        // Once more: there is nothing to end, and that is what was wanted.
        try await ServiceController(supervisor: script.supervisor).end("daemon", pid: pid).confirmed()
    }

    @Test("a stop that is ignored is an error that names the pid, and a restart does not start a second one")
    func ignoredStop() async throws {
        let script = try DaemonScript("stubborn")
        defer { #expect(throws: Never.self) { try script.clean() } }
        let pid = try #require(try await perform(.start, script).newPID)
        for action in [ServiceRequest.Action.stop, .restart] {
            let error = await #expect(throws: ServiceError.self) {
                _ = try await perform(action, script, deadline: .milliseconds(700))
            }
            #expect(
                error == .deadline(service: "daemon", action: .stop, seconds: 0.7, found: .running(pid: pid))
            )
            #expect(error?.description.contains("pid \(pid) is still running") == true)
        }
        #expect(try script.pid == pid)
    }

    @Test("a stop command that outlives its deadline is killed: it cannot end what runs later")
    func overdueStop() async throws {
        let script = try DaemonScript("slow-stop")
        defer { #expect(throws: Never.self) { try script.clean() } }
        let pid = try #require(try await perform(.start, script).newPID)
        let error = await #expect(throws: ServiceError.self) {
            _ = try await perform(.stop, script, deadline: .milliseconds(700))
        }
        #expect(
            error == .deadline(service: "daemon", action: .stop, seconds: 0.7, found: .running(pid: pid))
        )
        let stop = try #require(try script.stopPID)
        #expect(!ProcessIdentity.isAlive(stop))
        try await Task.sleep(for: .seconds(3))
        #expect(try script.pid == pid && ProcessIdentity.isAlive(pid))
    }

    @Test("a status that is neither 0 nor 3 is a failure with its words")
    func brokenStatus() async throws {
        let script = try DaemonScript("plain")
        try script.scratch.file("broken", [])
        let state = try await script.supervisor.state(of: "daemon")
        guard case .failed(let reason) = state else {
            Issue.record("\(state)")
            return
        }
        #expect(reason.hasSuffix("ended with exit status 4: status is broken"))
    }

    @Test(
        "a status without a living pid is no proof of running",
        arguments: ["", "soon", "-1", "0", "4194304"]
    )
    func pidless(line: String) async throws {
        let commands = ServiceCommands(start: [], stop: [], status: ["/bin/echo", line])
        let state = try await CommandSupervisor(services: ["x": commands]).state(of: "x")
        guard case .failed = state else {
            Issue.record("\(state)")
            return
        }
    }

    @Test("what a status command prints is told as text on one line, without what looks like a secret")
    func hostileStatus() async throws {
        let words =
            HostileText.pieces.filter { $0 != "\u{0}" }.joined(separator: "a") + "\nDB_PASSWORD=s3cret"
        for (stream, code) in [("", 0), ("", 1), (">&2", 1)] {
            let body = "printf '%s' \"$1\" \(stream); exit \(code)"
            let status = ["/bin/sh", "-c", body, "sh", words, "--password", "s3cret"]
            let commands = ServiceCommands(start: [], stop: [], status: status)
            let state = try await CommandSupervisor(services: ["x": commands]).state(of: "x")
            guard case .failed(let reason) = state else {
                Issue.record("\(state)")
                return
            }
            #expect(HostileText.offences(in: reason).isEmpty && !reason.contains("\n"), "\(reason)")
            #expect(!reason.contains("s3cret"), "\(reason)")
        }
    }

    @Test("a status that hangs is killed with everything it started")
    func hangingStatus() async throws {
        let scratch = try Scratch()
        let body =
            "import os, time\nif os.fork() == 0: open('\(scratch("pid"))', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
        let commands = ServiceCommands(start: [], stop: [], status: ["/usr/bin/python3", "-c", body])
        let supervisor = CommandSupervisor(services: ["x": commands], patience: .seconds(1))
        let error = await #expect(throws: ServiceError.self) { _ = try await supervisor.state(of: "x") }
        #expect(error?.description.contains("did not end within 1.0 s") == true)
        let pid = try #require(Int32(String(decoding: try content(of: scratch("pid")), as: UTF8.self)))
        #expect(await eventually(within: .seconds(5)) { !ProcessIdentity.isAlive(pid) })
    }

    @Test("a command gets none of the agent's descriptors, ignored signals or messages to its own supervisor")
    func nothingInherited() async throws {
        let leaked = dup2(1, 77)
        defer { close(leaked) }
        let before = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, before) }
        setenv("NOTIFY_SOCKET", "/nowhere", 1)
        let body = """
            import os
            print("77" in os.listdir("/proc/self/fd"))
            print(os.environ.get("NOTIFY_SOCKET"), os.getsid(0) == os.getpid(), os.readlink("/proc/self/fd/0"))
            """
        let command = HostCommand(arguments: ["/usr/bin/python3", "-c", body])
        let lines = try await command.capture(within: .seconds(20)).output.split(separator: "\n")
        #expect(lines[0] == "False")
        #expect(lines[1] == "None True /dev/null")
        let plain = HostCommand(arguments: ["/bin/grep", "SigIgn", "/proc/self/status"])
        let ignored = try await plain.capture(within: .seconds(20)).output
        let mask = try #require(ignored.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
        // Signals 32 and 33 are the C library's own.
        #expect(mask & 0x7FFF_FFFF == 0, "\(ignored)")
    }

    @Test("what the configuration does not name is refused")
    func notAllowed() async throws {
        let supervisor = CommandSupervisor(services: [:])
        let error = await #expect(throws: ServiceError.self) { _ = try await supervisor.state(of: "sshd") }
        #expect(error == .refused(.notAllowed(reason: "service 'sshd' is not in the agent's list")))
    }

    @Test("a caller that goes away does not stop a restart half-way")
    func cancelled() async throws {
        let script = try DaemonScript("plain")
        defer { #expect(throws: Never.self) { try script.clean() } }
        let first = try #require(try await perform(.start, script).newPID)
        let caller = Task { try await perform(.restart, script, replacing: first) }
        caller.cancel()
        #expect(try await caller.value.newPID != first)
    }

    @Test("what an agent started outlives the agent's own violent end", arguments: ["plain", "foreground"])
    func outlives(flavor: String) async throws {
        let script = try DaemonScript(flavor)
        defer { #expect(throws: Never.self) { try script.clean() } }
        setenv("MITOSIS_TEST_SERVICE", script.scratch(""), 1)
        setenv("MITOSIS_TEST_FLAVOR", flavor, 1)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let place = try #require(getenv("MITOSIS_TEST_SERVICE").map { String(cString: $0) })
            let flavor = try #require(getenv("MITOSIS_TEST_FLAVOR").map { String(cString: $0) })
            let arguments = { (verb: String) in ["/usr/bin/python3", place + "service.py", verb, flavor] }
            let commands = ServiceCommands(
                start: arguments("start"),
                stop: arguments("stop"),
                status: arguments("status")
            )
            let supervisor = CommandSupervisor(services: ["daemon": commands])
            let request = ServiceRequest(service: "daemon", action: .start)
            _ = try await ServiceController(supervisor: supervisor).perform(request) { _ in }
            kill(getpid(), SIGKILL)
        }
        let pid = try #require(try script.pid)
        #expect(ProcessIdentity.isAlive(pid))
        #expect(try await script.supervisor.state(of: "daemon") == .running(pid: pid))
        #expect(try await perform(.stop, script).oldPID == pid)
    }
}
