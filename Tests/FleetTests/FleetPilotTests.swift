import ControlProtocol
import Fleet
import SystemCalls
import Testing
import Topology

@Suite("Walls for a trial, on many hosts")
struct FleetPilotTests {
    private static func status(_ host: HostName, lease: Lease? = nil) -> Observation {
        .status(
            HostStatus(
                host: host,
                agentVersion: "test",
                protocolVersion: 1,
                clock: 1000,
                agentStartedAt: 0,
                lease: LeaseState(
                    highestEpoch: FencingEpoch(4),
                    current: lease,
                    holder: lease.map { _ in "ops" },
                    expiresAt: lease.map { _ in 5000 },
                    since: lease.map { _ in 0 }
                ),
                rules: InstalledRules(backend: .nftables, wall: nil, count: 0, counters: [], listing: ""),
                zookeeper: nil
            )
        )
    }

    @Test(
        "each host is tried by itself: passed, of a live run, refused by its agent, dead, or none that needs a wall"
    )
    func outcomes() async throws {
        let hosts = try Sample.hosts(5)
        let report = PilotReport(
            backend: .nftables,
            rules: 6,
            upMilliseconds: 9,
            downMilliseconds: 5,
            interference: []
        )
        let answer: ScriptedFleet.Perform = { host, _ throws(FleetError) in
            host == hosts[0]
                ? .done(result: .piloted(report: report))
                : .refused(refusal: .invalid(reason: "rules of ours stand"))
        }
        let fleet = ScriptedFleet(
            statuses: [
                hosts[0]: Self.status(hosts[0]), hosts[1]: Self.status(hosts[1], lease: try Sample.lease(4)),
                hosts[2]: Self.status(hosts[2]), hosts[3]: .silent(reason: "no route"),
                hosts[4]: Self.status(hosts[4]),
            ],
            perform: answer
        )
        let pilot = FleetPilot(
            fleet: fleet,
            timing: .system,
            run: try #require(RunID.cleaning("pilot", of: "hosts", at: 1)),
            wall: .pilot(peers: 1, scope: .allTCP)
        )
        var told: [HostName: FleetPilot.Outcome] = [:]
        let asked = hosts.map { FleetPilot.Host($0, isMeant: $0 == hosts[4] ? nil : true) }
        await pilot.perform(on: asked) { told[$0] = $1 }
        #expect(told[hosts[0]] == .passed(report))
        #expect(
            told[hosts[1]]
                == .refused(
                    reason:
                        "run run of ops holds this host's lease since 1970-01-01T00:00:00Z and may need the wall; let it "
                        + "end, or stop it, then repeat"
                )
        )
        #expect(told[hosts[2]] == .refused(reason: "its agent refused: rules of ours stand"))
        #expect(told[hosts[3]] == .unreachable(reason: "no route"))
        #expect(told[hosts[4]] == .notMeant)
        let granted = fleet.calls.compactMap { call in
            if case .acquire(let host, let request) = call { "\(host) \(request.lease.epoch)" } else { nil }
        }
        #expect(granted.sorted() == ["s1 5", "s3 5"])
        #expect(fleet.calls.count { if case .release = $0 { true } else { false } } == 2)
    }
}
