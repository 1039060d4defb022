import ControlProtocol
import Fleet
import KafkaMetadata
import Settings
import Topology

/// Where the plan asks for it: once more around, so that nobody runs with the seeds only when the run ends.
extension MigrationProcedure {
    var restartCompleted: [Step] {
        guard plan.clients.restartsCompleted, completeConnectStrings != nil else { return [] }
        return (kafka?.restartCompleted ?? []) + (clients?.restartCompleted ?? [])
    }
}

/// Brokers: one at a time, while Kafka is whole on the destination.
extension KafkaProcedure {
    fileprivate var restartCompleted: [Step] {
        brokers.indices.map { index in
            Step(
                StepID("clean-up.restart-broker-\(index + 1)"),
                "Restart a broker that knows the seeds only, \(index + 1) of \(brokers.count), the controller last",
                precheck: healthy(from: fromDestination),
                act: restartNext(upTo: index + 1),
                verify: restarted(atLeast: index + 1).and(healthy(from: fromDestination)),
                undo: .none(because: "it keeps its file")
            )
        }
    }

    private func restartNext(upTo count: Int) -> Act {
        .decided(
            summary:
                "restart the next of \(brokers.map(\.name).joined(separator: ", ")) that knows the seeds only",
            by: { fleet, facts in
                if let ailment = ailment(fleet, from: fromDestination) {
                    return .wait(because: ailment.reason)
                }
                let controller = fleet.kafka(from: fromDestination)?.controller?.id
                let pending = brokers.filter { !isRestarted($0, fleet, facts) }
                guard brokers.count - pending.count < count,
                    let next = pending.first(where: { $0.id != controller }) ?? pending.first
                else {
                    return .nothingToDo(
                        because: "\(brokers.count - pending.count) brokers know every destination server"
                    )
                }
                var noted = facts
                if let registered = fleet.kafka(from: fromDestination)?.brokers[next.id] {
                    noted.replacedRegistrations[next.id.description] = registered.czxid.description
                }
                return .act(
                    [restart(next, fleet)],
                    because: "\(next.name), \(pending.count - 1) to go",
                    noting: noted
                )
            },
            looking: Look(hosts: brokers.map(\.host), kafka: fromDestination)
        )
    }

    private func restarted(atLeast count: Int) -> Gate {
        Gate(
            "\(count) of \(brokers.count) brokers run with the list of every destination server",
            hosts: brokers.map(\.host),
            deadline: kafka.deadline,
            interval: kafka.interval,
            kafka: fromDestination
        ) { fleet, facts in
            let away = brokers.filter { !isRestarted($0, fleet, facts) }
            let there = brokers.count - away.count
            guard there < count else {
                return .holds(observed: "\(there) of \(brokers.count) brokers know every destination server")
            }
            if case .lasting(let reason)? = ailment(fleet, from: fromDestination) {
                return .never(reason: reason)
            }
            return .waiting(
                reason: "\(there) of \(brokers.count) brokers know every destination server; not yet "
                    + away.map { "\($0.name): \(place($0, fleet, from: fromDestination))" }
                    .joined(separator: ", ")
            )
        }
    }

    /// Another process than the one that was noted, with a registration of its own; one of which none was noted has the list.
    private func isRestarted(_ broker: PlannedBroker, _ fleet: FleetView, _ facts: RunFacts) -> Bool {
        guard let old = facts.shortLists[broker.name] else { return true }
        guard case .running(let pid)? = fleet.service(broker.service, on: broker.host), pid != old,
            let registered = fleet.kafka(from: fromDestination)?.brokers[broker.id]
        else { return false }
        guard let replaced = facts.replacedRegistrations[broker.id.description] else { return true }
        return Zxid(hexadecimal: replaced).map { registered.czxid > $0 } ?? false
    }
}

/// Other clients: in the plan's order, as they were moved.
extension ClientsProcedure {
    private var servers: [PlannedServer] { plan.source + plan.destination }

    fileprivate var restartCompleted: [Step] {
        batches.map { batch in
            Step(
                StepID("clean-up.restart-client-\(batch.number)"),
                "Restart so that it knows every destination server: \(batch.title)",
                precheck: othersRun,
                act: restartNext(upTo: batch.end),
                verify: restarted(atLeast: batch.end).seen(inARow: looks),
                undo: .none(because: "it keeps its file")
            )
        }
    }

    private var othersRun: Gate {
        Gate(
            "every client runs, but for the next",
            looking: look(servers: servers),
            deadline: plan.clients.deadline,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = clients.filter { needsRestart($0, fleet, facts) != nil }
            let next = Set(pending.prefix(plan.clients.batch).map(\.name))
            for client in clients where !next.contains(client.name) {
                switch ailment(of: client, fleet) {
                case nil: break
                case .passing(let said)?: return .waiting(reason: said)
                case .lasting(let said)?:
                    return .never(
                        reason: "\(said); no other client is touched: see its log, bring it back, then go on"
                    )
                }
            }
            return .holds(observed: "\(clients.count) clients run")
        }
    }

    private func restartNext(upTo count: Int) -> Act {
        .decided(
            summary:
                "restart the next of \(clients.map(\.name).joined(separator: ", ")) that knows the seeds only",
            by: { fleet, facts in
                if let silence = silence(fleet) { return .wait(because: silence) }
                let pending = clients.filter { needsRestart($0, fleet, facts) != nil }
                let done = clients.count - pending.count
                guard done < count, !pending.isEmpty else {
                    return .nothingToDo(because: "\(done) clients know every destination server")
                }
                let batch = pending.prefix(min(plan.clients.batch, count - done))
                let commands = batch.compactMap { client -> HostCommand? in
                    let pid = fleet.service(client.service, on: client.host)?.pid
                    // One that was restarted and is not back is given its time, and not restarted again.
                    return pid == nil || pid == facts.shortLists[client.title] ? restart(client, pid) : nil
                }
                let names = batch.map(\.title).joined(separator: ", ")
                guard !commands.isEmpty else {
                    return .nothingToDo(because: "restarted already: \(names)")
                }
                return .act(
                    commands,
                    because: "\(names), \(pending.count - batch.count) to go",
                    noting: facts
                )
            },
            looking: look(servers: servers)
        )
    }

    private func restarted(atLeast count: Int) -> Gate {
        Gate(
            "\(count) of \(clients.count) clients run with the list of every destination server, and are there alone",
            looking: look(servers: servers),
            deadline: plan.clients.deadline + plan.clients.pause,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = clients.compactMap { client -> String? in
                needsRestart(client, fleet, facts).map { "\(client.title): \($0)" }
            }
            let there = clients.count - pending.count
            guard there < count else {
                return .holds(observed: "\(there) of \(clients.count) clients know every destination server")
            }
            return .waiting(
                reason: "\(there) of \(clients.count) clients know every destination server; not yet "
                    + pending.prefix(5).joined(separator: "; ")
            )
        }
    }

    /// What a client lacks of running with the whole list; nil also of one of which no process was noted.
    private func needsRestart(_ client: PlannedClient, _ fleet: FleetView, _ facts: RunFacts) -> String? {
        guard let old = facts.shortLists[client.title] else { return nil }
        guard case .running(let pid)? = fleet.service(client.service, on: client.host) else {
            return ailment(of: client, fleet)?.reason ?? "does not run"
        }
        guard pid != old else { return "was not restarted yet" }
        return away(client, from: .destination, companions: companions(of: client), servers, fleet)
    }
}
