import ControlProtocol
import Glibc
import HostControl
import Logging
import Logs
import SystemCalls

/// Takes everything of ours off a host, and proves it; refuses while a rule of ours stands.
struct Removal: Sendable {
    let places: HostPlaces
    let units: HostUnits
    let log: Logger

    private var unit: any UnitControl { units.agent }
    private var placing: FilePlacing { FilePlacing(places: places) }

    func remove(
        _ order: ProvisionOrder,
        _ found: [LocalRules.Backend]
    ) async throws(ProvisionFailure) -> ProvisionReply.Removed {
        try refuseRules(found)
        try refuseOrder(in: order.state)
        let journal = InstallJournal(
            phase: .removing,
            entries: [],
            holds: nil,
            folders: [],
            wasEnabled: await unit.isEnabled(),
            wasActive: await unit.isActive(),
            lapse: nil,
            state: order.state
        )
        try journal.write(places)
        log.info(
            "uninstallation begins",
            fields: ["method": "ssh", "coordinator": order.coordinator, "host": order.host.description]
        )
        return try await finish(journal)
    }

    /// Can be done twice.
    func finish(_ journal: InstallJournal) async throws(ProvisionFailure) -> ProvisionReply.Removed {
        var removed: [String] = []
        do throws(ServiceError) {
            if HostPlaces.exists(places.path(of: .unit)) {
                if await unit.isActive() { try await unit.stop() }
                try await unit.disable()
            }
            if HostPlaces.exists(places.path(of: .lapsePath)) {
                if await units.lapsePath.isActive() { try await units.lapsePath.stop() }
                try await units.lapsePath.disable()
            }
            if await units.lapseService.isActive() { try await units.lapseService.stop() }
        } catch {
            throw .failed(reason: "the agent cannot be stopped: \(error)", isUndone: false)
        }
        let holding = HoldPlacing(places: places)
        for unit in try holding.ours().keys.sorted() {
            try holding.put(nil, at: unit)
            removed.append(places.hold(of: unit))
        }
        // The agent is stopped: nothing is written there any more. The binary last, for it does this.
        for path in [places.at(journal.state)]
            + ProvisionedFile.allCases.reversed().map({ places.path(of: $0) })
        where HostPlaces.exists(path) {
            try placing.remove(path)
            removed.append(path)
        }
        var left: [String] = []
        for folder in places.ownFolders where HostPlaces.exists(folder) {
            if rmdir(folder) == 0 {
                removed.append(folder)
            } else {
                left.append("\(folder): \(systemReason()); what is in it is not ours")
            }
        }
        do throws(ServiceError) { try await unit.reload() } catch {
            throw .failed(reason: "\(error)", isUndone: false)
        }
        for path in ProvisionedFile.allCases.map({ places.path(of: $0) }) + [places.at(journal.state)]
        where HostPlaces.exists(path) {
            left.append("\(path): still there")
        }
        left += try holding.ours().keys.sorted().map { "\(places.hold(of: $0)): still there" }
        for (name, unit) in units.named where await unit.isActive() { left.append("\(name): still runs") }
        try placing.end()
        return ProvisionReply.Removed(paths: removed, left: left)
    }

    /// Its services could start in the middle of a division, or never again.
    private func refuseOrder(in state: String) throws(ProvisionFailure) {
        let store = OrderStore(stateDirectory: places.at(state))
        guard let order = store.state else { return }
        throw .refused(
            reason:
                "\(store.path): \(order). End the run first, or remove the rules (mitosis rules clean), then uninstall"
        )
    }

    /// What cannot be read is taken for a rule.
    private func refuseRules(_ found: [LocalRules.Backend]) throws(ProvisionFailure) {
        var standing: [String] = []
        for part in found {
            switch part.finding {
            case .missing: continue
            case .rules(0, _): continue
            case .rules(let count, _):
                standing.append("\(part.backend.rawValue) holds \(count) rules of ours")
            case .unreadable(let error): standing.append("\(part.backend.rawValue) cannot be read: \(error)")
            }
        }
        guard standing.isEmpty else {
            throw .refused(
                reason:
                    "\(standing.joined(separator: "; ")): a wall may stand. End the run first, or remove the rules "
                    + "(mitosis rules clean), then uninstall"
            )
        }
    }
}
