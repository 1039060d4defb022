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
    private let now: @Sendable () -> Int64

    /// - Parameter areUnits: whether services are units of systemd's.
    package init(
        stateDirectory: String,
        backend: FirewallBackend,
        protectedPorts: [Port],
        areUnits: Bool,
        now: @escaping @Sendable () -> Int64
    ) {
        store = OrderStore(stateDirectory: stateDirectory)
        self.backend = backend
        self.protectedPorts = protectedPorts
        self.areUnits = areUnits
        self.now = now
    }

    package var state: OrderState? { store.state }

    /// Before the wall goes up, and before the process is ended: from here on a reboot finds the wall, and these services
    /// held; those that were stay held.
    package func keep(
        _ wall: Wall,
        for run: RunID,
        holding services: [String],
        ending: ProcessIdentity? = nil
    ) async throws(OrderError) {
        let turn = await store.turn()
        defer { withExtendedLifetime(turn) {} }
        let known = try store.order()
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
            held: (others + added).sorted { $0.service < $1.service }
        )
        if order != known { try store.write(order) }
    }

    /// Before the service is started; its wall stays.
    package func release(_ service: String) async throws(OrderError) {
        let turn = await store.turn()
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
        let turn = await store.turn()
        defer { withExtendedLifetime(turn) {} }
        guard var order = try store.order() else { return }
        order.held.removeAll(where: \.isAlive)
        if order.held.isEmpty { try store.drop() } else { try store.write(order) }
    }

    /// After `body`, which removes every rule of this host.
    ///
    /// One that fails leaves the order as it is; one that is begun after it waits.
    package func end<Value, Failure: Error>(
        after body: () async throws(Failure) -> Value
    ) async throws(Failure) -> (value: Value, problem: OrderError?) {
        let turn = await store.turn()
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
        let turn = await store.turn()
        defer { withExtendedLifetime(turn) {} }
        guard let order = try store.order() else { return nil }
        do throws(FirewallError) { return try await order.reinstate(with: firewall) ? order : nil } catch {
            throw .notWalled(run: order.run, error)
        }
    }
}
