import Glibc
import Procedure
import Settings
import Testing

/// Whatever happens, in whatever order: invariants hold on every path, and every path can be gone to its end.
@Suite("simulated histories", .serialized)
struct SimulationTests {
    /// How many a test run has time for: a sample.
    private static let standard: UInt64 = 60

    /// How many, and from which seed on; `make faults` sets more.
    private static func number(_ name: String, or standard: UInt64) -> UInt64 {
        getenv(name).flatMap { UInt64(String(cString: $0)) } ?? standard
    }

    @Test("every history ends divided or is taken back and divided then, with nothing lost and nothing left")
    func histories() async throws {
        let first = Self.number("MITOSIS_SEED", or: 1)
        let count = Self.number("MITOSIS_HISTORIES", or: Self.standard)
        var counts = SimulatedHistory.Counts()
        var bad = 0
        for seed in first..<first + count {
            var history = try SimulatedHistory(seed: seed)
            let problems = try await history.play()
            counts += history.counts
            guard !problems.isEmpty else { continue }
            bad += 1
            let tale = history.tale.joined(separator: "\n  ")
            if bad <= 10 {
                Issue.record("MITOSIS_SEED=\(seed): \(problems.joined(separator: "; "))\n  \(tale)")
            }
        }
        // For who reads the log of a long run.
        print("seeds \(first)..<\(first + count): \(counts); \(bad) bad")
        #expect(bad == 0)
    }

    @Test("what they are judged by notices walls that hold nothing off, in whole histories")
    func hollowWalls() async throws {
        var found: [String] = []
        for seed: UInt64 in 1...Self.standard where found.isEmpty {
            var history = try SimulatedHistory(seed: seed)
            history.fleet.change { $0.areWallsHollow = true }
            found = try await history.play().filter { $0.contains("I1: ") }
        }
        #expect(!found.isEmpty)
    }

    /// Why not all seeds run before every source node has the joint view.
    @Test(
        "what they are judged by notices two leaders, which the seed that is held back would bring about",
        arguments: [true, false]
    )
    func twoLeaders(_ isHeldBack: Bool) async throws {
        let stand = try await WithdrawalTests.stopped(.participants, after: "join.roll-source-1")
        let later = try #require(stand.plan.seeds.last?.host)
        let leader = try #require(stand.fleet.model.leader(for: stand.plan.source[0].host))
        stand.fleet.change { model in
            if !isHeldBack { model.start(later) }
            model.commit()
            model.violations = []
            model.hosts[leader]?.isStalled = true
            model.commit()
            model.hosts[leader]?.isStalled = false
            model.commit()
        }
        let violations = stand.fleet.model.violations
        #expect(violations.contains { $0.contains("lead, all at once") } != isHeldBack, "\(violations)")
    }

    /// That the histories above end well would mean nothing otherwise.
    @Test("what they are judged by notices a division that the freshest node does not lead")
    func judge() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: .observers)
        let (fleet, journal) = (ModelFleet(plan: plan), MemoryJournal())
        _ = try await Fixture.run(plan, fleet, journal, confirm: false)
        fleet.change { model in
            for seed in plan.seeds.dropLast() { model.hosts[seed.host]?.isBehind = true }
            for _ in 0..<20 { model.commit() }
            model.liar = plan.seeds.last?.host
        }
        _ = try await Fixture.resume(plan, fleet, journal)
        let violations = fleet.model.violations
        #expect(violations.first?.hasPrefix("I2: ") == true, "\(violations)")
    }
}
