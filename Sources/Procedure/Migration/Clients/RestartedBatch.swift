import ControlProtocol
import Fleet
import Settings
import Topology

/// A client that is restarted at the end was at the destination before, too, and a session outlives a process that did not close
/// it: who owned nodes before shows nothing of the process of after.
extension ClientsProcedure {
    /// The facts with who owns nodes at the places of those that are restarted now.
    ///
    /// As long as one of an interrupted batch is not back, what was noted before its restart stays.
    func noting(
        _ due: [PlannedClient],
        of batch: [PlannedClient],
        _ fleet: FleetView,
        _ facts: RunFacts
    ) -> Result<RunFacts, Undecidable> {
        let restarted = batch.filter { isAnother($0, fleet, facts) }.map(\.title)
        if let noted = facts.restartedBatch, restarted.contains(where: noted.clients.contains) {
            return .success(facts)
        }
        var sessions: [String: Set<SessionNumber>] = [:]
        let places = Set(due.compactMap(\.ephemerals))
        if !places.isEmpty {
            switch fleet.census[question(.divided)]?.ensemble.ephemerals {
            case nil: return .failure(Undecidable(reason: "who is connected was not looked at"))
            case .silent(let reason)?:
                return .failure(Undecidable(reason: "the clients' registrations cannot be read: \(reason)"))
            case .found(let found)?:
                for place in places where found.isWhole { sessions[place] = found.byTree[place] ?? [] }
            }
        }
        var noted = facts
        noted.restartedBatch = RunFacts.RestartedBatch(due, sessions)
        return .success(noted)
    }
}

extension RunFacts.RestartedBatch {
    /// Of all places; every entry of the journal carries them.
    private static let most = 2000

    /// - Parameter sessions: by place; where there are too many nothing is noted of any.
    fileprivate init(_ clients: [PlannedClient], _ sessions: [String: Set<SessionNumber>]) {
        let isTooMuch = sessions.values.map(\.count).reduce(0, +) > Self.most
        self.init(
            clients: clients.map(\.title),
            sessions: isTooMuch ? [:] : sessions.mapValues { $0.sorted() }
        )
    }

    /// Nil when it is not known which were there before the client was restarted.
    func sessions(before client: PlannedClient) -> Set<SessionNumber>? {
        guard clients.contains(client.title), let place = client.ephemerals else { return nil }
        return sessions[place].map { Set($0) }
    }
}
