import AgentServer
import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@Suite("The lease, event by event")
struct LeaseKeeperTests {
    private func at(_ seconds: Int64) -> Moment {
        Moment(sinceBoot: .seconds(500 + seconds), unixMilliseconds: 1_000_000 + seconds * 1000)
    }

    /// - Parameter since: when it was granted first, if it is a renewal.
    private func record(
        _ lease: Lease,
        _ holder: String,
        at seconds: Int64,
        since first: Int64? = nil,
        for length: Int = 30
    ) -> LeaseRecord {
        LeaseRecord(
            latest: lease,
            current: .init(
                holder: holder,
                expiresAt: 1_000_000 + (seconds + Int64(length)) * 1000,
                secondsToLive: length,
                since: 1_000_000 + (first ?? seconds) * 1000
            )
        )
    }

    @Test("a first lease is stored, allows commands until it lapses, and can be renewed after that")
    func lifetime() throws {
        var keeper = LeaseKeeper(record: nil, now: at(0))
        let lease = try Sample.lease()
        #expect(keeper.handle(.commanded(lease: lease, by: "ops"), at: at(0)) == .refuse(refusal: .noLease))
        #expect(
            keeper.handle(.requested(request: Sample.request(lease), by: "ops"), at: at(0))
                == .store(record: record(lease, "ops", at: 0))
        )
        #expect(keeper.handle(.commanded(lease: lease, by: "ops"), at: at(29)) == .allow)
        #expect(keeper.handle(.commanded(lease: lease, by: "ops"), at: at(30)) == .refuse(refusal: .noLease))
        #expect(
            keeper.handle(.requested(request: Sample.request(lease), by: "ops"), at: at(40))
                == .store(record: record(lease, "ops", at: 40, since: 0))
        )
        #expect(keeper.handle(.commanded(lease: lease, by: "ops"), at: at(41)) == .allow)
    }

    @Test(
        "a place goes with the lease: a renewal without one keeps it, another lease and a release forget it, no record has it"
    )
    func place() throws {
        var keeper = LeaseKeeper(record: nil, now: at(0))
        let lease = try Sample.lease()
        let place = RunPlace(stage: "join", step: "join.files", title: "Write files", since: 5, window: 1600)
        let placed = LeaseRequest(lease: lease, secondsToLive: 30, place: place)
        #expect(
            keeper.handle(.requested(request: placed, by: "ops"), at: at(0))
                == .store(record: record(lease, "ops", at: 0))
        )
        #expect(keeper.state.place == place)
        _ = keeper.handle(.requested(request: Sample.request(lease), by: "ops"), at: at(1))
        #expect(keeper.state.place == place)
        let next = Sample.request(try Sample.lease("run-2", 2), takeOver: true)
        _ = keeper.handle(.requested(request: next, by: "ops"), at: at(2))
        #expect(keeper.state.place == nil)
        let last = LeaseRequest(lease: next.lease, secondsToLive: 30, place: place)
        _ = keeper.handle(.requested(request: last, by: "ops"), at: at(3))
        #expect(keeper.state.place == place)
        _ = keeper.handle(.released(lease: next.lease, by: "ops"), at: at(4))
        #expect(keeper.state.place == nil)
    }

    @Test("a place that somebody else wrote is short and on one line, and its numbers are bounded")
    func foreignPlace() throws {
        let text = String(repeating: "x", count: 5000)
        let json = #"{"stage":"a\u001b[2J\nb","title":"\#(text)","since":1}"#
        let place = try WireJSON.decode(RunPlace.self, from: Data(json.utf8))
        #expect(place.title.count == 160 && !place.stage.contains("\n") && !place.stage.contains("\u{1B}"))
        for wrong in [
            #"{"stage":"a","title":"b","since":999253402300799999}"#,
            #"{"stage":"a","title":"b","since":1,"window":-1}"#,
        ] {
            #expect(throws: WireProblem.self) { try WireJSON.decode(RunPlace.self, from: Data(wrong.utf8)) }
        }
    }

    @Test("a lower epoch is superseded, and so is the same epoch of another run")
    func superseded() throws {
        var keeper = LeaseKeeper(record: record(try Sample.lease("a", 5), "ops", at: 0), now: at(0))
        let gone = LeaseKeeper.Action.refuse(refusal: .superseded(highest: FencingEpoch(5)))
        for lease in [try Sample.lease("a", 4), try Sample.lease("b", 5)] {
            #expect(keeper.handle(.commanded(lease: lease, by: "ops"), at: at(1)) == gone)
            #expect(keeper.handle(.released(lease: lease, by: "ops"), at: at(1)) == gone)
            let takeOver = Sample.request(lease, takeOver: true)
            #expect(keeper.handle(.requested(request: takeOver, by: "ops"), at: at(1)) == gone)
            #expect(keeper.handle(.requested(request: takeOver, by: "ops"), at: at(1000)) == gone)
        }
    }

    @Test("another holder takes a living lease over only with a higher epoch, a lapsed one with the same")
    func takeOverOfTheSameLease() throws {
        let lease = try Sample.lease("a", 3)
        var keeper = LeaseKeeper(record: record(lease, "ops", at: 0), now: at(0))
        #expect(
            keeper.handle(.requested(request: Sample.request(lease, takeOver: true), by: "eve"), at: at(1))
                == .refuse(refusal: .superseded(highest: FencingEpoch(3)))
        )
        #expect(keeper.handle(.commanded(lease: lease, by: "ops"), at: at(1)) == .allow)
        #expect(
            keeper.handle(.requested(request: Sample.request(lease), by: "eve"), at: at(31))
                == .store(record: record(lease, "eve", at: 31))
        )
    }

    @Test("another run waits until the lease lapses, or takes over; then the first one is superseded")
    func takeOver() throws {
        let first = try Sample.lease("a", 1)
        let second = try Sample.lease("b", 2)
        let held = LeaseKeeper(record: record(first, "ops", at: 0), now: at(0))
        var keeper = held
        #expect(
            keeper.handle(.requested(request: Sample.request(second), by: "eve"), at: at(1))
                == .refuse(refusal: .leaseHeld(state: held.state))
        )
        #expect(
            keeper.handle(.requested(request: Sample.request(second, takeOver: true), by: "eve"), at: at(1))
                == .store(record: record(second, "eve", at: 1))
        )
        #expect(
            keeper.handle(.commanded(lease: first, by: "ops"), at: at(1))
                == .refuse(refusal: .superseded(highest: FencingEpoch(2)))
        )
        var patient = held
        #expect(
            patient.handle(.requested(request: Sample.request(second), by: "eve"), at: at(30))
                == .store(record: record(second, "eve", at: 30))
        )
    }

    @Test("the same run may raise its own epoch, but another coordinator's name may not use its lease")
    func sameRun() throws {
        let first = try Sample.lease("a", 1)
        let second = try Sample.lease("a", 2)
        var keeper = LeaseKeeper(record: record(first, "ops", at: 0), now: at(0))
        let held = LeaseKeeper.Action.refuse(refusal: .leaseHeld(state: keeper.state))
        #expect(keeper.handle(.commanded(lease: first, by: "eve"), at: at(1)) == held)
        #expect(keeper.handle(.released(lease: first, by: "eve"), at: at(1)) == held)
        #expect(keeper.handle(.requested(request: Sample.request(first), by: "eve"), at: at(1)) == held)
        #expect(
            keeper.handle(.requested(request: Sample.request(second), by: "ops"), at: at(1))
                == .store(record: record(second, "ops", at: 1))
        )
    }

    @Test("a released lease allows nothing, and its epoch stays the highest")
    func released() throws {
        let lease = try Sample.lease("a", 3)
        var keeper = LeaseKeeper(record: record(lease, "ops", at: 0), now: at(0))
        #expect(
            keeper.handle(.released(lease: lease, by: "ops"), at: at(1))
                == .store(record: LeaseRecord(latest: lease, current: nil))
        )
        #expect(keeper.handle(.released(lease: lease, by: "ops"), at: at(1)) == .answer)
        #expect(keeper.handle(.commanded(lease: lease, by: "ops"), at: at(1)) == .refuse(refusal: .noLease))
        #expect(keeper.state.highestEpoch == FencingEpoch(3))
        #expect(
            keeper.handle(.requested(request: Sample.request(try Sample.lease("b", 2)), by: "eve"), at: at(1))
                == .refuse(refusal: .superseded(highest: FencingEpoch(3)))
        )
    }

    @Test("a renewal that arrives after the release grants nothing, over a restart too; a higher epoch does")
    func lateRenewal() throws {
        let lease = try Sample.lease("a", 3)
        var keeper = LeaseKeeper(record: record(lease, "ops", at: 0), now: at(0))
        guard case .store(let released) = keeper.handle(.released(lease: lease, by: "ops"), at: at(1)) else {
            Issue.record("not released")
            return
        }
        let spent = LeaseKeeper.Action.refuse(refusal: .superseded(highest: FencingEpoch(3)))
        var restarted = LeaseKeeper(record: released, now: at(2))
        for takeOver in [false, true] {
            let late = LeaseKeeper.Event.requested(
                request: Sample.request(lease, takeOver: takeOver),
                by: "ops"
            )
            #expect(keeper.handle(late, at: at(2)) == spent)
            #expect(restarted.handle(late, at: at(2)) == spent)
        }
        #expect(keeper.state.current == nil)
        #expect(restarted.state.current == nil)
        let next = try Sample.lease("a", 4)
        #expect(
            restarted.handle(.requested(request: Sample.request(next), by: "ops"), at: at(3))
                == .store(record: record(next, "ops", at: 3))
        )
    }

    @Test("after a restart the lease has the time left that it had, and never more than was granted")
    func restart() throws {
        let lease = try Sample.lease("a", 3)
        let stored = record(lease, "ops", at: 0)
        var later = LeaseKeeper(record: stored, now: at(10))
        #expect(later.handle(.commanded(lease: lease, by: "ops"), at: at(29)) == .allow)
        #expect(later.handle(.commanded(lease: lease, by: "ops"), at: at(30)) == .refuse(refusal: .noLease))
        var clockSetBack = LeaseKeeper(record: stored, now: at(-100_000))
        #expect(clockSetBack.handle(.commanded(lease: lease, by: "ops"), at: at(-100_000 + 29)) == .allow)
        #expect(
            clockSetBack.handle(.commanded(lease: lease, by: "ops"), at: at(-100_000 + 30))
                == .refuse(refusal: .noLease)
        )
    }

    @Test(
        "an epoch further above the highest than runs can have raised it is refused, a million is not",
        arguments: [(0, 1_000_000), (7, 1_000_007), (5_000_000_000, 5_001_000_000)] as [(UInt64, UInt64)]
    )
    func reach(highest: UInt64, last: UInt64) throws {
        let record = highest == 0 ? nil : LeaseRecord(latest: try Sample.lease("a", highest), current: nil)
        for takeOver in [false, true] {
            for epoch in [last + 1, FencingEpoch.highest.value, .max] {
                var keeper = LeaseKeeper(record: record, now: at(0))
                let far = Sample.request(try Sample.lease("b", epoch), takeOver: takeOver)
                #expect(
                    keeper.handle(.requested(request: far, by: "eve"), at: at(1))
                        == .refuse(refusal: .epochTooFar(highest: FencingEpoch(highest)))
                )
                #expect(keeper.state.highestEpoch == FencingEpoch(highest))
            }
        }
        var keeper = LeaseKeeper(record: record, now: at(0))
        let near = Sample.request(try Sample.lease("b", last))
        guard case .store = keeper.handle(.requested(request: near, by: "ops"), at: at(1)) else {
            Issue.record("refused")
            return
        }
        let text = "\(Refusal.epochTooFar(highest: FencingEpoch(highest)))"
        #expect(text.contains("mitosis-agent lease reset --epoch"), "\(text)")
    }

    @Test(
        "a record with times at the edge gives no more time than was granted, and ends nothing",
        arguments: [Int64.min, -1, 0, .max],
        [Int.min, -1, 0, 3600, .max]
    )
    func edges(expiresAt: Int64, seconds: Int) throws {
        let lease = try Sample.lease("a", 3)
        let current = LeaseRecord.Current(holder: "ops", expiresAt: expiresAt, secondsToLive: seconds)
        for now in [Int64.min, -1, 0, 1, .max] {
            let moment = Moment(sinceBoot: .seconds(500), unixMilliseconds: now)
            let keeper = LeaseKeeper(record: LeaseRecord(latest: lease, current: current), now: moment)
            let left = (keeper.state.expiresAt ?? 0).minus(saturating: now)
            #expect((0...3_600_000).contains(left), "\(now)")
        }
    }

    @Test("senseless requests are refused as invalid", arguments: [(0, 1), (3601, 1), (30, 0)])
    func invalid(seconds: Int, epoch: UInt64) throws {
        var keeper = LeaseKeeper(record: nil, now: at(0))
        let request = Sample.request(try Sample.lease("a", epoch), seconds: seconds)
        guard case .refuse(.invalid) = keeper.handle(.requested(request: request, by: "ops"), at: at(0))
        else {
            Issue.record("accepted")
            return
        }
    }
}
