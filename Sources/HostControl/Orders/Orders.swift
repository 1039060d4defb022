package import ControlProtocol
package import SystemCalls
package import Topology

/// The life of this host's order, by what is done to its wall and its services.
///
/// Each returns when the disk has it.
package struct Orders: Sendable {
    package let store: OrderStore
    private let backend: FirewallBackend
    private let protectedPorts: [Port]
    private let areUnits: Bool
    private let allowed: [String]
    private let attendance: Attendance
    private let now: @Sendable () -> Int64
    /// Told of each new order.
    package let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - areUnits: whether services are units of systemd's.
    ///   - allowed: the files that may be written, for whoever undoes an order without this configuration.
    package init(
        stateDirectory: String,
        backend: FirewallBackend,
        protectedPorts: [Port],
        areUnits: Bool,
        allowed: [String] = [],
        clock: LapseClock? = nil,
        patience: Duration = OrderStore.patience,
        now: @escaping @Sendable () -> Int64
    ) {
        let clock = clock ?? LapseClock(stateDirectory: stateDirectory)
        store = OrderStore(stateDirectory: stateDirectory, clock: clock, patience: patience)
        attendance = Attendance(now: clock.now)
        self.allowed = allowed
        (arrivals, arrived) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.backend = backend
        self.protectedPorts = protectedPorts
        self.areUnits = areUnits
        self.now = now
    }

    package var state: OrderState? { store.state(attendance) }

    /// Before the wall goes up, and before the process is ended: from here on a reboot finds the wall, and these services
    /// held; those that were stay held.
    ///
    /// - Parameter request: what undoes it when no coordinator comes; nil leaves that as it is.
    package func keep(
        _ wall: Wall,
        for run: RunID,
        holding services: [String],
        ending: ProcessIdentity? = nil,
        lapsing request: LapseRequest? = nil
    ) async throws(OrderError) {
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        let known = try store.order()
        let lapse = try lapse(request, services, after: known, for: run)
        let others = (known?.held ?? []).filter { !services.contains($0.service) }
        let added = services.map { service in
            StandingOrder.Held(service: service, unit: areUnits ? service : nil, ending: ending)
        }
        let order = StandingOrder(
            run: run,
            since: known.flatMap { $0.run == run ? $0.since : nil } ?? now(),
            wall: Wall(peers: wall.peers, scope: wall.scope),
            backend: backend,
            protectedPorts: protectedPorts,
            held: (others + added).sorted { $0.service < $1.service },
            lapse: lapse
        )
        attendance.note()
        let isFirst = known?.run != run || known?.phase != .provisional
        if order != known { try store.write(order, beginningAnew: isFirst) }
        arrived.yield()
    }

    private func lapse(
        _ request: LapseRequest?,
        _ services: [String],
        after known: StandingOrder?,
        for run: RunID
    ) throws(OrderError) -> Lapse? {
        // One that is just being undone is nobody's to replace.
        let earlier = known.flatMap { $0.run == run || $0.phase == .lapsing ? $0 : nil }
        let event = request == nil ? OrderTransitions.Event.orderedForGood : .ordered
        switch OrderTransitions.outcome(of: event, in: earlier?.phase) {
        case .refused: throw .givenUp(run: known?.run ?? run)
        case .becomes(.provisional):
            guard let request else { return earlier?.lapse }
            return Lapse(request, phase: .provisional, allowed: allowed, starting: services)
        case .becomes: return earlier?.lapse
        }
    }

    /// The division is committed here: what was ordered stands whatever happens, and when this returns the disk says so.
    ///
    /// - Parameter body: what belongs to it on disk, done first and again when it is repeated. An order that lapses beside it has
    ///   lapsed before, or not at all; one that lapses after a crash in between undoes it.
    package func commit(
        for run: RunID,
        after body: () throws(FileError) -> Void = {}
    ) async throws(OrderError) -> OrderState? {
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        let known = try store.order()
        guard var order = known, order.run == run else { throw .nothingToKeep(run: run) }
        guard OrderTransitions.outcome(of: .committed, in: order.phase) == .becomes(.kept) else {
            throw .givenUp(run: run)
        }
        do throws(FileError) { try body() } catch { throw .notRestored(run: run, error) }
        order.lapse = order.lapse?.kept()
        if order != known { try store.write(order) }
        return state
    }

    /// A coordinator of this run was heard.
    package func renew(for run: RunID) {
        guard case .order(let order) = store.read(), order.run == run else { return }
        attendance.note()
        if order.phase == .provisional, let lapse = order.lapse { store.clock.renew(seconds: lapse.seconds) }
    }

    /// Throws when the host has given its order up.
    func checkWalls() throws(OrderError) {
        guard let order = try store.order(), !order.phase.walls else { return }
        throw .givenUp(run: order.run)
    }

    /// Whether a coordinator may have the service started.
    package func admit(startOf service: String) throws(OrderError) {
        guard let order = try store.order(), order.holds(service) else { return }
        guard OrderTransitions.outcome(of: .started, in: order.phase) == .refused else { return }
        throw order.phase == .provisional
            ? .provisional(run: order.run, service: service) : .givenUp(run: order.run)
    }

    /// Before the service is started; its wall stays.
    package func release(_ service: String) async throws(OrderError) {
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        guard var order = try store.order(), order.holds(service) else { return }
        order.held.removeAll { $0.service == service || $0.unit == service }
        try store.write(order)
    }

    /// A server whose process was about to be ended and runs on was never stopped: it is held no more.
    ///
    /// - Parameter isWalled: whether a wall stands: then it was drained, and stays held.
    package func forgetUnended(isWalled: Bool) async throws(OrderError) {
        guard !isWalled, case .order(let found) = store.read(), found.held.contains(where: \.isAlive) else {
            return
        }
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        guard var order = try store.order() else { return }
        order.held.removeAll(where: \.isAlive)
        if order.held.isEmpty { try store.drop() } else { try store.write(order) }
    }

    /// After `body`, which removes every rule of this host.
    ///
    /// One that fails leaves the order as it is; one that is begun after it waits. Rules are removed beside a program that hangs, too;
    /// the order is not dropped then.
    package func end<Value, Failure: Error>(
        after body: () async throws(Failure) -> Value
    ) async throws(Failure) -> (value: Value, problem: OrderError?) {
        let turn: OrderTurn?
        do throws(OrderError) { turn = try await store.turn() } catch { return (try await body(), error) }
        defer { withExtendedLifetime(turn) {} }
        let value = try await body()
        do throws(OrderError) { try store.drop() } catch { return (value, error) }
        return (value, nil)
    }

    /// Puts the order's wall back where it is not; for an agent that starts, after `forgetUnended`.
    ///
    /// - Returns: the order whose wall was put back; nil when there was nothing to do.
    package func reinstate(with firewall: any Firewall) async throws(OrderError) -> StandingOrder? {
        guard store.read() != .none else { return nil }
        let turn = try await store.turn()
        defer { withExtendedLifetime(turn) {} }
        guard let order = try store.order() else { return nil }
        guard order.phase.walls else { return nil }
        do throws(FirewallError) { return try await order.reinstate(with: firewall) ? order : nil } catch {
            throw .notWalled(run: order.run, error)
        }
    }
}
