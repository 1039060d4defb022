import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import Logs
import SystemCalls
import Testing

@Suite("State files that are not what the agent wrote", .timeLimit(.minutes(10)))
struct StateFilesTests {
    /// Whatever lies under a state file's name.
    enum Thing: String, CaseIterable, Sendable {
        case fifo
        case directory
        case link
        case device
        case huge
    }

    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var state: String { directory.path + "/state" }

    private func put(_ thing: Thing, at path: String) throws {
        switch thing {
        case .fifo: try #require(mkfifo(path, 0o600) == 0)
        case .directory: try #require(mkdir(path, 0o700) == 0)
        case .link: try #require(symlink(try directory.write("victim", []), path) == 0)
        // Endless when it is read.
        case .device: try #require(mknod(path, S_IFCHR | 0o600, makedev(1, 5)) == 0)
        case .huge:
            let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
            try #require(descriptor >= 0 && ftruncate(descriptor, 1 << 40) == 0)
            close(descriptor)
        }
    }

    private func makedev(_ major: dev_t, _ minor: dev_t) -> dev_t { major << 8 | minor }

    /// Starts what reads the state of an agent.
    private func start() throws -> CommandIntake {
        let held = try StateDirectory(path: state)
        defer { held.release() }
        return try CommandIntake(
            directory: state,
            allow: TestAgent.configuration(try TestAuthority()).allowList,
            host: ScriptedHost(),
            clock: TestClock().clock,
            counters: AgentCounters(),
            log: .silent
        )
    }

    @Test(
        "none of them holds up or ends an agent: it says which file, or goes on without it",
        .enabled(if: geteuid() == 0),
        arguments: ["lease.json", "commands.jsonl", "lock", "reserve", "audit.jsonl"],
        Thing.allCases
    )
    func things(name: String, thing: Thing) async throws {
        try #require(mkdir(state, 0o700) == 0)
        try put(thing, at: state + "/" + name)
        // A huge record is a damaged one, which is named and kept; what undoes harm is carried out.
        let isOptional =
            name == "reserve" || name == "audit.jsonl"
            || thing == .huge && (name == "lock" || name == "commands.jsonl")
        do {
            let intake = try start()
            #expect(isOptional, "it starts")
            let lease = try Sample.lease()
            let asked = LeaseKeeper.Event.requested(request: Sample.request(lease), by: "ops")
            #expect(try await intake.lease(asked) == nil)
            let caller = Caller(role: .coordinator, name: "ops", identity: "ops", serial: "1", peer: "-")
            guard case .events(let stream) = await intake.submit(try Sample.command(lease), by: caller) else {
                Issue.record("not taken")
                return
            }
            var outcome: CommandOutcome?
            for await event in stream { if case .finished(let found) = event { outcome = found } }
            guard case .done = outcome else {
                Issue.record("\(String(describing: outcome))")
                return
            }
        } catch let error as AgentServerError {
            #expect(!isOptional, "\(error)")
            #expect(error.description.contains(state), "\(error)")
        }
    }

    @Test(
        "numbers at the edge in lease.json are told by file, field and remedy",
        arguments: [
            (#"{"latest":{"runID":"r","epoch":18446744073709551615}}"#, "latest.epoch"),
            (#"{"latest":{"runID":"r","epoch":9007199254740992}}"#, "latest.epoch"),
            (#"{"latest":{"runID":"r","epoch":-1}}"#, "latest.epoch"),
            (#"{"latest":{"runID":"r","epoch":1e308}}"#, "latest.epoch"),
            (
                #"{"latest":{"runID":"r","epoch":1},"current":{"holder":"o","expiresAt":9223372036854775807,"secondsToLive":60}}"#,
                "current.expiresAt is 9223372036854775807"
            ),
            (
                #"{"latest":{"runID":"r","epoch":1},"current":{"holder":"o","expiresAt":-9223372036854775808,"secondsToLive":60}}"#,
                "current.expiresAt"
            ),
            (
                #"{"latest":{"runID":"r","epoch":1},"current":{"holder":"o","expiresAt":1,"secondsToLive":9223372036854775807}}"#,
                "current.secondsToLive"
            ),
            ("", ""), ("{", ""), ("[[[[[[", ""),
        ]
    )
    func lease(text: String, field: String) throws {
        try #require(mkdir(state, 0o700) == 0)
        _ = try directory.write("state/lease.json", Array(text.utf8))
        let error = #expect(throws: AgentServerError.self) { try start() }
        let said = try #require(error).description
        #expect(said.hasPrefix(state + "/lease.json: ") && said.contains(field), "\(said)")
        #expect(said.contains("mitosis-agent lease reset --epoch N"), "\(said)")
    }

    @Test("numbers at the edge in the command record are told by line and field")
    func record() throws {
        try #require(mkdir(state, 0o700) == 0)
        let intent =
            #"{"intent":{"entry":{"id":"c","lease":{"runID":"r","epoch":1},"identity":"o","digest":"d","summary":"s","at":1}}}"#
        let outcome =
            #"{"outcome":{"id":"c","at":1,"outcome":{"done":{"result":{"service":{"report":{"service":"z","newPID":2147483647}}}}}}}"#
        _ = try directory.write("state/commands.jsonl", Array((intent + "\n" + outcome + "\n").utf8))
        let said = try #require(try start().recordState.problem)
        #expect(said.contains("state/commands.jsonl.damaged-"), "\(said)")
        #expect(
            said.contains(":2: outcome.outcome.done.result.service.report.newPID is 2147483647"),
            "\(said)"
        )
    }
}
