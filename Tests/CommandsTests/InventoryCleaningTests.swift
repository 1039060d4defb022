import ControlProtocol
import Fleet
import Reporting
import Settings
import Testing
import Topology

@testable import Commands

@Suite("Cleaning an inventory's hosts of rules, without a plan", .timeLimit(.minutes(10)))
struct InventoryCleaningTests {
    private static let refused = "refused, nothing was changed: "

    private static func line(_ told: CleaningFixture.Told, _ host: String) -> String {
        told.lines.first { $0.hasPrefix("\(host): ") } ?? ""
    }

    @Test(
        "walls between ensembles that run apart go; a host with nothing of ours gets neither lease nor command"
    )
    func apart() async throws {
        let fixture = try CleaningFixture()
        try fixture.divide()
        let told = try await fixture.clean()
        let clear = ["s1", "s2", "s3"].map { "\($0): clean; nothing of ours was there" }
        #expect(told.lines == clear + ["d4", "d5", "d6"].map { "\($0): clean; 4 rules removed" })
        let asked = fixture.fleet.calls.compactMap { call in
            if case .acquire(let host, _, _) = call { host.description } else { nil }
        }
        #expect(asked.sorted() == ["d4", "d5", "d6"])
        #expect(
            CleaningText(json: false).end(told.board)
                == "6 hosts: 6 proven clean, 0 refused, 0 unreachable, 0 failed, 0 stopped\n"
        )
    }

    @Test("no rules now, but an agent that would put some back: it is told to remove them")
    func watched() async throws {
        let fixture = try CleaningFixture()
        try fixture.fleet.change("s1") {
            $0.rules = 0
            $0.isWatched = true
        }
        _ = try await fixture.clean()
        #expect(fixture.fleet.commands(to: "s1").count == 1)
    }

    @Test(
        "a host that a lapsed lease of an unfinished run is on is refused, by the run's name; one of a cleaning is not"
    )
    func unfinished() async throws {
        let fixture = try CleaningFixture()
        try fixture.divide()
        let run = Lease(runID: try #require(RunID("1764-kafka")), epoch: FencingEpoch(2))
        let cleaning = Lease(
            runID: try #require(RunID.cleaning("clean", of: "hosts", at: 7)),
            epoch: FencingEpoch(2)
        )
        for (host, lease) in [("d4", run), ("d5", cleaning)] {
            try fixture.fleet.change(host) {
                $0.lease = lease
                $0.epoch = 2
                $0.expiresAt = -1000
            }
        }
        let told = try await fixture.clean()
        #expect(
            Self.line(told, "d4").hasPrefix(
                "d4: \(Self.refused)run 1764-kafka of test has never given its lease back (it lapsed at 1969-12-31T23:59:59Z)"
            )
        )
        #expect(Self.line(told, "d5") == "d5: clean; 4 rules removed")
        #expect(Self.line(told, "d6") == "d6: clean; 4 rules removed")
    }

    @Test("a host whose own server names the other side is refused, and so is one whose walled peer names it")
    func mixedViews() async throws {
        let fixture = try CleaningFixture()
        try fixture.divide()
        let joint = fixture.run.plan.sourceMembers + fixture.run.plan.destinationMembers
        try fixture.fleet.change("d4") { $0.view = joint }
        let own = try await fixture.clean()
        #expect(
            Self.line(own, "d4")
                == "d4: \(Self.refused)/zoo.cfg names server.1 at '198.51.100.11', from the other side of the wall"
        )
        #expect(Self.line(own, "d5") == "d5: clean; 4 rules removed")

        let other = try CleaningFixture()
        try other.divide()
        try other.fleet.change("s2") { $0.view = joint }
        let told = try await other.clean()
        for host in ["d4", "d5", "d6"] {
            #expect(
                Self.line(told, host).hasPrefix(
                    "\(host): \(Self.refused)it is walled off from s2, where /zoo.cfg names server."
                )
            )
        }
        #expect(other.fleet.calls.isEmpty)
        #expect(RuleCleaning.isClean(try await other.clean(force: true).board))
    }

    @Test(
        "what cannot be read speaks against it: a walled peer's views, and an address that is no host of the inventory"
    )
    func unknown() async throws {
        let fixture = try CleaningFixture()
        try fixture.divide()
        try fixture.fleet.change("s3") { $0.hidesView = true }
        let stranger = try #require(IPAddress("10.1.2.3"))
        try fixture.fleet.change("d6") { $0.walled = [stranger] }
        let harmless = try #require(IPAddress("192.0.2.7"))
        try fixture.fleet.change("d5") { $0.walled = [harmless] }
        let told = try await fixture.clean()
        #expect(
            Self.line(told, "d4").contains("it is walled off from s3, where /zoo.cfg cannot be read")
        )
        #expect(Self.line(told, "d5") == "d5: clean; 4 rules removed")
        #expect(
            Self.line(told, "d6").contains("its rules cut off 10.1.2.3, which is no host of this inventory")
        )
    }

    @Test("--until-clean keeps at a host that comes back late, and at those that wait for it")
    func untilClean() async throws {
        let fixture = try CleaningFixture()
        try fixture.divide()
        try fixture.fleet.change("s1") { $0.silentLooks = 40 }
        let once = try await fixture.clean()
        #expect(Self.line(once, "s1") == "s1: not cleaned, no answer: nobody is there")
        #expect(Self.line(once, "d4").contains("it is walled off from s1, and what runs there is not known"))
        let told = try await fixture.clean(untilClean: true)
        #expect(RuleCleaning.isClean(told.board))
        #expect(told.pauses.contains("s1: not yet: nobody is there"))
    }

    @Test("asked to stop, it tries nothing new and says what it did not get to")
    func stopped() async throws {
        let fixture = try CleaningFixture()
        try fixture.divide()
        try fixture.fleet.change("s1") { $0.isSilent = true }
        let (stop, asking) = AsyncStream<Void>.makeStream()
        let told = try await fixture.clean(untilClean: true, stop: stop) { action in
            if case .hindered(let host, _) = action, host.description == "d4" { asking.yield() }
        }
        #expect(Self.line(told, "s1") == "s1: not cleaned, stopped: nobody is there")
        #expect(Self.line(told, "s2") == "s2: clean; nothing of ours was there")
        #expect(Self.line(told, "d4").hasPrefix("d4: not cleaned, stopped: it is walled off from s1"))
        #expect(!RuleCleaning.isClean(told.board) && fixture.fleet.calls.isEmpty)
    }

    @Test("for programs: a line of JSON each, and the sum")
    func json() throws {
        let host = try HostName.parsed("s1")
        let text = CleaningText(json: true)
        #expect(
            text.line(.end(host, .clean(removed: 4), forced: nil))
                == #"{"host":"s1","removed":4,"result":"clean"}"# + "\n"
        )
        #expect(
            text.line(.end(host, .refused(reason: "a \u{1B}[2J"), forced: nil))
                == #"{"host":"s1","reason":"a \u001b[2J","result":"refused"}"# + "\n"
        )
        #expect(
            text.line(.hindered(host, reason: "gone"))
                == #"{"host":"s1","reason":"gone","result":"waiting"}"# + "\n"
        )
    }
}
