import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Reporting
import Settings
import TestSupport
import Testing
import Topology

/// A small run that was made up: a plan of three and three, and a journal that says what the test puts into it.
struct ReportFixture {
    static let planText =
        "version: 1\nname: kafka-a\npki: {directory: ./pki, coordinator: ops}\ntrees: [/app]\nsource:\n  servers:\n"
        + servers(1...3, "s") + "destination:\n  servers:\n" + servers(4...6, "d")

    private static func servers(_ ids: ClosedRange<Int>, _ letter: String) -> String {
        ids.map { "    - {id: \($0), host: \(letter)\($0), address: 198.51.100.\(10 + $0)}\n" }.joined()
    }

    let folder: TemporaryFolder
    let plan: MigrationPlan
    var facts = RunFacts()
    var entries: [JournalEntry] = []
    var ending: RunEnding?
    var endedAt: Int64?
    var planDigest: String?
    var outputs: [StepOutput] = []
    var probes: [ProbeSample] = []

    /// The plan's, as the page shows it.
    static let digest = String(ContentDigest.sha256(Data((planText).utf8)).prefix(12))

    static let start: Int64 = 1_767_225_600_000

    /// - Parameter more: further keys of the plan.
    init(with more: String = "") throws {
        folder = try TemporaryFolder()
        plan = try PlanReader.read(path: try folder.write(Self.planText + more, to: "plan.yaml"))
    }

    func host(_ name: String) throws -> HostName { try #require(HostName(name)) }

    /// A step that began so many milliseconds after the run, and took so long.
    mutating func add(
        _ step: StepID,
        at: Int64,
        took: Int64? = 100,
        _ verdict: StepVerdict? = .done(observed: "seen"),
        attempt: Int = 1,
        commands: [HostCommand] = []
    ) {
        entries.append(
            JournalEntry(
                step: step,
                attempt: attempt,
                commands: commands,
                intendedAt: Self.start + at,
                verdict: verdict,
                decidedAt: took.map { Self.start + at + $0 }
            )
        )
    }

    func report() throws -> RunReport {
        let record = RunRecord(
            id: try #require(RunID("20260101-1")),
            plan: plan.name,
            planDigest: planDigest ?? plan.digest,
            startedAt: Self.start,
            survey: Survey(files: [
                Survey.File(
                    host: try host("d4"),
                    path: "/etc/zoo.cfg",
                    digest: "0",
                    content: Data("tickTime=1000\nssl.keyStore.password=secret1\n".utf8)
                )
            ]),
            epoch: FencingEpoch(3),
            facts: facts
        )
        return RunReport(
            ReportSource(
                record: record,
                entries: entries,
                ending: ending,
                endedAt: endedAt,
                beginning: ChainBeginning(record, planText: Self.planText, inventoryText: nil),
                outputs: outputs,
                probes: probes,
                plan: plan
            ),
            at: Self.start + 3_600_000
        )
    }

    /// The run as it ends when all is well.
    mutating func fillWhole() throws {
        let wall = Wall(peers: [try #require(IPAddress("198.51.100.11"))], scope: .ports(numbers: []))
        let write = FileWrite(
            path: "/etc/zoo.cfg",
            expected: "0",
            content: Data("tickTime=2000\nssl.keyStore.password=secret1\n".utf8)
        )
        let d4 = try host("d4")
        facts.window = WindowPrediction(starts: [900], bytes: 0, limit: 10_000, sessions: ["client": 6000])
        facts.windowOpenedAt = Self.start + 5000
        facts.windowClosedAt = Self.start + 6500
        facts.starts = ["d4": .init(pid: 7, milliseconds: 900), "d5": .init(pid: 8, milliseconds: nil)]
        facts.detached = [
            "d4": .init(
                pid: 7,
                end: HistoryEnd(epoch: 3, zxid: Zxid(0x3_0000_0010)),
                proof: .held(memory: Zxid(0x3_0000_0010))
            ),
            "d5": .init(pid: 8, end: HistoryEnd(epoch: 3, zxid: Zxid(0x3_0000_000C)), proof: .idle),
        ]
        facts.proofs = [
            "preflight.smoke": .init(
                at: Self.start + 900,
                answer: ProofAnswer(
                    .proven,
                    "smoke test: 3 servers are good",
                    latencies: ["s1": 12, "s2": 30]
                )
            ),
            "proof.compare": .init(
                at: Self.start + 8000,
                answer: ProofAnswer(.proven, "equal: 23 nodes of 6 servers")
            ),
        ]
        facts.waived = ["clocks: no NTP here"]
        add(
            "preflight.checks",
            at: 10,
            took: 800,
            .done(observed: "clocks: 6 clocks\nversion-pair: 3.4.6 and 3.8.0\n  read by both")
        )
        add(
            "join.configure-seeds",
            at: 1000,
            took: 200,
            commands: [HostCommand(d4, .writeFile(write: write))]
        )
        add(
            "division.clients",
            at: 4000,
            took: 100,
            .done(observed: "2 sessions, 2 of them at the destination")
        )
        add(
            "division.detach",
            at: 5000,
            took: 400,
            commands: [
                HostCommand(
                    d4,
                    .detach(request: DetachRequest(service: "zk", pid: 7, wall: wall, seconds: 60))
                )
            ]
        )
        add(
            "division.commit",
            at: 5500,
            commands: [HostCommand(d4, .keepOrder(restoring: [FileRestore(path: "/etc/zoo.cfg")]))]
        )
        add("division.start", at: 5700, took: 800)
        add("division.history", at: 6600, took: 50, .done(observed: "d4 holds 2 of 2 last transactions"))
        add("proof.compare", at: 7700, took: 300, .done(observed: "equal: 23 nodes of 6 servers"))
        add(
            "clean-up.remove-rules",
            at: 8500,
            took: 100,
            .done(observed: "0 rules on 6 hosts"),
            commands: [HostCommand(d4, .removeWall)]
        )
        (ending, endedAt) = (.finished, Self.start + 9000)
    }
}
