import Fleet
import Procedure
import Settings
import Testing
import Topology

@Suite("what the destination's servers were started with", .serialized)
struct JoinedFlagsTests {
    @Test(
        "what the destination's JVMs were started with is judged before the division: the joint ensemble stays",
        arguments: MigrationPlan.Strategy.allCases
    )
    func flags(_ strategy: MigrationPlan.Strategy) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, strategy: strategy)
        let fleet = ModelFleet(plan: plan)
        let record = try await Fixture.record(plan, fleet)
        let journal = MemoryJournal()
        try journal.begin(record)
        let declined = try await Fixture.perform(plan, record, fleet, journal, confirm: false)
        #expect(declined.reason?.contains("not confirmed") == true, "\(declined)")
        let host = plan.seeds[0].host
        let observers = [
            (
                "zookeeper.observer.syncEnabled", "no",
                "observer-sync: \(host): its process was started with -D"
            )
        ]
        let all = [
            ("zookeeper.leaderServes", "no", "configuration-files: \(host): its process was started with -D"),
            (
                "zookeeper.DigestAuthenticationProvider.digestAlg", "SHA-512",
                "readable-data: \(host): DigestAuthenticationProvider.digestAlg is not that of s1"
            ),
        ]
        for (name, value, said) in all + (strategy == .observers ? observers : []) {
            fleet.change { $0.hosts[host]?.javaProperties[name] = value }
            let outcome = try await Fixture.resume(plan, fleet, journal)
            #expect(outcome.standing == .joint)
            #expect(outcome.reason?.contains(said) == true, "\(outcome)")
            fleet.change { $0.hosts[host]?.javaProperties[name] = nil }
        }
    }
}
