import ControlProtocol
import Fleet
import FoundationEssentials
import KafkaMetadata
import Settings
import Topology

/// What the steps on brokers send.
extension KafkaProcedure {
    /// Writes the file of the next broker and restarts it: one that was begun before first, the controller last.
    func repointNext(upTo count: Int) -> Act {
        .decided(
            summary:
                "on the next of \(brokers.map(\.name).joined(separator: ", ")): write its server.properties, "
                + "restart it; the controller last",
            by: { fleet, facts in
                if let ailment = ailment(fleet, from: fromJoint) { return .wait(because: ailment.reason) }
                let pending = brokers.filter { !isRepointed($0, fleet, facts) }
                guard brokers.count - pending.count < count,
                    let next = pending.min(by: { rank($0, fleet) < rank($1, fleet) })
                else {
                    return .nothingToDo(because: "\(brokers.count - pending.count) brokers moved already")
                }
                switch commands(for: next, fleet) {
                case .failure(let problem): return .stop(because: problem.reason)
                case .success(let commands):
                    var noted = facts
                    if let registered = fleet.kafka(from: fromJoint)?.brokers[next.id] {
                        noted.replacedRegistrations[next.id.description] = registered.czxid.description
                    }
                    let role =
                        fleet.kafka(from: fromJoint)?.controller?.id == next.id
                        ? "the controller" : "not the controller"
                    return .act(
                        commands,
                        because: "\(next.name), \(role), \(pending.count - 1) to go",
                        noting: noted
                    )
                }
            },
            looking: Look(hosts: brokers.map(\.host), kafka: fromJoint)
        )
    }

    private func rank(_ broker: PlannedBroker, _ fleet: FleetView) -> Int {
        let isBegun = fleet.file(broker.configPath, on: broker.host)?.digest == newDigest(of: broker)
        if isBegun { return 0 }
        return fleet.kafka(from: fromJoint)?.controller?.id == broker.id ? 2 : 1
    }

    private func commands(
        for broker: PlannedBroker,
        _ fleet: FleetView
    ) -> Result<[HostCommand], Undecidable> {
        guard let file = survey.kafka?.file(of: broker.host) else {
            return .failure(
                Undecidable(reason: "\(broker.name): its file was not read when the run began")
            )
        }
        let content: Data
        do throws(KafkaFileError) { content = Data(try repointed.content(of: file)) } catch {
            return .failure(Undecidable(reason: "\(broker.name): \(file.path): \(error)"))
        }
        let write = FileWrite(path: file.path, expected: file.digest, content: content)
        return .success([
            HostCommand(broker.host, .writeFile(write: write)), restart(broker, fleet),
        ])
    }

    func restart(_ broker: PlannedBroker, _ fleet: FleetView) -> HostCommand {
        var pid: Int32?
        if case .running(let running) = fleet.service(broker.service, on: broker.host) { pid = running }
        let request = ServiceRequest(
            service: broker.service,
            action: pid == nil ? .start : .restart,
            replacing: pid
        )
        return HostCommand(broker.host, .service(request: request))
    }
}
