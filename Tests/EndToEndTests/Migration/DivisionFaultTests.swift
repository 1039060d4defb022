import FoundationEssentials
import Glibc
import LabKit
import Testing

/// What ZooKeeper itself can do wrong in a division: the run stops in a state that it names, and both ways on work.
@Suite(
    "A division in which ZooKeeper fails",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct DivisionFaultTests {
    @Test(
        "the freshest node does not start: back to the joint ensemble, then forward once it is mended",
        .hangLimit,
        arguments: Rounds.strategies(.observers)
    )
    func freshestDoesNotStart(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab, coordinator, workload in
            let fresh = lab.configuration.seeds[0]
            let run = try coordinator.start()
            try await coordinator.waitForStep("division.canary")
            for host in lab.configuration.seeds.dropFirst() { try await QuorumLag(lab).begin(on: host) }
            try lab.faults(of: fresh).failStarts()
            #expect(await run.isGone(within: .seconds(240)))
            let log = try Folder.read(coordinator.log)
            #expect(log.contains("The migration is dividing"), "\(log)")
            #expect(log.contains("\(fresh.name)"))
            // Whatever else could have been started, no leader came about without the newest writes.
            #expect(try await lab.ensemble(.destination).allSatisfy { $0.mode != "leader" })

            for host in lab.configuration.seeds.dropFirst() { try await QuorumLag(lab).end(on: host) }
            try lab.faults(of: fresh).heal()
            let back = try await coordinator.rollback()
            #expect(back.succeeded, "\(back.diagnostics)")
            #expect(back.output.contains("back at the joint ensemble"))
            try await workload.waitForWrites(20, .destination, seconds: 30)

            try await Self.finish(lab, coordinator, workload)
        }
    }

    @Test(
        "a disk that does not come to rest: its node is left running, the others are given back",
        .hangLimit,
        arguments: Rounds.strategies(.participants)
    )
    func diskHangs(_ strategy: LabConfiguration.Strategy) async throws {
        var hasHung = false
        // The disk has to begin to hang between a precheck that sees to disks and the end of the drain, a quarter of a second: where
        // it came too late, the nodes are detached, and there is nothing to be seen.
        for _ in 0..<4 where !hasHung {
            try await Self.withLab(strategy) { lab, coordinator, workload in
                hasHung = try await Self.hangDisk(lab, coordinator, workload)
            }
        }
        #expect(hasHung, "a node was detached each time before its disk hung")
    }

    /// - Returns: whether the disk hung before its node was detached.
    private static func hangDisk(_ lab: Lab, _ coordinator: Coordinator, _ workload: Workload) async throws
        -> Bool
    {
        let host = lab.configuration.seeds[1]
        try coordinator.shortenDeadlines()
        let run = try coordinator.start()
        try await coordinator.waitForStep("division.canary")
        try lab.faults(of: host).slowDisk(milliseconds: 60_000)
        #expect(await run.isGone(within: .seconds(240)))
        let log = try Folder.read(coordinator.log)
        guard !coordinator.happened("stepFinished", "division.detach") else { return false }
        #expect(log.contains("in memory, and after 5 s its disk ends at"), "\(log)")
        #expect(log.contains("The migration is dividing"), "\(log)")
        #expect(try lab.zooKeeperRuns(on: host), "it was to be left running")

        try lab.faults(of: host).heal()
        let back = try await coordinator.rollback()
        #expect(back.succeeded, "\(back.diagnostics)")
        try await workload.waitForWrites(20, .destination, seconds: 30)
        // Its leader gave it up meanwhile, and 3.8.0 comes back from that with a hole in its log.
        let forward = try await coordinator.run()
        guard !forward.succeeded else {
            try await check(lab, workload)
            return true
        }
        #expect(forward.output.contains("\(host.name): its log lacks"), "\(forward.diagnostics)")
        try await lab.startAnew(host)
        let deadline = ContinuousClock.now + .seconds(120)
        while try await lab.ensemble(.destination).count(where: { $0.mode != nil })
            < lab.configuration.seeds.count
        {
            try #require(ContinuousClock.now < deadline, "\(host.name) does not come back")
        }
        try await finish(lab, coordinator, workload)
        return true
    }

    @Test(
        "a node that dies while it starts is started again, and nobody is asked",
        .hangLimit,
        arguments: Rounds.strategies(.observers)
    )
    func diesWhileStarting(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab, coordinator, workload in
            let run = try coordinator.start()
            try await coordinator.waitForStep("division.split")
            try await lab.kill(try await Self.firstStarted(in: lab, coordinator))
            #expect(await run.isGone(within: .seconds(240)))
            let summary = try await LabRun(lab).summarize(0, workload)
            #expect(summary.problems == [], "\(coordinator.said)")
        }
    }

    @Test(
        "a leader that dies right after its election is started again by the run: only forward, and nothing is lost",
        .hangLimit,
        arguments: Rounds.strategies(.participants)
    )
    func leaderDies(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab, coordinator, workload in
            try coordinator.shortenDeadlines(division: 20, restart: 35)
            let run = try coordinator.start()
            try await coordinator.waitForStep("division.start")
            for (host, status) in zip(
                lab.configuration.destinationHosts,
                try await lab.ensemble(.destination)
            ) where status.mode == "leader" {
                try await lab.kill(host)
            }
            #expect(await run.isGone(within: .seconds(240)))
            if !coordinator.events().contains(#""event":"runFinished""#) {
                let log = try Folder.read(coordinator.log)
                #expect(log.contains("The migration is divided"), "\(log)")
                let back = try await coordinator.rollback()
                #expect(back.status == 1)
                #expect(back.errors.contains("past the point of no return"), "\(back.diagnostics)")
                let second = try await coordinator.run()
                #expect(second.succeeded, "\(second.diagnostics)")
            }
            try await Self.check(lab, workload)
        }
    }

    @Test(
        "a coordinator that dies before it has seen the leader: the way back is refused and binds nobody",
        .hangLimit,
        arguments: Rounds.strategies(.observers)
    )
    func leaderIsNotSeen(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab, coordinator, workload in
            let run = try coordinator.start()
            try await coordinator.waitForStep("division.split")
            _ = try await Self.firstStarted(in: lab, coordinator)
            run.signal(SIGKILL)
            #expect(await run.isGone(within: .seconds(30)))
            #expect(!coordinator.happened("stepFinished", "division.start", saying: ""))
            let deadline = ContinuousClock.now + .seconds(60)
            while try await lab.ensemble(.destination).allSatisfy({ $0.mode != "leader" }) {
                try #require(ContinuousClock.now < deadline, "no destination node leads")
            }
            let back = try await coordinator.rollback()
            #expect(back.status == 1)
            #expect(back.output.contains("the point of no return is passed"), "\(back.diagnostics)")
            try await Self.finish(lab, coordinator, workload)
        }
    }

    @Test(
        "an election that stalls is told as that and ended, and nobody is asked",
        .hangLimit,
        arguments: Rounds.strategies(.participants)
    )
    func electionStalls(_ strategy: LabConfiguration.Strategy) async throws {
        try await Self.withLab(strategy) { lab, coordinator, workload in
            func nft(_ commands: [[String]]) async throws {
                for host in lab.configuration.seeds {
                    for command in commands {
                        try await Tool(["nft"] + command, namespace: lab.namespace(of: host)).output(
                            step: "nft"
                        )
                    }
                }
            }
            let run = try coordinator.start()
            try await coordinator.waitForStep("division.canary")
            // They vote, and no follower reaches its leader; connections that are there stay.
            let hook = "{ type filter hook input priority 0 ; }"
            try await nft([
                ["add", "table", "inet", "stall"], ["add", "chain", "inet", "stall", "input", hook],
                [
                    "add", "rule", "inet", "stall", "input",
                    "tcp dport 2888 tcp flags syn reject with tcp reset",
                ],
            ])
            try await coordinator.waitForEvent("the election has stalled", seconds: 120)
            try await nft([["delete", "table", "inet", "stall"]])
            #expect(await run.isGone(within: .seconds(240)))
            #expect(coordinator.events().contains(#""event":"runFinished""#), "\(coordinator.said)")
            try await Self.check(lab, workload)
        }
    }

    /// Returns when the coordinator has read that the division started a host's server; which ones, their histories decide.
    private static func firstStarted(in lab: Lab, _ coordinator: Coordinator) async throws -> LabHost {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let started = lab.configuration.seeds.first {
                coordinator.happened(
                    "stepProgress",
                    "division.start",
                    saying: "\($0.name): zookeeper pid none"
                )
            }
            if let started { return started }
            try #require(ContinuousClock.now < deadline, "\(coordinator.said)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test(
        "another tool flushes every rule while the source returns: back at once, and said",
        .hangLimit
    )
    func rulesFlushed() async throws {
        try await Self.withLab(.participants) { lab, coordinator, workload in
            let run = try coordinator.start()
            try await coordinator.waitForStep("return.roll-source-1")
            for host in lab.configuration.destinationHosts {
                try await Tool(["nft", "flush", "ruleset"], namespace: lab.namespace(of: host)).output(
                    step: "flush"
                )
            }
            #expect(await run.isGone(within: .seconds(240)))
            let summary = try await LabRun(lab).summarize(0, workload)
            #expect(summary.problems == [], "\(coordinator.said)")
            let isTold = coordinator.events().contains("which was put back")
            #expect(isTold, "\(coordinator.said)")
        }
    }

    private static func withLab(
        _ strategy: LabConfiguration.Strategy,
        _ body: (Lab, Coordinator, Workload) async throws -> Void
    ) async throws {
        try await LabFixture.withLab(strategy: strategy, canFail: true) { lab in
            try await lab.up()
            let workload = Workload(lab)
            try await workload.start(seconds: 600)
            try await workload.waitUntilWriting(.source, seconds: 60)
            try await body(lab, Coordinator(lab: lab), workload)
        }
    }

    private static func finish(_ lab: Lab, _ coordinator: Coordinator, _ workload: Workload) async throws {
        let forward = try await coordinator.run()
        #expect(forward.succeeded, "\(forward.diagnostics)")
        try await check(lab, workload)
    }

    /// Clients were without service for as long as the fault lasted, and their sessions may have ended.
    private static func check(_ lab: Lab, _ workload: Workload) async throws {
        let summary = try await LabRun(lab).summarize(0, workload)
        let sessions = ["the client lost its session", "the client lost its ephemeral node"]
        let problems = summary.problems.filter { problem in !sessions.contains { problem.hasSuffix($0) } }
        #expect(problems == [])
    }
}
