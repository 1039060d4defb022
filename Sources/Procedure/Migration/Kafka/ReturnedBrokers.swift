import ControlProtocol
import Fleet
import KafkaMetadata
import Settings
import Topology

/// Kafka's part of the way back to the beginning: the mirror of `repoint`.
///
/// A broker that the run never restarted is left alone, whatever is seen of it. One that is away already, because the
/// seeds are, may be restarted whatever is seen of the others: that is what brings it back.
extension KafkaProcedure {
    var returning: [Step] {
        brokers.indices.map { index in
            Step(
                StepID("withdraw.broker-\(index + 1)"),
                "Take a broker back to the source and restart it, \(index + 1) of \(brokers.count), the controller last",
                precheck: mayBeTouched,
                act: returnNext(upTo: index + 1),
                verify: returned(atLeast: index + 1).and(mayBeTouched),
                undo: .none(because: "`mitosis run` repoints it again")
            )
        }
    }

    /// No broker of the plan needs a seed any more.
    var allReturned: Gate { returned(atLeast: brokers.count).and(mayBeTouched) }

    private var mayBeTouched: Gate {
        Gate(
            "Kafka is whole, or the broker to be restarted next is away, or none was moved",
            hosts: brokers.map(\.host),
            deadline: kafka.deadline,
            looks: kafka.reads,
            interval: kafka.interval,
            kafka: fromSource
        ) { fleet, facts in
            if let silence = brokers.lazy.compactMap({ fleet.unanswered($0.host) }).first {
                return .waiting(reason: silence)
            }
            guard brokers.contains(where: { wasMoved($0, fleet, facts) }) else {
                return .holds(observed: "no broker was moved")
            }
            let pending = brokers.filter { !isReturned($0, fleet, facts) }
            if let away = pending.first(where: { isAway($0, fleet) }) {
                return .holds(observed: "\(away.name) is away until it is taken back")
            }
            return switch ailment(fleet, from: fromSource) {
            case nil: .holds(observed: "\(brokers.count) brokers registered, 0 under-replicated partitions")
            case .passing(let reason): .waiting(reason: reason)
            case .lasting(let reason): .never(reason: reason)
            }
        }
    }

    private func returned(atLeast count: Int) -> Gate {
        Gate(
            "\(count) of \(brokers.count) brokers have their own file, and a session at the source",
            hosts: brokers.map(\.host),
            deadline: kafka.deadline,
            interval: kafka.interval,
            kafka: fromSource
        ) { fleet, facts in
            let pending = brokers.filter { !isReturned($0, fleet, facts) }
            let back = brokers.count - pending.count
            guard back < count else {
                return .holds(observed: "\(back) of \(brokers.count) brokers at the source")
            }
            for broker in pending where hasOwnFile(broker, fleet) {
                guard let state = fleet.service(broker.service, on: broker.host) else { continue }
                guard case .lasting(let said) = Self.ailment(of: broker, state) else { continue }
                return .never(
                    reason:
                        "\(said); no other broker is touched: see its log, bring it back, then go on with `mitosis rollback`"
                )
            }
            return .waiting(
                reason: "\(back) of \(brokers.count) brokers at the source; not yet "
                    + pending.map { "\($0.name): \(place($0, fleet, from: fromSource))" }.joined(
                        separator: ", "
                    )
            )
        }
    }

    /// Puts the file of the next broker back and restarts it: one that is away first, then one that was begun, the controller last.
    private func returnNext(upTo count: Int) -> Act {
        .decided(
            summary:
                "on the next of \(brokers.map(\.name).joined(separator: ", ")) that was moved: restore its server.properties, "
                + "restart it; the controller last",
            by: { fleet, facts in
                if let silence = brokers.lazy.compactMap({ fleet.unanswered($0.host) }).first {
                    return .wait(because: silence)
                }
                guard let cluster = fleet.kafka(from: fromSource) else {
                    return .wait(because: fleet.kafkaSilence(of: fromSource))
                }
                let pending = brokers.filter { !isReturned($0, fleet, facts) }
                guard brokers.count - pending.count < count,
                    let next = pending.min(by: { rank($0, fleet) < rank($1, fleet) })
                else {
                    return .nothingToDo(because: "\(brokers.count - pending.count) brokers are at the source")
                }
                if !isAway(next, fleet), let ailment = ailment(fleet, from: fromSource) {
                    return .wait(because: ailment.reason)
                }
                guard let commands = commands(for: next, fleet) else {
                    return .stop(because: "\(next.name): " + MigrationProcedure.foreign(next.configPath))
                }
                var noted = facts
                if let registered = cluster.brokers[next.id] {
                    noted.replacedRegistrations[next.id.description] = registered.czxid.description
                }
                let role = cluster.controller?.id == next.id ? "the controller" : "not the controller"
                return .act(
                    commands,
                    because: "\(next.name), \(role), \(pending.count - 1) to go",
                    noting: noted
                )
            },
            looking: Look(hosts: brokers.map(\.host), kafka: fromSource)
        )
    }

    /// Nil when the file is neither the run's nor the one of before.
    private func commands(for broker: PlannedBroker, _ fleet: FleetView) -> [HostCommand]? {
        var commands: [HostCommand] = []
        if hasNewFile(broker, fleet) {
            let restore = FileRestore(path: broker.configPath)
            commands.append(HostCommand(broker.host, .restoreFile(restore: restore)))
        } else if !hasOwnFile(broker, fleet) {
            return nil
        }
        return commands + [restart(broker, fleet)]
    }

    private func rank(_ broker: PlannedBroker, _ fleet: FleetView) -> Int {
        if isAway(broker, fleet) { return 0 }
        if hasOwnFile(broker, fleet) { return 1 }
        return fleet.kafka(from: fromSource)?.controller?.id == broker.id ? 3 : 2
    }

    /// Whether the run may have restarted it: its file says so, or what was noted before.
    private func wasMoved(_ broker: PlannedBroker, _ fleet: FleetView, _ facts: RunFacts) -> Bool {
        facts.replacedRegistrations[broker.id.description] != nil || !hasOwnFile(broker, fleet)
    }

    private func isReturned(_ broker: PlannedBroker, _ fleet: FleetView, _ facts: RunFacts) -> Bool {
        guard hasOwnFile(broker, fleet) else { return false }
        guard let old = facts.replacedRegistrations[broker.id.description] else { return true }
        guard let registered = fleet.kafka(from: fromSource)?.brokers[broker.id],
            let origin = registered.session?.origin, plan.source.contains(where: { $0.id == origin })
        else { return false }
        return Zxid(hexadecimal: old).map { registered.czxid > $0 } ?? false
    }

    /// Neither serves nor is on its way up with its own file: nothing is lost when it is restarted.
    private func isAway(_ broker: PlannedBroker, _ fleet: FleetView) -> Bool {
        switch fleet.service(broker.service, on: broker.host) {
        case .stopped, .failed: return true
        case .changing, nil: return false
        case .running: break
        }
        guard let cluster = fleet.kafka(from: fromSource) else { return false }
        return hasNewFile(broker, fleet) && cluster.brokers[broker.id] == nil
    }

    private func hasOwnFile(_ broker: PlannedBroker, _ fleet: FleetView) -> Bool {
        let found = fleet.file(broker.configPath, on: broker.host)?.digest
        return found != nil && found == survey.kafka?.file(of: broker.host)?.digest
    }

    private func hasNewFile(_ broker: PlannedBroker, _ fleet: FleetView) -> Bool {
        let found = fleet.file(broker.configPath, on: broker.host)?.digest
        return found != nil && found == newDigest(of: broker)
    }
}
