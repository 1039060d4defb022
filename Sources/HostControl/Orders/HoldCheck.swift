package import ControlProtocol
import SystemCalls
package import Topology

/// What stands before the start of a service on this host: asked by its unit, with no agent and no configuration.
package struct HoldCheck: Sendable {
    package enum Verdict: Hashable, Sendable {
        /// There is no order.
        case free
        /// It may start behind its wall, which stands.
        case walled
        case refused(reason: String)
    }

    private let store: OrderStore
    private let firewall: @Sendable (FirewallBackend, [Port]) -> any Firewall
    private let report: OwnDeedReport

    package init(
        stateDirectory: String,
        patience: Duration = OrderStore.patience,
        firewall: @escaping @Sendable (FirewallBackend, [Port]) -> any Firewall = {
            Firewalls.make(backend: $0, protectedPorts: $1)
        },
        report: @escaping OwnDeedReport = { _ in }
    ) {
        store = OrderStore(stateDirectory: stateDirectory, patience: patience)
        self.firewall = firewall
        self.report = report
    }

    /// - Parameter name: a service as coordinators name it, or its unit.
    package func perform(_ name: String) async -> Verdict {
        if store.read() == .none { return .free }
        let turn: OrderTurn?
        let order: StandingOrder
        do throws(OrderError) {
            // A removal that is under way comes to its end first. One that does not may leave anything: nothing starts then.
            turn = try await store.turn()
            guard let found = try store.order() else { return .free }
            order = found
        } catch {
            return .refused(reason: error.description)
        }
        defer { withExtendedLifetime(turn) {} }
        if let alive = order.held.first(where: \.isAlive)?.ending {
            return .refused(
                reason:
                    "run \(order.run) is about to end process \(alive.pid), which still runs; its rules are left as they are"
            )
        }
        do throws(FirewallError) {
            if order.phase.walls,
                try await order.reinstate(with: firewall(order.backend, order.protectedPorts))
            {
                await tell("done", of: order, name)
            }
        } catch {
            await tell("failed: \(error)", of: order, name)
            return .refused(
                reason:
                    "run \(order.run) has walled this host off, and its rules cannot be put back: \(error). Mend that, then start "
                    + "\(name) again; \(Self.ends)"
            )
        }
        guard order.holds(name) else { return order.phase.walls ? .walled : .free }
        return .refused(
            reason:
                "run \(order.run) holds \(name) back since \(UnixTime.text(order.since)), while it divides the ensemble: started "
                + "now it could lose what others have acknowledged. \(Self.ends)"
        )
    }

    private func tell(_ outcome: String, of order: StandingOrder, _ name: String) async {
        await report(
            OwnDeed(run: order.run, act: .reinstate(wall: order.wall, start: name), outcome: outcome)
        )
    }

    private static let ends =
        "`mitosis run` or `mitosis rollback` with its plan ends this, or, for root on this host, `mitosis-agent orders drop`"
}

extension StandingOrder {
    /// Puts the wall up unless exactly it stands; the kernel, read back, holds it when this returns.
    ///
    /// - Returns: whether it was put up.
    package func reinstate(with firewall: any Firewall) async throws(FirewallError) -> Bool {
        let found = try await firewall.installed()
        if found.wall == wall, found.closed == nil { return false }
        _ = try await firewall.install(wall)
        return true
    }
}
