import ControlProtocol
import Fleet
import SystemCalls
import Testing

@Suite("Leases on all hosts of a run", .timeLimit(.minutes(10)))
struct LeasesTests {
    private static func leases(_ hosts: [HostName], _ fleet: ScriptedFleet) -> Leases {
        Leases(hosts: hosts, fleet: fleet, timing: Elapsed().timing)
    }

    @Test("every host is asked, for a minute, and told when another run's lease is to be taken over")
    func takeOver() async throws {
        let hosts = try Sample.hosts(3)
        let lease = try Sample.lease(4)
        for takeOver in [false, true] {
            let fleet = ScriptedFleet()
            try await Self.leases(hosts, fleet).acquire(lease, takeOver: takeOver)
            let request = LeaseRequest(lease: lease, secondsToLive: 60, takeOver: takeOver)
            #expect(Set(fleet.calls) == Set(hosts.map { .acquire($0, request) }))
            #expect(fleet.calls.count == 3)
        }
    }

    @Test("when one agent refuses, every host's lease is given back and the refusal is thrown")
    func allOrNone() async throws {
        let hosts = try Sample.hosts(3)
        let lease = try Sample.lease()
        let held = Refusal.leaseHeld(
            state: LeaseState(
                highestEpoch: FencingEpoch(1),
                current: try Sample.lease(),
                holder: "ops",
                expiresAt: nil
            )
        )
        let fleet = ScriptedFleet(grant: { host, _ throws(FleetError) in
            if host == hosts[1] { throw .refused(host: host, refusal: held) }
        })
        await #expect(throws: FleetError.refused(host: hosts[1], refusal: held)) {
            try await Self.leases(hosts, fleet).acquire(lease, takeOver: false)
        }
        #expect(Set(fleet.calls.suffix(3)) == Set(hosts.map { .release($0, lease) }))
        #expect(fleet.calls.count == 6)
    }

    @Test("of several refusals the first host's is thrown, whichever came first")
    func firstRefusal() async throws {
        let hosts = try Sample.hosts(9)
        let fleet = ScriptedFleet(grant: { host, _ throws(FleetError) in
            if host == hosts[2] { for _ in 0..<20 { await Task.yield() } }
            if host >= hosts[2] { throw .unreachable(host: host, reason: "cable") }
        })
        await #expect(throws: FleetError.unreachable(host: hosts[2], reason: "cable")) {
            try await Self.leases(hosts, fleet).acquire(try Sample.lease(), takeOver: false)
        }
    }

    @Test("a release asks every host, whatever becomes of the others")
    func release() async throws {
        let hosts = try Sample.hosts(3)
        let fleet = ScriptedFleet()
        await Self.leases(hosts, fleet).release(try Sample.lease())
        #expect(Set(fleet.calls) == Set(try hosts.map { .release($0, try Sample.lease()) }))
    }

    @Test("no epoch is chosen before every agent has said which it knows")
    func nextEpoch() async throws {
        let hosts = try Sample.hosts(2)
        let fleet = ScriptedFleet(statuses: [hosts[0]: .silent(reason: "cable")])
        await #expect(throws: FleetError.broken(host: hosts[0], reason: "cable")) {
            try await Self.leases(hosts, fleet).nextEpoch()
        }
        await #expect(throws: FleetError.unreachable(host: hosts[1], reason: "not observed")) {
            try await Self.leases([hosts[1]], fleet).nextEpoch()
        }
    }
}
