import ControlProtocol
import Fleet
import Settings
import Topology

/// Where clients are connected, and with which sessions, put together from what every server's agent said.
struct ClientSeats {
    /// A connection of a session with a server.
    struct Seat: Hashable {
        let host: HostName
        let side: EnsembleSide
        let address: IPAddress
        /// Milliseconds; nil where it is not told.
        let timeout: Int?
    }

    /// Connections of an address by server.
    private(set) var connections: [IPAddress: [HostName: Int]] = [:]
    private(set) var sessions: [SessionNumber: [Seat]] = [:]
    private var sessionsByPlace: [HostName: [IPAddress: [SessionNumber]]] = [:]
    /// Why something is not known of a server, by host; whoever is connected to it may be missing here.
    private(set) var gaps: [EnsembleSide: [String]] = [:]
    /// Servers whose sessions are all known.
    private(set) var listed: Set<HostName> = []
    /// Why the sessions of others are not.
    private(set) var unlisted: [HostName: String] = [:]

    private let sides: [HostName: EnsembleSide]

    init(_ plan: MigrationPlan, _ sighting: CensusSighting) {
        var sides: [HostName: EnsembleSide] = [:]
        for server in plan.source { sides[server.host] = .source }
        for server in plan.destination { sides[server.host] = .destination }
        self.sides = sides
        for server in plan.servers {
            guard let side = sides[server.host] else { continue }
            guard let answer = sighting.clients[server.host] else {
                // Of the destination only those that serve are asked.
                if side == .source { gaps[side, default: []].append("\(server.host): was not asked") }
                continue
            }
            add(answer, of: server, side)
        }
    }

    private mutating func add(_ answer: ClientsAnswer, of server: PlannedServer, _ side: EnsembleSide) {
        switch answer {
        case .tooOld:
            gaps[side, default: []].append(
                "\(server.host): its agent is too old to tell its clients; upgrade it"
            )
        case .silent(let reason): gaps[side, default: []].append("\(server.host): \(reason)")
        case .told(let report):
            guard let connections = report.connections else {
                let reason = report.obstacle ?? "it does not say why"
                gaps[side, default: []].append("\(server.host): its clients are not known: \(reason)")
                return
            }
            if report.truncated {
                gaps[side, default: []].append(
                    "\(server.host): has clients at more than \(ClientsReport.mostConnections) addresses"
                )
            }
            for connection in connections {
                let address = Self.address(connection.address, seenBy: server)
                self.connections[address, default: [:]][server.host, default: 0] += connection.count
            }
            if report.sessions != nil { sessionsByPlace[server.host] = [:] }
            for session in report.sessions ?? [] {
                let address = Self.address(session.address, seenBy: server)
                sessions[session.id, default: []].append(
                    Seat(host: server.host, side: side, address: address, timeout: session.timeout)
                )
                sessionsByPlace[server.host, default: [:]][address, default: []].append(session.id)
            }
            if report.sessions != nil, report.sessionsAreWhole {
                listed.insert(server.host)
            } else {
                unlisted[server.host] = report.sessionsObstacle ?? "it does not say why"
            }
        }
    }

    /// The loopback address is another host's on every server: it stands for the server's own.
    private static func address(_ address: IPAddress, seenBy server: PlannedServer) -> IPAddress {
        isLoopback(address) ? server.allAddresses.first ?? address : address
    }

    static func isLoopback(_ address: IPAddress) -> Bool {
        switch address.family {
        case .ipv4: address.bytes.first == 127
        case .ipv6: address.bytes == [UInt8](repeating: 0, count: 15) + [1]
        }
    }

    /// Servers of a side that the address is connected to, in order, with how many connections.
    func connections(of address: IPAddress, on side: EnsembleSide) -> [(host: HostName, count: Int)] {
        (connections[address] ?? [:]).filter { sides[$0.key] == side }
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// That the server tells of, in order.
    func sessions(at address: IPAddress, on host: HostName) -> [SessionNumber] {
        sessionsByPlace[host]?[address]?.sorted() ?? []
    }

    /// Whether it tells of any, if not of all.
    func tells(_ host: HostName) -> Bool { sessionsByPlace[host] != nil }

    func isConnected(_ address: IPAddress, to side: EnsembleSide) -> Bool {
        !connections(of: address, on: side).isEmpty
    }

    /// Every address that any server has a connection of, in order.
    var addresses: [IPAddress] { connections.keys.sorted() }
}
