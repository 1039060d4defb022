import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import Synchronization
import SystemCalls
import Testing
import Topology

@Suite("What somebody else changes beside a run", .timeLimit(.minutes(10)))
struct DriftTests {
    @Test(
        "a file, a process and rules that change are told with their host, and not what the run itself has touched"
    )
    func board() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let hosts = plan.agents.map(\.host)
        var board = DriftBoard(plan)
        let s1 = plan.source[0].host
        let s2 = plan.source[1].host
        let d1 = plan.destination[0].host
        #expect(board.look(await fleet.observe(hosts), handled: []).isEmpty)
        #expect(board.look(await fleet.observe(hosts), handled: []).isEmpty)

        fleet.change { model in
            model.hosts[s1]?.file.append(Data("# by somebody\n".utf8))
            model.hosts[s2]?.pid = 4711
            model.hosts[d1]?.wall = plan.wall(for: plan.destination[0])
        }
        let found = board.look(await fleet.observe(hosts), handled: [])
        #expect(found.map(\.host) == [d1, s1, s2])
        #expect(found.map(\.kind) == [.rules, .file, .process])
        #expect(found[1].sentence == "/etc/zookeeper/conf/zoo.cfg was replaced, or changed")
        #expect(found[2].sentence.contains("restarted") && found[2].sentence.contains("4711"))
        #expect(board.look(await fleet.observe(hosts), handled: []).isEmpty)

        fleet.change { $0.hosts[s1]?.file.append(Data("# by the run\n".utf8)) }
        #expect(board.look(await fleet.observe(hosts), handled: [s1]).isEmpty)
        #expect(board.look(await fleet.observe(hosts), handled: []).isEmpty)
        fleet.change { $0.hosts[s1]?.file.append(Data("# again\n".utf8)) }
        #expect(board.look(await fleet.observe(hosts), handled: [s2]).map(\.host) == [s1])

        // What the run writes on a host whose agent is silent just then is known only when it answers again.
        fleet.change { $0.hosts[s1]?.file.append(Data("# by the run, unseen\n".utf8)) }
        var silent = await fleet.observe(hosts)
        silent[s1] = .silent(reason: "no answer")
        #expect(board.look(silent, handled: [s1]).isEmpty)
        #expect(board.look(await fleet.observe(hosts), handled: []).isEmpty)
    }

    @Test("what systemd does with a unit at the next boot is told when it changes, and once")
    func units() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let hosts = plan.agents.map(\.host)
        var board = DriftBoard(plan)
        func told() async -> [String] {
            let drifts = board.look(await fleet.observe(hosts), handled: [])
            #expect(drifts.allSatisfy { $0.kind == .unit })
            return drifts.map { "\($0.host): \($0.sentence)" }
        }
        func set(_ boot: UnitBoot?) { fleet.change { $0.make("d4") { $0.boot = boot } } }
        set(UnitBoot(isEnabled: true, asksOrder: true, lapses: true))
        #expect(await told() == [])
        set(UnitBoot(isEnabled: true, asksOrder: false, lapses: true))
        let question = "before it starts whether an order holds it back (--hold-check)"
        #expect(await told() == ["d4: zookeeper.service no longer asks \(question)"])
        #expect(await told() == [])
        set(UnitBoot(isEnabled: false, asksOrder: true, lapses: true))
        #expect(
            await told() == [
                "d4: zookeeper.service is no longer started at boot",
                "d4: zookeeper.service asks now \(question)",
            ]
        )
        // A host that boots, and an agent that cannot say.
        set(UnitBoot(isEnabled: false, asksOrder: true, lapses: false))
        #expect(await told() == [])
        set(nil)
        #expect(await told() == [])
    }

    @Test("a file that changes is the reason to stop, and nothing is asked in the window")
    func vigil() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let model = ModelFleet(plan: plan)
        let naps = Naps()
        let vigil = DriftVigil(plan, fleet: HandledHosts(model), timing: naps.timing)
        let told = Mutex<[Drift]>([])
        let task = Task { await vigil.watch { drift in told.withLock { $0.append(drift) } } }
        func nap(_ count: Int) async throws {
            let until = naps.count + count
            while naps.count < until { try await Task.sleep(for: .milliseconds(2)) }
        }
        try await nap(3)
        let window = RunEvent.Subject(stage: .division, step: .detach, title: "Detach")
        vigil.note(RunEvent(.stepStarted(window), at: 0, run: "1-model"))
        try await nap(2)
        let s1 = plan.source[0].host
        model.change { $0.hosts[s1]?.file.append(Data("# in the window\n".utf8)) }
        let clock = model.model.clock
        try await nap(5)
        #expect(model.model.clock == clock && vigil.reason == nil)
        let start = RunEvent.Subject(stage: .division, step: .startFirstQuorum, title: "Start")
        vigil.note(RunEvent(.stepFinished(start, observed: "", milliseconds: 1), at: 0, run: "1-model"))
        try await nap(3)
        model.change { $0.hosts[s1]?.file.append(Data("# later\n".utf8)) }
        while told.withLock({ $0.isEmpty }) { try await nap(1) }
        task.cancel()
        await task.value
        #expect(told.withLock { $0.map(\.kind) } == [.file])
        #expect(vigil.reason?.hasPrefix("s1: /etc/zookeeper/conf/zoo.cfg was replaced") == true)
    }

    @Test(
        "nothing that a whole run does itself is taken for another's",
        arguments: MigrationPlan.Strategy.allCases
    )
    func ownRun(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy, kafka: Fixture.kafka)
        let model = ModelFleet(plan: plan)
        let fleet = HandledHosts(model)
        let vigil = DriftVigil(plan, fleet: fleet, timing: Naps().timing)
        let told = Mutex<[Drift]>([])
        let task = Task { await vigil.watch { drift in told.withLock { $0.append(drift) } } }
        let record = try await Fixture.record(plan, model)
        let journal = MemoryJournal()
        try journal.begin(record)
        let elapsed = Mutex(Duration.zero)
        let runner = try Runner(
            plan: plan,
            run: record,
            fleet: fleet,
            ensembles: model,
            journal: journal,
            timing: Timing(
                now: { model.model.clock },
                monotonic: { elapsed.withLock { $0 } },
                sleep: { pause in
                    elapsed.withLock { $0 += pause }
                    await Task.yield()
                }
            ),
            report: { vigil.note($0) },
            confirm: { _ in true },
            stopRequest: { vigil.reason.map { .atRestingPlace(because: $0) } ?? .none }
        )
        #expect(try await runner.perform().isFinished)
        task.cancel()
        await task.value
        #expect(told.withLock { $0 } == [])
    }

    /// Never waits long, and counts how often it was asked to.
    private final class Naps: Sendable {
        private let taken = Mutex(0)

        var count: Int { taken.withLock { $0 } }
        var timing: Timing {
            Timing(
                now: { 0 },
                monotonic: { .zero },
                sleep: { _ in
                    self.taken.withLock { $0 += 1 }
                    await Task.yield()
                }
            )
        }
    }
}
