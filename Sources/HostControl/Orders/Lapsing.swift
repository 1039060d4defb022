import ControlProtocol
package import Logging
import Logs

/// Takes an order back on its own host when no coordinator has come: docs/division.md has what survives a crash in it.
///
/// One program at a time does it; the agent when it runs, else `mitosis-agent --lapse-watch`.
package struct Lapsing: Sendable {
    /// What doing it takes of the host.
    package struct Means: Sendable {
        package let firewall: any Firewall
        package let files: ConfigFiles
        package let services: ServiceController

        package init(firewall: any Firewall, files: ConfigFiles, services: ServiceController) {
            self.firewall = firewall
            self.files = files
            self.services = services
        }
    }

    package enum Outlook: Hashable, Sendable {
        /// Nothing is left to come of any order here.
        case nothing
        /// Nothing before so many milliseconds.
        case waits(Int64)
        case undone
        /// It is tried again.
        case stuck(reason: String)
    }

    private let store: OrderStore
    private let record: DetachRecord
    private let means: @Sendable (StandingOrder) -> Means
    private let report: OwnDeedReport
    private let log: Logger

    package init(
        stateDirectory: String,
        clock: LapseClock? = nil,
        patience: Duration = OrderStore.patience,
        log: Logger,
        means: @escaping @Sendable (StandingOrder) -> Means,
        report: @escaping OwnDeedReport = { _ in }
    ) {
        store = OrderStore(stateDirectory: stateDirectory, clock: clock, patience: patience)
        record = DetachRecord(stateDirectory: stateDirectory)
        self.means = means
        self.report = report
        self.log = log
    }

    /// Looks at the order, and undoes it when it is due.
    package func step() async -> Outlook {
        do throws(OrderError) {
            guard let order = try await decided() else { return .nothing }
            guard order.phase == .lapsing else {
                return .waits(order.lapse.map { store.clock.left(of: $0.seconds) } ?? 0)
            }
            if let problem = await undo(order) {
                try await note(problem, in: order)
                return .stuck(reason: problem)
            }
            return try await end(order)
        } catch {
            // What it is stuck behind keeps it from being noted in the order.
            if case .busy = error {
                log.error(
                    "whether this host goes back to what was before the division is not decided; it is tried again",
                    fields: ["reason": error.description]
                )
            }
            return .stuck(reason: error.description)
        }
    }

    /// The order as it is once this is decided: due ones are `lapsing`, on disk; nil when nothing lapses.
    private func decided() async throws(OrderError) -> StandingOrder? {
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        let found = try store.order()
        guard var order = found, order.isWatched, let lapse = order.lapse else {
            try store.clock.end()
            return nil
        }
        guard order.phase == .provisional, store.clock.left(of: lapse.seconds) <= 0 else { return order }
        order.lapse?.phase = .lapsing
        try store.write(order)
        log.warning(
            "no coordinator was heard for too long: this host goes back to what was before the division",
            fields: ["run": order.run.description, "seconds": String(lapse.seconds)]
        )
        await tell("begun", of: order)
        return order
    }

    /// Files, then the wall, then the hold; what is done already is left alone.
    ///
    /// - Returns: what keeps it from its end.
    private func undo(_ order: StandingOrder) async -> String? {
        let means = means(order)
        for write in order.lapse?.files ?? [] {
            do throws(FileError) { _ = try means.files.write(write, run: order.run) } catch {
                return error.description
            }
        }
        do throws(OrderError) {
            // A coordinator has removed it meanwhile: what runs is its business again.
            guard try await free(order, means.firewall) else { return nil }
        } catch {
            return error.description
        }
        do throws(DetachError) { try record.forget() } catch { return error.description }
        for service in order.lapse?.starting ?? [] {
            let start = ServiceRequest(service: service, action: .start)
            do throws(ServiceError) { _ = try await means.services.perform(start) { _ in } } catch {
                return error.description
            }
        }
        return nil
    }

    /// The start's own hold check waits for nobody and finds nothing held.
    ///
    /// - Returns: false when the order is not there any more.
    private func free(_ order: StandingOrder, _ firewall: any Firewall) async throws(OrderError) -> Bool {
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        guard var now = try store.order(), now.run == order.run, now.phase == .lapsing else { return false }
        do throws(FirewallError) { _ = try await firewall.remove() } catch {
            throw .notOpened(run: order.run, error)
        }
        now.held = []
        if now != order { try store.write(now) }
        return true
    }

    private func end(_ order: StandingOrder) async throws(OrderError) -> Outlook {
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        // A coordinator may have removed it meanwhile.
        guard var now = try store.order(), now.run == order.run, now.phase == .lapsing else {
            await tell("left: the order was removed meanwhile", of: order)
            return .nothing
        }
        now.held = []
        now.lapse?.phase = .lapsed
        now.lapse?.files = []
        now.lapse?.problem = nil
        try store.write(now)
        log.warning(
            "this host is back at what was before the division",
            fields: ["run": now.run.description, "started": now.lapse?.starting.listed(",") ?? "-"]
        )
        await tell("done", of: order)
        return .undone
    }

    private func tell(_ outcome: String, of order: StandingOrder) async {
        guard let lapse = order.lapse else { return }
        await report(OwnDeed(run: order.run, act: .lapse(lapse: lapse), outcome: outcome))
    }

    private func note(_ problem: String, in order: StandingOrder) async throws(OrderError) {
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        guard var now = try store.order(), now.run == order.run, now.phase == .lapsing,
            now.lapse?.problem != problem
        else { return }
        now.lapse?.problem = problem
        try store.write(now)
        log.error(
            "this host does not come back to what was before the division; it is tried again",
            fields: ["run": order.run.description, "reason": problem]
        )
        await tell("failed: \(problem)", of: order)
    }
}
