import ControlProtocol
import Fleet
import Procedure
import Testing
import Topology

@Suite("room for transactions")
struct ZxidHeadroomTests {
    @Test(
        "an epoch that is nearly used up is told before it brings an election by surprise",
        arguments: [
            (UInt32(5), "holds"), (.max - 1 << 26, "holds"), (.max - 1 << 26 + 1, "warns"),
            (.max - 1 << 22, "warns"), (.max - 1 << 22 + 1, "never"), (.max, "never"),
        ]
    )
    func counter(_ counter: UInt32, _ expected: String) async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        fleet.change { model in
            for server in plan.source { model.hosts[server.host]?.memory = Zxid(epoch: 7, counter: counter) }
        }
        let subject = SurveyedPlan(plan: plan, survey: await Survey.take(of: plan, through: fleet))
        let view = FleetView(hosts: await fleet.observe(plan.source.map(\.host)))
        switch Check.zxidHeadroom(subject).gate.judge(view, RunFacts()) {
        case .holds: #expect(expected == "holds")
        case .warns(let observed):
            #expect(expected == "warns")
            #expect(observed.contains("\(UInt32.max - counter) more"), "\(observed)")
        case .never(let reason):
            #expect(expected == "never")
            #expect(reason.contains("0x7"), "\(reason)")
        case .waiting(let reason): Issue.record("\(reason)")
        }
    }
}
