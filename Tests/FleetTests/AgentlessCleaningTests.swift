import ControlProtocol
import Synchronization
import SystemCalls
import Testing
import Topology

@testable import Fleet

/// Hosts whose agents are silent, and another way to them.
@Suite("Cleaning round silent agents", .timeLimit(.minutes(10)))
struct AgentlessCleaningTests {
    private final class Scripted: AgentlessCleaning {
        let looks: [HostName: RulesLook]
        let outcome: CleaningBoard.Outcome
        private let log = Mutex<[String]>([])

        init(_ looks: [HostName: RulesLook], outcome: CleaningBoard.Outcome = .clean(removed: 4)) {
            self.looks = looks
            self.outcome = outcome
        }

        var calls: [String] { log.withLock { $0 } }

        func look(at host: HostName) async -> RulesLook {
            log.withLock { $0.append("look \(host)") }
            return looks[host] ?? .silent(reason: "ssh was not let in")
        }

        func clean(_ host: HostName, _ facts: RulesFacts, force: Bool) async -> CleaningBoard.Outcome {
            log.withLock { $0.append("clean \(host)\(force ? " by force" : "")") }
            return outcome
        }
    }

    private static func facts(_ count: Int, isWatched: Bool? = false, lease: Lease? = nil) -> RulesFacts {
        RulesFacts(
            LocalRulesReport(
                rules: InstalledRules(
                    backend: .nftables,
                    wall: nil,
                    count: count,
                    counters: [],
                    listing: "",
                    isWatched: isWatched
                ),
                lease: LeaseState(
                    highestEpoch: FencingEpoch(3),
                    current: lease,
                    holder: lease.map { _ in "ops" },
                    expiresAt: nil
                ),
                clock: 0,
                zookeeper: nil
            )
        )
    }

    private static func clean(
        _ hosts: [HostName],
        by agentless: (any AgentlessCleaning)?,
        force: Bool = false
    ) async throws -> [HostName: CleaningBoard.Outcome] {
        let fleet = ScriptedFleet(
            statuses: Dictionary(hosts.map { ($0, .silent(reason: "nothing listens")) }) { first, _ in first }
        )
        let elapsed = Elapsed()
        let run = try #require(RunID.cleaning("clean", of: "hosts", at: 1))
        let cleaning = FleetCleaning(
            fleet: fleet,
            timing: elapsed.timing,
            run: run,
            force: force,
            agentless: agentless
        )
        let board = await cleaning.perform(
            try CleaningBoardTests.board(hosts, force: force),
            stop: AsyncStream<Void> { $0.finish() },
            tell: { _ in }
        )
        #expect(fleet.calls.isEmpty, "an agent was commanded: \(fleet.calls)")
        return board.outcomes
    }

    @Test("a silent host is looked at and cleaned the other way, and no lease of its agent is asked for")
    func cleaned() async throws {
        let hosts = try Sample.hosts(2)
        let agentless = Scripted([hosts[0]: .seen(Self.facts(4)), hosts[1]: .seen(Self.facts(0))])
        let outcomes = try await Self.clean(hosts, by: agentless)
        #expect(outcomes == [hosts[0]: .clean(removed: 4), hosts[1]: .clean(removed: 0)])
        #expect(Set(agentless.calls) == ["look \(hosts[0])", "look \(hosts[1])", "clean \(hosts[0])"])
    }

    @Test("an agent that runs without answering is cleaned too, for it may put rules back")
    func watched() async throws {
        let hosts = try Sample.hosts(1)
        let agentless = Scripted([hosts[0]: .seen(Self.facts(0, isWatched: true))])
        _ = try await Self.clean(hosts, by: agentless)
        #expect(agentless.calls.contains("clean \(hosts[0])"))
    }

    @Test("a lease that a run holds speaks against it there as well, unless forced")
    func refused() async throws {
        let hosts = try Sample.hosts(1)
        let lease = Lease(runID: try #require(RunID("1764-demo")), epoch: FencingEpoch(3))
        let agentless = Scripted([hosts[0]: .seen(Self.facts(4, lease: lease))])
        guard case .refused(let reason)? = try await Self.clean(hosts, by: agentless)[hosts[0]] else {
            Issue.record("\(agentless.calls)")
            return
        }
        #expect(reason.contains("run 1764-demo of ops holds"))
        #expect(!agentless.calls.contains("clean \(hosts[0])"))
        #expect(
            try await Self.clean(hosts, by: agentless, force: true) == [hosts[0]: .clean(removed: 4)]
        )
        #expect(agentless.calls.contains("clean \(hosts[0]) by force"))
    }

    @Test("where neither way answers, both reasons are told")
    func silent() async throws {
        let hosts = try Sample.hosts(1)
        guard case .unreachable(let reason)? = try await Self.clean(hosts, by: Scripted([:]))[hosts[0]] else {
            Issue.record("it was reached")
            return
        }
        #expect(reason.contains("nothing listens; over ssh: ssh was not let in"), "\(reason)")
    }
}
