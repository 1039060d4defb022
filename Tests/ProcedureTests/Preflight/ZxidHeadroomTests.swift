import ControlProtocol
import Fleet
import Procedure
import Settings
import Testing
import Topology

@Suite("room for transactions")
struct ZxidHeadroomTests {
    @Test(
        "an epoch that is nearly used up is told before it brings an election by surprise",
        arguments: zip(
            [UInt32.max - 5, 67_108_864, 67_108_863, 4_194_304, 4_194_303, 0],
            ["holds", "holds", "warns", "warns", "never", "never"]
        )
    )
    func room(left: UInt32, _ expected: String) async throws {
        let counter = UInt32.max - left
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = ModelFleet(plan: plan)
        let subject = SurveyedPlan(plan: plan, survey: await Survey.take(of: plan, through: fleet))
        fleet.change { model in
            for server in plan.source { model.hosts[server.host]?.memory = Zxid(epoch: 7, counter: counter) }
        }
        let model = fleet.model
        let statuses = plan.source.compactMap { server in
            model.status(server.host).map { (server.host, Observation.status($0)) }
        }
        let view = FleetView(hosts: Dictionary(uniqueKeysWithValues: statuses))
        switch Check.zxidHeadroom(subject).gate.judge(view, RunFacts()) {
        case .holds: #expect(expected == "holds")
        case .warns(let observed):
            #expect(expected == "warns")
            #expect(observed.contains("\(left) more"), "\(observed)")
        case .never(let reason):
            #expect(expected == "never")
            #expect(reason.contains("0x7"), "\(reason)")
        case .waiting(let reason): Issue.record("\(reason)")
        }
    }
}
