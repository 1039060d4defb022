import ArgumentParser
import ControlProtocol
import Foundation
import Glibc
import Journaling
import Planning
import Procedure
import Reporting

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Perform the migration, or go on with one that stopped.",
        discussion: """
            Every step is written to the journal before and after. Ctrl-C stops at the next resting place, twice at \
            once; `mitosis run` with the same plan file goes on from there.
            """
    )

    @Argument(help: "The plan file.") var file: String
    @Flag(help: "Do not ask for confirmation before the division.") var yes = false
    @Flag(help: "Print one JSON event a line.") var json = false
    @Option(help: "Also append every event, one JSON object a line, to this file.") var events: String?
    @Flag(help: "Take the leases over from another run that holds them.") var takeOver = false

    func run() async throws {
        let plan = try PlanReader.read(path: file)
        guard plan.strategy == .participants else {
            throw Complaint("\(file): strategy observers cannot be run by this version; use participants")
        }
        StopSignal.install()
        let fleet = try AgentFleet(plan: plan)
        let journal = try SQLiteJournal(path: plan.journalPath, exclusively: true)
        let timing = Timing.system
        let leases = Leases(hosts: plan.agents.map(\.host), fleet: fleet, timing: timing)

        let epoch = try await leases.nextEpoch()
        let run = try await prepare(plan, epoch, fleet, journal, timing)
        let lease = Lease(runID: run.id, epoch: epoch)
        try await leases.acquire(lease, takeOver: takeOver)
        try journal.setEpoch(epoch, of: run.id)

        let runner = try Runner(
            plan: plan,
            run: run,
            fleet: fleet,
            journal: journal,
            timing: timing,
            report: try reporter(),
            confirm: { question in await confirmed(question) },
            stopRequest: { StopSignal.request }
        )
        let renewal = Task { await leases.renew(lease) }
        defer { renewal.cancel() }
        let outcome = try await runner.perform()
        await leases.release(lease)
        await fleet.close()
        switch outcome {
        case .finished: return
        case .stopped: throw ExitCode(1)
        }
    }

    /// Goes on with an unfinished run that has changed something; begins a new one otherwise.
    private func prepare(
        _ plan: MigrationPlan,
        _ epoch: FencingEpoch,
        _ fleet: AgentFleet,
        _ journal: SQLiteJournal,
        _ timing: Timing
    ) async throws -> RunRecord {
        if var run = try journal.unfinishedRun(plan: plan.name),
            try journal.entries(of: run.id).contains(where: { !$0.commands.isEmpty })
        {
            guard run.planDigest == plan.digest else {
                throw Complaint(
                    "\(file): changed since run \(run.id) began, which has not finished; put back the file as it was"
                )
            }
            run.epoch = epoch
            return run
        }
        if let last = try journal.runs().first(where: { $0.record.plan == plan.name }),
            last.ending == .finished
        {
            throw Complaint(
                "run \(last.record.id) of plan \(plan.name) has finished, nothing is left to do; "
                    + "another migration needs a plan with another name"
            )
        }
        if let waiver = plan.waivers.first {
            throw Complaint(
                "\(file):\(waiver.line): '\(waiver.check)' is not a check that can be waived; remove it"
            )
        }
        // What the agents would refuse in the middle of the division, they refuse here.
        for server in plan.destination {
            _ = try await fleet.preview(plan.wall(for: server), on: server.host)
        }
        let started = timing.now()
        let name = "\(started)-\(plan.name)"
        guard let id = RunID(name) else { throw Complaint("\(file): '\(plan.name)' gives no run id") }
        let run = RunRecord(
            id: id,
            plan: plan.name,
            planDigest: plan.digest,
            startedAt: started,
            survey: try await Survey.take(of: plan, through: fleet),
            epoch: epoch
        )
        try journal.begin(run)
        return run
    }

    private func reporter() throws -> @Sendable (RunEvent) -> Void {
        let style: RunPrinter.Style = json ? .json : Output.isTerminal ? .terminal : .plain
        let printer = RunPrinter(style: style) { Output.write($0) }
        guard let events else { return { printer.print($0) } }
        let descriptor = open(events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Complaint("\(events): cannot be written: \(String(cString: strerror(errno)))")
        }
        return { event in
            Output.write(EventLine.json(event) + "\n", to: descriptor)
            printer.print(event)
        }
    }

    /// Read on a thread of its own: leases are renewed while the operator thinks.
    private func confirmed(_ question: String) async -> Bool {
        if yes { return true }
        if !json { Output.write("Type yes to go on: ") }
        let answer = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: readLine(strippingNewline: true)) }
        }
        return answer == "yes"
    }
}
