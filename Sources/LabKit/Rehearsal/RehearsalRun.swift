internal import FoundationEssentials
package import Rehearsals

/// A whole rehearsal: the plain pass, the plan's tests, faults, and the report.
package struct RehearsalRun: Sendable {
    package struct Options: Sendable {
        /// Where the report goes.
        package let page: String
        package let faults: Int
        /// Leaves the lab up, and whatever a failure has left.
        package let keep: Bool
        /// Whether hosts may run plain processes where their systemd does not come up.
        package let mayFallBack: Bool

        package init(page: String, faults: Int, keep: Bool, mayFallBack: Bool) {
            self.page = page
            self.faults = faults
            self.keep = keep
            self.mayFallBack = mayFallBack
        }
    }

    /// Seconds in which the plain pass must be over: its clients write no longer.
    private static let limit = 7200

    package let rehearsal: Rehearsal
    package let binaries: Binaries
    package let options: Options
    /// Told what is being done, a line at a time.
    package let report: @Sendable (String) -> Void

    package init(
        _ rehearsal: Rehearsal,
        binaries: Binaries,
        options: Options,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.rehearsal = rehearsal
        self.binaries = binaries
        self.options = options
        self.report = report
    }

    /// Whatever it ends with, its labs are taken down first, unless they are to be kept; also those when it is cancelled.
    package func perform() async throws -> RehearsalOutcome {
        let lock = try RehearsalLock(rehearsal.configuration)
        let ofFaults = options.faults > 0 ? try RehearsalLock(try rehearsal.forFaults()) : nil
        defer {
            withExtendedLifetime(lock) {}
            withExtendedLifetime(ofFaults) {}
        }
        for line in RehearsalOutcome.introduction(rehearsal) { report(line) }
        let (lab, summary, tests) = try await plainPass()
        do {
            return try await finish(lab, summary, tests)
        } catch {
            if options.keep, Task.isCancelled { try await down(lab) }
            throw error
        }
    }

    /// The report, and the faults.
    private func finish(_ lab: Lab, _ summary: LabSummary, _ tests: [RehearsalOutcome.Test]) async throws
        -> RehearsalOutcome
    {
        var outcome = try outcome(summary, tests, of: lab)
        do {
            let window = try await window(of: lab)
            outcome.predicted = window?.predicted
            outcome.seen = window?.seen
            // What comes of the faults is drawn into it afterwards; a rehearsal that is ended there has this one.
            try await draw(outcome, of: lab)
        } catch {
            // A run that was refused at once has no journal; what became of it is told all the same.
            for line in outcome.lines + summary.lines { report(line) }
            throw error
        }
        if options.faults > 0 {
            let steps = lab.finishedSteps()
            let configuration = try rehearsal.forFaults()
            for fault in RehearsalFaults.cases(options.faults, of: configuration, steps: steps) {
                outcome.faults.append(try await strike(fault, configuration))
                try await draw(outcome, of: lab)
            }
        }
        for line in outcome.lines + summary.lines { report(line) }
        let failures = outcome.failures
        report(
            failures.isEmpty
                ? "The rehearsal went as it must\(outcome.untried)."
                : "The rehearsal did NOT go as it must: \(failures.joined(separator: "; "))."
        )
        report("A report: \(options.page)")
        return outcome
    }

    private func plainPass() async throws -> (Lab, LabSummary, [RehearsalOutcome.Test]) {
        let lab = try await up()
        do {
            let summary = try await LabRun(lab, limit: Self.limit).perform()
            let tests = try await RehearsalTests(lab: lab, tests: rehearsal.setup.tests).perform()
            if options.keep {
                report("The lab is still up: mitosis-lab status|down --name \(lab.configuration.name)")
            } else {
                try await down(lab)
            }
            return (lab, summary, tests)
        } catch {
            if !options.keep || Task.isCancelled { try await down(lab) }
            throw error
        }
    }

    private func up() async throws -> Lab {
        let lab = Lab(rehearsal.configuration, binaries: binaries, report: report)
        do {
            try await lab.up()
            return lab
        } catch LabError.unbootable(let host, let reason) where options.mayFallBack {
            report("hosts run plain processes: \(host) did not boot: \(reason)")
            try await down(lab)
            let plain = Lab(
                try rehearsal.hosted(by: .processes).configuration,
                binaries: binaries,
                report: report
            )
            do {
                try await plain.up()
            } catch {
                try await down(plain)
                throw error
            }
            return plain
        } catch {
            try await down(lab)
            throw error
        }
    }

    /// Also when this task was cancelled: its commands would be, too.
    private func down(_ lab: Lab, purge: Bool = false) async throws {
        try await Task { try await lab.down(purge: purge) }.value
    }

    /// A lab of its own, under the same configuration; what goes wrong with it is a row as well.
    private func strike(_ fault: FaultCase, _ configuration: LabConfiguration) async throws
        -> RehearsalOutcome.Fault
    {
        report("fault: \(fault.kind.rawValue) on \(fault.host), \(fault.step) \(fault.moment.rawValue)")
        let lab = Lab(configuration, binaries: binaries)
        let row: RehearsalOutcome.Fault
        do {
            try await lab.up()
            row = RehearsalFaults.row(try await FaultRun(lab, fault).perform())
        } catch {
            try await down(lab)
            try Task.checkCancellation()
            return RehearsalFaults.row(fault, failing: "it could not be tried to its end: \(error)")
        }
        // The logs of one that failed stay, until the next one's take their place.
        try await down(lab, purge: row.result != .failed)
        report("  \(row.result.rawValue): \(row.said)")
        return row
    }

    private func outcome(_ summary: LabSummary, _ tests: [RehearsalOutcome.Test], of lab: Lab) throws
        -> RehearsalOutcome
    {
        let problems = summary.problems
        return RehearsalOutcome(
            plan: rehearsal.setup.plan,
            remarks: rehearsal.remarks,
            hosts: rehearsal.hosts,
            acknowledged: summary.source.acknowledged + summary.destination.acknowledged,
            lost: summary.source.lost.count + summary.destination.lost.count,
            rulesLeft: summary.rules.map(\.lines.count).reduce(0, +),
            isEqual: lab.finishedSteps().contains("proof.compare"),
            problems: problems.prefix(100)
                + (problems.count > 100 ? ["and \(problems.count - 100) more"] : []),
            tests: tests
        )
    }

    /// As the run's own report has it; nil when it has none.
    private func window(of lab: Lab) async throws -> Window? {
        struct Document: Decodable {
            let window: Window?
        }
        let command = [binaries.coordinator, "report", lab.layout.plan, "--json"]
        let text = try await Tool(command).output(step: "reading the run's report")
        return try lab.decode(Document.self, text, "the run's report").window
    }

    private struct Window: Decodable {
        let predicted: Int
        let seen: Int?
    }

    private func draw(_ outcome: RehearsalOutcome, of lab: Lab) async throws {
        // It has what the plan's tests printed.
        try RecordFile.writePrivate(outcome, at: lab.layout.rehearsal)
        let command = [binaries.coordinator, "report", lab.layout.plan, "--html", options.page]
        try await Tool(command + ["--rehearsal", lab.layout.rehearsal]).output(step: "drawing up the report")
    }
}

extension Lab {
    /// Steps of its run that came to an end, in their order.
    func finishedSteps() -> [String] {
        do throws(LabError) {
            return EventLog.finishedSteps(in: try Folder.read(layout.events))
        } catch {
            // A run that ended before its first event has none.
            return []
        }
    }
}
