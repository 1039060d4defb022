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
    fileprivate var restartCompleted: [Step] {
        batches.map { batch in
            Step(
                StepID("clean-up.restart-client-\(batch.number)"),
                "Restart so that it knows every destination server: \(batch.title)",
                precheck: othersRun(upTo: batch.end),
                act: restartNext(upTo: batch.end),
                verify: pausing(restarted(atLeast: batch.end)),
                undo: .none(because: "it keeps its file")
            )
        }
    }

    private func othersRun(upTo count: Int) -> Gate {
        Gate(
            "every client runs, but for the next; whoever was restarted is back",
            looking: look(.divided),
            deadline: plan.clients.deadline,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = pending { needsRestart($0, fleet, facts) }
            let next = next(of: pending, upTo: count, fleet, facts)
            return obstacle(to: next, fleet) ?? .holds(observed: "\(clients.count) clients run")
        }
    }

    private func restartNext(upTo count: Int) -> Act {
        .decided(
            summary:
                "restart the next of \(clients.map(\.name).joined(separator: ", ")) that knows the seeds only",
            by: { fleet, facts in
                if let silence = silence(fleet) { return .wait(because: silence) }
                let pending = pending { needsRestart($0, fleet, facts) }
                let done = clients.count - pending.count
                guard done < count, !pending.isEmpty else {
                    return .nothingToDo(because: "\(done) clients know every destination server")
                }
                let batch: [PlannedClient]
                switch next(of: pending, upTo: count, fleet, facts) {
                case .failure(let away): return .wait(because: away.reason)
                case .success(let next): batch = next
                }
                // One that was restarted and is not back is given its time, and not restarted again.
                let due = batch.filter { client in
                    let pid = fleet.service(client.service, on: client.host)?.pid
                    return pid == nil || pid == facts.shortLists[client.title]
                }
                let names = batch.map(\.title).joined(separator: ", ")
                guard !due.isEmpty else { return .nothingToDo(because: "restarted already: \(names)") }
                switch noting(due, of: batch, fleet, facts) {
                case .failure(let unknown): return .wait(because: unknown.reason)
                case .success(let noted):
                    return .act(
                        due.map { restart($0, fleet.service($0.service, on: $0.host)?.pid) },
                        because: "\(names), \(pending.count - batch.count) to go",
                        noting: noted
                    )
                }
            },
            looking: look(.divided)
        )
    }

    private func restarted(atLeast count: Int) -> Gate {
        Gate(
            "\(count) of \(clients.count) clients run with the list of every destination server, and are there alone",
            looking: look(.divided),
            deadline: plan.clients.deadline + plan.clients.pause,
            interval: Self.interval
        ) { fleet, facts in
            if let silence = silence(fleet) { return .waiting(reason: silence) }
            let pending = pending { needsRestart($0, fleet, facts) }
            let there = clients.count - pending.count
            guard there < count else {
                return .holds(observed: "\(there) of \(clients.count) clients know every destination server")
            }
            return .waiting(
                reason: "\(there) of \(clients.count) clients know every destination server; not yet "
                    + pending.prefix(5).map(\.sentence).joined(separator: "; ")
            )
        }
    }

    private func next(
        of pending: [Pending],
        upTo count: Int,
        _ fleet: FleetView,
        _ facts: RunFacts
    ) -> Result<[PlannedClient], Undecidable> {
        next(of: pending, needed: count - (clients.count - pending.count)) { client in
            if isAnother(client, fleet, facts) { return .away }
            return facts.restartedBatch?.clients.contains(client.title) == true ? .begun : .untouched
        }
    }

    /// What a client lacks of running with the whole list; nil also of one of which no process was noted.
    private func needsRestart(_ client: PlannedClient, _ fleet: FleetView, _ facts: RunFacts) -> String? {
        guard facts.shortLists[client.title] != nil else { return nil }
        guard case .running? = fleet.service(client.service, on: client.host) else {
            return ailment(of: client, fleet)?.reason ?? "does not run"
        }
        guard isAnother(client, fleet, facts) else { return "was not restarted yet" }
        let replaced = facts.restartedBatch?.sessions(before: client)
        let companions = companions(of: client) { other in
            (facts.restartedBatch?.sessions(before: other) == nil) == (replaced == nil)
        }
        return away(client, from: .destination, companions, .divided, fleet, replaced: replaced)
    }

    /// Whether the process that knows the seeds only does not run any more.
    func isAnother(_ client: PlannedClient, _ fleet: FleetView, _ facts: RunFacts) -> Bool {
        fleet.service(client.service, on: client.host)?.pid != facts.shortLists[client.title]
    }
}
