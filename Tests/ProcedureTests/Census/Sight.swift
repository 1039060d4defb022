import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import TestSupport
import Testing
import Topology

/// One look at clients, made up piece by piece.
struct Sight {
    let plan: MigrationPlan
    /// By host: address and session of each connection; a host that is not named has none.
    var seats: [String: [(address: String, session: Int64?)]] = [:]
    /// Hosts whose servers tell their sessions; all when nil.
    var telling: Set<String>?
    var answers: [String: ClientsAnswer] = [:]
    var owners: [TreeEphemerals.Owner] = []
    var named: [String: SessionNumber] = [:]
    var missing: [String] = []
    var unreadable = 0
    var unreadablePaths: [String] = []
    var isWhole = true
    var silence: String?
    var own: Set<IPAddress> = []

    init(_ more: String = "trees: [/app]\n") throws {
        plan = try Fixture.plan(source: 3, destination: 3, kafka: more)
    }

    /// Of a plan that refers to an inventory with these hosts besides its own.
    init(_ more: String = "trees: [/app]\n", inventory: String) throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let path = folder.path + "/hosts.yaml"
        let text = """
            version: 1
            name: all
            pki: {directory: \(folder.path)/pki, coordinator: test, trust_domain: mitosis}
            hosts:
            - {host: "s[1-3]", address: "198.51.100.[11-13]"}
            - {host: "d[4-6]", address: "198.51.100.[14-16]"}
            \(inventory)

            """
        try Data(text.utf8).write(to: URL(filePath: path))
        plan = try Fixture.plan(
            source: 3,
            destination: 3,
            kafka: "inventory: \(path)\n" + more,
            pki: folder.path + "/pki"
        )
    }

    static func session(_ server: Int64, _ number: Int64) -> Int64 { server << 56 | number }

    mutating func own(_ session: Int64, _ paths: String...) {
        owners.append(TreeEphemerals.Owner(SessionNumber(session), paths: paths))
    }

    func census() throws -> Census {
        let port = try #require(Port(2181))
        var clients: [HostName: ClientsAnswer] = [:]
        for server in plan.source + plan.seeds {
            let host = server.host.description
            let here = try (seats[host] ?? []).map { (try #require(IPAddress($0.address)), $0.session) }
            let tells = telling?.contains(host) ?? true
            let report = ClientsReport(
                ports: [port],
                connections: here.map { .init(address: $0.0, port: port, count: 1) },
                sessions: tells
                    ? here.compactMap { seat in seat.1.map { .init(id: SessionNumber($0), address: seat.0) } }
                    : nil,
                sessionsAreWhole: tells,
                sessionsObstacle: tells ? nil : "'cons' is not allowed"
            )
            clients[server.host] = answers[host] ?? .told(report)
        }
        let found = TreeEphemerals(
            owners: owners,
            named: named,
            missing: missing,
            nodes: 7,
            unreadable: unreadable,
            unreadablePaths: unreadablePaths,
            isWhole: isWhole
        )
        let ensemble = EnsembleCensus(
            ephemerals: silence.map { .silent(reason: $0) } ?? .found(found),
            own: own
        )
        return Census(plan, CensusSighting(clients: clients, ensemble: ensemble))
    }
}
