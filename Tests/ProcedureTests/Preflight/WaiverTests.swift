import ControlProtocol
import FoundationEssentials
import Procedure
import Reporting
import Settings
import Testing

@Suite("waivers of checks")
struct WaiverTests {
    private static let waivers = """
        waivers:
          - {check: rule-managers, reason: fail2ban only adds to chains of its own}
          - {check: data-directories, reason: the volume grows on demand}
        """

    private static func fleet(_ plan: MigrationPlan) -> ModelFleet {
        let fleet = ModelFleet(plan: plan)
        fleet.change { model in
            for host in ["d4", "d6"] {
                model.make(host) { $0.managers = [RuleManager(name: "fail2ban-server", pid: 7)] }
            }
            model.make("d5") { $0.diskFree = 1 }
        }
        return fleet
    }

    @Test("a run refuses on failed checks, a line each, and nothing is sent")
    func refused() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let fleet = Self.fleet(plan)
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let lines = try #require(outcome.reason).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(
            lines[0].hasPrefix("data-directories: d5: 1 MiB free for /data, 148 needed. Free space, or mend")
        )
        #expect(
            lines[1].hasPrefix(
                "rule-managers: d4: fail2ban-server runs (pid 7); d6: fail2ban-server runs (pid 7). Stop it for the time"
            )
        )
        #expect(fleet.sent == 0)
    }

    @Test(
        "with waivers the run goes on; it warns, remembers them, and its end repeats them with their reasons"
    )
    func waived() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, waivers: Self.waivers)
        let fleet = Self.fleet(plan)
        let journal = MemoryJournal()
        let tape = EventTape()
        let outcome = try await Fixture.run(plan, fleet, journal) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        ProcedureTests.expectDivided(fleet, plan)
        let waived = [
            "data-directories (the volume grows on demand): d5: 1 MiB free for /data, 148 needed",
            "rule-managers (fail2ban only adds to chains of its own): d4: fail2ban-server runs (pid 7); d6: "
                + "fail2ban-server runs (pid 7)",
        ]
        #expect(journal.record?.facts.waived == waived)
        #expect(tape.messages(.warning) == waived.map { "waived: " + $0 } + waived)
        #expect(tape.kinds.suffix(3) == [.warning, .warning, .runFinished])
    }

    @Test("a run that is continued repeats at its end what was waived at its beginning")
    func continued() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, waivers: Self.waivers)
        let fleet = Self.fleet(plan)
        let journal = MemoryJournal()
        journal.die(after: "join.start-seeds")
        await #expect(throws: JournalError.self) { try await Fixture.run(plan, fleet, journal) }
        journal.die(after: nil)
        #expect(journal.record?.facts.waived.count == 2)
        let tape = EventTape()
        var record = try #require(journal.record)
        record.epoch = FencingEpoch(2)
        let outcome = try await Fixture.perform(plan, record, fleet, journal) { tape.record($0) }
        let isFinished = outcome.isFinished
        #expect(isFinished, "\(outcome)")
        #expect(tape.messages(.warning).count { $0.contains("the volume grows on demand") } == 1)
    }

    @Test("a waiver of a check that passes is a warning, with its line")
    func notNeeded() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, waivers: Self.waivers)
        let fleet = ModelFleet(plan: plan)
        let tape = EventTape()
        let journal = MemoryJournal()
        _ = try await Fixture.run(plan, fleet, journal, confirm: false) { tape.record($0) }
        let line = try #require(plan.waivers.first { $0.check == .ruleManagers }?.line)
        #expect(
            tape.messages(.warning).contains(
                "rule-managers: it is waived, and that is not needed: none on 3 hosts. Remove the waiver on line "
                    + "\(line) of the plan"
            )
        )
        #expect(journal.record?.facts.waived == [])
    }

    @Test("only what is named is waived")
    func others() async throws {
        let plan = try Fixture.plan(source: 3, destination: 3, waivers: Self.waivers)
        let fleet = Self.fleet(plan)
        fleet.change { $0.make("d4") { $0.leftRules = 1 } }
        let outcome = try await Fixture.run(plan, fleet, MemoryJournal())
        let reason = try #require(outcome.reason)
        #expect(reason.hasPrefix("leftover-rules: d4 has 1 rules of ours") && !reason.contains("\n"))
    }

    @Test("the report counts, and shows one line a check with what to do below")
    func text() throws {
        let plan = try Fixture.plan(source: 3, destination: 3)
        let findings = [
            Finding(name: .agents, title: "t", verdict: .pass, reason: "6 agents"),
            Finding(name: .clocks, title: "t", verdict: .warn, reason: "s1: late", remedy: "Set it"),
            Finding(name: .seeds, title: "t", verdict: .fail, reason: "two\nlines", remedy: "Leave them"),
            Finding(
                name: .ruleManagers,
                title: "t",
                verdict: .waived,
                reason: "d1",
                remedy: "Stop",
                waiver: "lab"
            ),
        ]
        let report = PreflightReport(plan.name, plan.strategy, findings)
        #expect(
            PreflightPrinter(report).text == """
                ok      agents         6 agents
                warn    clocks         s1: late
                                       Set it
                FAIL    seeds          two lines
                                       Leave them
                waived  rule-managers  d1
                                       because lab
                                       Stop

                model: 4 checks: 1 passed, 1 warned, 1 failed, 1 waived

                """
        )
        let decoded = try JSONDecoder().decode(
            PreflightReport.self,
            from: Data(try PreflightPrinter(report).json().utf8)
        )
        #expect(decoded == report && !decoded.isClear)
    }
}
