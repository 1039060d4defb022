import ControlProtocol
import Fleet
import Settings
import Topology

/// How long those sessions last that go through the destination's window, by whoever has them, as servers tell it (`cons`).
///
/// They are what is connected to the destination, and what clients have that the plan moves, wherever these are. Who
/// stays at the source keeps its leader.
struct SeenSessions {
    /// Of the shortest; the others are counted.
    private static let most = 20

    /// The shortest of each by name, milliseconds.
    let timeouts: [String: Int]
    /// Others, each of them as long or longer.
    let more: Int
    /// Of whom it is not known, and why.
    let untold: [String]

    init(_ subject: SurveyedPlan, _ sighting: CensusSighting) {
        let plan = subject.plan
        let names = CensusJudge(plan, sighting)
        let seats = ClientSeats(plan, sighting).sessions
            .filter { plan.census.reason(toIgnore: .session($0.key)) == nil }.flatMap(\.value)
        var found: [String: Int] = [:]
        for seat in seats where seat.side == .destination {
            guard let timeout = seat.timeout,
                let name = Self.name(names.name(seat.address), at: seat.address)
            else { continue }
            found[name] = min(found[name] ?? timeout, timeout)
        }
        let silent = (plan.source + plan.destination).compactMap { server in
            sighting.clients[server.host].flatMap(Self.silence).map { (host: server.host, reason: $0) }
        }
        let byAddress = Dictionary(grouping: seats, by: \.address)
        var untold: [String] = []
        for client in plan.clients.all {
            let own = ClientPresence.addresses(of: client, sighting).flatMap { byAddress[$0] ?? [] }
            let moved = own.filter { $0.side == .destination }.compactMap(\.timeout)
            let known = moved.isEmpty ? own.compactMap(\.timeout).map { subject.clamped($0) } : moved
            if let shortest = known.min() {
                found[client.title] = shortest
            } else {
                let reason = silent.first.map { "\($0.host): \($0.reason)" }
                untold.append("\(client.title) (\(reason ?? "no server has a session of it"))")
            }
        }
        let destination = Set(plan.destination.map(\.host))
        untold += silent.filter { destination.contains($0.host) }
            .map { "whoever is at \($0.host) (\($0.reason))" }
        self.untold = untold
        let ordered = WindowPrediction.ordered(found)
        timeouts = Dictionary(ordered.prefix(Self.most).map { ($0.key, $0.value) }) { first, _ in first }
        more = max(0, ordered.count - Self.most)
    }

    /// Nil for a client of the plan, which is looked for by itself, and for whoever need not outlast the window.
    private static func name(_ name: ClientName, at address: IPAddress) -> String? {
        switch name {
        case .ignored, .coordinator, .client: nil
        case .broker: "\(name)"
        case .server, .listed, .resolved, .unknown: "\(address)\(name.inBrackets)"
        }
    }

    /// Why a server's sessions are not known, or not how long they last; nil when they are, and where nobody is connected.
    private static func silence(_ answer: ClientsAnswer) -> String? {
        switch answer {
        case .tooOld: return "its agent is too old to tell its clients; upgrade it"
        case .silent(let reason): return reason
        case .told(let report):
            if report.connections?.isEmpty == true { return nil }
            guard let sessions = report.sessions, report.sessionsAreWhole else {
                return report.sessionsObstacle ?? report.obstacle ?? "it does not say why"
            }
            return sessions.allSatisfy { $0.timeout != nil }
                ? nil : "its agent does not tell how long each session lasts; upgrade it if it is older"
        }
    }
}

extension MigrationPlan {
    /// Who is connected to the joint ensemble; no node is read for it.
    var sessionsQuestion: CensusQuestion {
        CensusQuestion(servers: source + seeds, trees: [], hosts: censusQuestion.hosts, rate: proofs.rate)
    }
}
