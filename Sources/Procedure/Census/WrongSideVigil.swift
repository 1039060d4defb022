package import ControlProtocol
package import Fleet
package import Settings
package import SystemCalls

/// Tells of every write into what has moved on the source as soon as it is seen, beside a run that goes on.
package struct WrongSideVigil: Sendable {
    /// Between two looks.
    private static let pause = Duration.seconds(1)

    private let plan: MigrationPlan
    private let run: RunID
    private let fleet: any Fleet
    private let timing: Timing
    private let report: @Sendable (RunEvent) -> Void
    private let led: AsyncStream<Void>
    private let destinationLeads: AsyncStream<Void>.Continuation

    package init(
        _ plan: MigrationPlan,
        run: RunID,
        fleet: any Fleet,
        timing: Timing,
        report: @escaping @Sendable (RunEvent) -> Void
    ) {
        self.plan = plan
        self.run = run
        self.fleet = fleet
        self.timing = timing
        self.report = report
        (led, destinationLeads) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Begins when the window is over: nothing is asked in it.
    package func begin() { destinationLeads.yield() }

    package func note(_ event: RunEvent) {
        guard event.event == .stepFinished, event.step == .startFirstQuorum else { return }
        begin()
    }

    /// Ends when its task is cancelled.
    ///
    /// - Parameter facts: asked for when the destination leads.
    package func watch(_ facts: @Sendable () -> RunFacts?) async {
        guard !plan.census.trees.isEmpty else { return }
        for await _ in led { break }
        guard !Task.isCancelled, let facts = facts(), var side = WrongSide(plan, facts) else { return }
        // The first look may have a long log to read.
        var limit = Duration.seconds(10)
        while !Task.isCancelled {
            await side.look(through: fleet, within: limit)
            limit = .seconds(3)
            for write in side.untold() { tell(side.sentence(write)) }
            await timing.sleep(Self.pause)
        }
    }

    private func tell(_ text: String) {
        let subject = RunEvent.Subject(title: "Written on the wrong side")
        report(RunEvent(.warning(subject, message: text), at: timing.now(), run: run.description))
    }
}
