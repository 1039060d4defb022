import ControlProtocol
import Fleet
import FoundationEssentials
import Settings
import Topology

/// What the steps on clients send.
extension ClientsProcedure {
    /// Writes the file of the next client and restarts it: one that was begun before first.
    func repointNext(upTo count: Int) -> Act {
        next(to: .destination, upTo: count, summary: "write its file") { client, fleet in
            guard let file = survey.clients?.file(of: client) else {
                return .failure(Undecidable(reason: "its file was not read when the run began"))
            }
            do throws(ClientFileError) {
                let content = try RepointedClient(plan: plan, client: client).content(of: file)
                let write = FileWrite(path: file.path, expected: file.digest, content: Data(content))
                return .success([HostCommand(client.host, .writeFile(write: write))])
            } catch {
                return .failure(Undecidable(reason: "\(file.path): \(error)"))
            }
        }
    }

    /// Puts the file of the next client back and restarts it: one that is away first.
    func returnNext(upTo count: Int) -> Act {
        next(to: .source, upTo: count, summary: "restore its file") { client, fleet in
            if hasFile(of: .destination, client, fleet) {
                let restore = FileRestore(path: client.configPath)
                return .success([HostCommand(client.host, .restoreFile(restore: restore))])
            }
            guard hasFile(of: .source, client, fleet) else {
                return .failure(Undecidable(reason: MigrationProcedure.foreign(client.configPath)))
            }
            return .success([])
        }
    }

    private func next(
        to side: EnsembleSide,
        upTo count: Int,
        summary: String,
        changing: @escaping @Sendable (PlannedClient, FleetView) -> Result<[HostCommand], Undecidable>
    ) -> Act {
        .decided(
            summary: "on the next of \(clients.map(\.name).joined(separator: ", ")): \(summary), restart it",
            by: { fleet, facts in
                if let silence = silence(fleet) { return .wait(because: silence) }
                let pending = pending { lacking($0, to: side, fleet, facts) }
                let moved = clients.count - pending.count
                guard moved < count, !pending.isEmpty else {
                    return .nothingToDo(because: "\(moved) clients moved already")
                }
                let batch: [PlannedClient]
                switch next(of: pending, needed: count - moved, to: side, fleet, facts) {
                case .failure(let away): return .wait(because: away.reason)
                case .success(let next): batch = next
                }
                var (noted, commands) = (facts, [HostCommand]())
                for next in batch {
                    switch changing(next, fleet) {
                    case .failure(let problem): return .stop(because: "\(next.title): \(problem.reason)")
                    case .success(let change):
                        let pid = fleet.service(next.service, on: next.host)?.pid
                        // None that runs can have the number nought: whatever runs later is another one.
                        noted.replacedProcesses[next.name] = pid ?? 0
                        commands += change + [restart(next, pid)]
                    }
                }
                return .act(
                    commands,
                    because:
                        "\(batch.map(\.title).joined(separator: ", ")), \(pending.count - batch.count) to go",
                    noting: noted
                )
            },
            looking: look(.joint)
        )
    }

    func restart(_ client: PlannedClient, _ pid: Int32?) -> HostCommand {
        let request = ServiceRequest(
            service: client.service,
            action: pid == nil ? .start : .restart,
            replacing: pid
        )
        return HostCommand(client.host, .service(request: request))
    }
}
