import ArgumentParser
import ControlProtocol
import Journal
import Procedure
import Settings
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("The plan that a run began with", .timeLimit(.minutes(10)))
struct RecordedPlanTests {
    @Test("the way back goes by the plan that the run began with, and says what is different in the file")
    func recordedPlan() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        try await fixture.journalRun("r1", upTo: try await fixture.firstOfDivision, journal)
        let record = try #require(try journal.unfinishedRun(plan: "model"))
        let text = try fixture.planText
        try journal.openChain(ChainBeginning(record, planText: text, inventoryText: nil))
        #expect(try RecordedPlan(behind: fixture.plan, in: journal) == nil)
        let back = Runner.Course.back(to: .untouched)
        // A broker that joined the cluster while the run rested.
        let kafka = "kafka:\n  chroot: /kafka\n  brokers: [{id: 9, host: k9, address: 198.51.100.99}]\n"
        let changed = try PlanReader.read(path: try fixture.folder.write(text + kafka, to: "plan.yaml"))
        await expect(complaining: "\(changed.file): changed since run r1 began") {
            _ = try await fixture.conductor(journal, plan: changed).runToPerform(back, FencingEpoch(2))
        }
        let recorded = try #require(try RecordedPlan(behind: changed, in: journal))
        #expect(recorded.plan.digest == fixture.plan.digest && recorded.plan.brokers.isEmpty)
        let told = Mutex<[String]>([])
        var conductor = fixture.conductor(
            journal,
            plan: recorded.plan,
            report: { event in
                guard event.event == .warning, let message = event.message else { return }
                told.withLock { $0.append(message) }
            }
        )
        conductor.planRemark = recorded.remark
        await #expect(throws: ExitCode(1)) { try await conductor.perform(back) }
        let message = try #require(told.withLock { $0.first })
        #expect(
            message.hasPrefix(
                "\(changed.file) was changed since run r1 began; the way back goes by the plan as it was then, which the journal "
                    + "holds:\n--- \(changed.file)\n"
            )
        )
        #expect(message.contains("\n+  brokers: [{id: 9, host: k9,"))
        // Past the point of no return nothing goes back, and no way back is offered.
        let run = record.id
        for step: StepID in ["division.detach", "division.start"] {
            try journal.intent(step, attempt: 1, commands: [], at: 2, of: run)
            try journal.verdict(step, attempt: 1, .done(observed: "seen"), at: 3, of: run)
        }
        await expect(
            complaining:
                "\(changed.file): changed since run r1 began, which has not finished; put back the file as it was:"
        ) {
            _ = try await fixture.conductor(journal, plan: changed).runToPerform(.forward, FencingEpoch(2))
        }
        await expect(complaining: "run r1 is divided, and is not taken back") {
            _ = try await fixture.conductor(journal, plan: recorded.plan).runToPerform(back, FencingEpoch(2))
        }
    }

    @Test(
        "an inventory that was changed since is taken as it was, too; a plan that cannot be used any more is told"
    )
    func recordedInventory() async throws {
        let fixture = try RunFixture()
        let journal = try fixture.openJournal()
        let host = { (name: String, number: Int) in "  - {host: \(name), address: 198.51.100.\(number)}\n" }
        let names = ["s1", "s2", "s3", "d4", "d5", "d6"]
        let hosts = zip(names, 11...).map { host($0, $1) }.joined()
        let inventory =
            "version: 1\nname: hosts\npki: {directory: ./pki, coordinator: test}\nhosts:\n" + hosts
        let place = try fixture.folder.write(inventory, to: "hosts.yaml")
        let servers = { (first: Int, letter: String) in
            (first...(first + 2)).map { "    - {id: \($0), host: \(letter)\($0)}\n" }.joined()
        }
        let text =
            "version: 1\nname: other\ninventory: hosts.yaml\nsource:\n  servers:\n\(servers(1, "s"))"
            + "destination:\n  servers:\n\(servers(4, "d"))"
        let path = try fixture.folder.write(text, to: "other.yaml")
        let plan = try PlanReader.read(path: path)
        let begin = { (name: String, planText: String) in
            let record = RunRecord(
                id: try #require(RunID(name)),
                plan: plan.name,
                planDigest: plan.digest,
                startedAt: 0,
                survey: Survey(files: []),
                epoch: FencingEpoch(1)
            )
            try journal.begin(record)
            try journal.openChain(ChainBeginning(record, planText: planText, inventoryText: inventory))
        }
        try begin("r1", text)
        _ = try fixture.folder.write(inventory + host("k9", 99), to: "hosts.yaml")
        let changed = try PlanReader.read(path: path)
        let recorded = try #require(try RecordedPlan(behind: changed, in: journal))
        #expect(recorded.plan.digest == plan.digest && changed.digest != plan.digest)
        #expect(recorded.plan.sharedInventory?.file == place)
        #expect(recorded.remark.contains("+  - {host: k9, address: 198.51.100.99}"))
        // Of a version that took more.
        try begin("r2", text + "unknown: 1\n")
        await expect(
            complaining:
                "\(path): changed since run r2 began, and the plan as it was cannot be used any more;"
        ) {
            _ = try RecordedPlan(behind: changed, in: journal)
        }
    }
}
