import ControlProtocol
import FoundationEssentials
import Procedure
import Settings
import Topology

/// What a host of the model must hold to, and how it takes that back by itself.
struct ModelOrder: Hashable {
    let run: RunID
    var phase: OrderPhase
    var holds: Bool
    var lapse: LapseRequest?

    var state: OrderState { OrderState(run: run, since: 0, held: holds ? ["zookeeper"] : [], phase: phase) }
}

extension ModelEnsemble {
    /// - Returns: false when the host has given the order up.
    mutating func order(_ name: HostName, for run: RunID, holding: Bool, _ lapse: LapseRequest?) -> Bool {
        let known = hosts[name]?.order
        let earlier = known.flatMap { $0.run == run || $0.phase == .lapsing ? $0 : nil }
        let event = lapse == nil ? OrderTransitions.Event.orderedForGood : .ordered
        guard case .becomes(let phase?) = OrderTransitions.outcome(of: event, in: earlier?.phase) else {
            return false
        }
        hosts[name]?.order = ModelOrder(
            run: run,
            phase: phase,
            holds: holding || known?.holds == true,
            lapse: lapse ?? earlier?.lapse
        )
        return true
    }

    mutating func keepOrder(_ name: HostName, for run: RunID, restoring: [FileRestore]) -> CommandOutcome {
        if odd(name).refusesCommitment { return .failed(message: "no space left on device") }
        guard var order = hosts[name]?.order, order.run == run,
            OrderTransitions.outcome(of: .committed, in: order.phase) == .becomes(.kept)
        else { return .failed(message: "nothing is to be kept") }
        if !restoring.isEmpty {
            guard let backup = hosts[name]?.backups[run] else { return .failed(message: "no backup") }
            hosts[name]?.file = backup
        }
        order.phase = .kept
        order.lapse = nil
        hosts[name]?.order = order
        return .done(result: .order(order: order.state))
    }

    /// Whether its agent lets a coordinator start the node.
    mutating func admitsStart(_ name: HostName) -> Bool {
        if let order = hosts[name]?.order, OrderTransitions.outcome(of: .started, in: order.phase) == .refused
        {
            return false
        }
        hosts[name]?.order?.holds = false
        return true
    }

    /// I1: a node that starts with its own view could vote with one that goes back to the joint ensemble.
    mutating func checkCommitted(starting name: HostName) {
        guard !isSource(name), hosts[name]?.text.view.map(Set.init) == Set(plan.destinationMembers) else {
            return
        }
        let doubtful = plan.destination.map(\.host).filter { host in
            switch hosts[host]?.order?.phase {
            case .provisional, .lapsing, .lapsed: true
            case .kept, nil: false
            }
        }
        guard !doubtful.isEmpty else { return }
        violations.append(
            "I1: \(name) was started with its own view, and \(doubtful) may go back or have gone"
        )
    }

    /// No coordinator came in time.
    mutating func lapse(_ name: HostName) {
        guard let order = hosts[name]?.order,
            OrderTransitions.outcome(of: .due, in: order.phase) == .becomes(.lapsing), let lapse = order.lapse
        else { return }
        for write in lapse.files where ContentDigest.sha256(hosts[name]?.file ?? Data()) == write.expected {
            hosts[name]?.file = write.content
        }
        hosts[name]?.wall = nil
        hosts[name]?.order?.holds = false
        hosts[name]?.order?.phase = .lapsed
        elect()
        if lapse.starts { start(name) }
    }
}
