import ControlProtocol
import Glibc
import HostControl
import Logging
import Logs
import Settings
import SystemCalls

/// Takes everything of ours off a host, and proves it; refuses while a rule of ours stands.
struct Removal: Sendable {
    let places: HostPlaces
    let units: HostUnits
    let rules: RulesWatch
    let log: Logger

    private var unit: any UnitControl { units.agent }
    private var placing: FilePlacing { FilePlacing(places: places) }
    private var standing: Standing { Standing(places: places, rules: rules) }

    func remove(_ order: ProvisionOrder) async throws(ProvisionFailure) -> ProvisionReply.Removed {
        try check(order.state)
        try await standing.refuse(in: order.state, before: "uninstall")
        let journal = InstallJournal(
            phase: .removing,
            entries: [],
            holds: nil,
            folders: [],
            wasEnabled: await unit.isEnabled(),
            wasActive: await unit.isActive(),
            lapse: InstallJournal.Former(
                wasEnabled: await units.lapsePath.isEnabled(),
                wasActive: await units.lapsePath.isActive()
            ),
            state: order.state
        )
        try journal.write(places)
        log.info(
            "uninstallation begins",
            fields: ["method": "ssh", "coordinator": order.coordinator, "host": order.host.description]
        )
        return try await finish(journal)
    }

    /// Where the agent itself has its state, if it is there: what stands is looked for nowhere else.
    private func check(_ state: String) throws(ProvisionFailure) {
        guard StatePlace.plain(state) != nil else { throw .refused(reason: StatePlace.advice(state)) }
        let path = places.path(of: .configuration)
        guard HostPlaces.exists(path) else { return }
        let own: String
        do throws(AgentServerError) {
            own = try AgentConfigurationReader.read(path: path).state
        } catch {
            throw .refused(
                reason:
                    "where the agent has its state cannot be read: \(error). Correct that file, then uninstall"
            )
        }
        guard own == state else {
            throw .refused(
                reason: "its agent.yaml has the state in \(own), the inventory in \(state): "
                    + "correct the one that is wrong, then uninstall"
            )
        }
    }

    /// Can be done twice.
    func finish(_ journal: InstallJournal) async throws(ProvisionFailure) -> ProvisionReply.Removed {
        try await stop()
        // Only now nobody can put up another, nor take an order.
        do throws(ProvisionFailure) {
            try check(journal.state)
            try await standing.refuse(in: journal.state, before: "uninstall")
        } catch {
            throw await runningAgain(journal, because: error)
        }
        try await disable()
        var removed: [String] = []
        let holding = HoldPlacing(places: places)
        for unit in try holding.ours().keys.sorted() {
            try holding.put(nil, at: unit)
            removed.append(places.hold(of: unit))
        }
        var left: [String] = []
        // The agent is stopped: nothing is written there any more.
        try removeState(journal.state, &removed, &left)
        // The binary last, for it does this.
        for path in ProvisionedFile.allCases.reversed().map({ places.path(of: $0) })
        where HostPlaces.exists(path) {
            try placing.remove(path)
            removed.append(path)
        }
        for folder in places.ownFolders where HostPlaces.exists(folder) {
            if rmdir(folder) == 0 {
                removed.append(folder)
            } else {
                left.append("\(folder): \(systemReason()); what is in it is not ours")
            }
        }
        if !removed.isEmpty || journal.wasActive || journal.wasEnabled {
            do throws(ServiceError) { try await unit.reload() } catch {
                throw .failed(reason: "\(error)", isUndone: false)
            }
        }
        for path in ProvisionedFile.allCases.map({ places.path(of: $0) }) where HostPlaces.exists(path) {
            left.append("\(path): still there")
        }
        left += try holding.ours().keys.sorted().map { "\(places.hold(of: $0)): still there" }
        for (name, unit) in units.named where await unit.isActive() { left.append("\(name): still runs") }
        left += await standing.walls()
        try placing.end()
        return ProvisionReply.Removed(paths: removed, left: left)
    }

    /// Also what runs without its file.
    private func stop() async throws(ProvisionFailure) {
        do throws(ServiceError) {
            for (_, unit) in units.named where await unit.isActive() { try await unit.stop() }
        } catch {
            throw .failed(reason: "the agent cannot be stopped: \(error)", isUndone: false)
        }
    }

    private func disable() async throws(ProvisionFailure) {
        do throws(ServiceError) {
            if HostPlaces.exists(places.path(of: .unit)) { try await unit.disable() }
            if HostPlaces.exists(places.path(of: .lapsePath)) { try await units.lapsePath.disable() }
        } catch {
            throw .failed(reason: "the agent cannot be stopped: \(error)", isUndone: false)
        }
    }

    /// The refusal to tell of, after what was stopped was started; nothing is under way any more.
    private func runningAgain(_ journal: InstallJournal, because failure: ProvisionFailure) async
        -> ProvisionFailure
    {
        do {
            var problem: ServiceError?
            do throws(ServiceError) {
                if journal.lapse?.wasActive == true { try await units.lapsePath.restart() }
                if journal.wasActive { try await unit.restart() }
            } catch {
                problem = error
            }
            try placing.end()
            guard let problem, case .refused(let reason) = failure else { return failure }
            return .failed(
                reason: "\(reason). The agent was stopped, and does not start again: \(problem); "
                    + "`mitosis agents install` puts back what it lacks",
                isUndone: false
            )
        } catch {
            return .failed(reason: "\(failure); and the removal cannot be ended: \(error)", isUndone: false)
        }
    }

    private func removeState(
        _ state: String,
        _ removed: inout [String],
        _ left: inout [String]
    ) throws(ProvisionFailure) {
        let remains = StateRemains(path: places.at(state))
        let objection = StatePlace.plain(state) == nil ? StatePlace.advice(state) : remains.objection
        if let objection {
            left.append("\(objection); nothing in \(remains.path) was removed")
        } else if HostPlaces.exists(remains.path) {
            do throws(SystemCallError) { try remains.remove() } catch {
                throw .failed(
                    reason: "\(remains.path): cannot \(error.call) it: \(error.reason)",
                    isUndone: false
                )
            }
            removed.append(remains.path)
            if HostPlaces.exists(remains.path) { left.append("\(remains.path): still there") }
        }
    }
}
