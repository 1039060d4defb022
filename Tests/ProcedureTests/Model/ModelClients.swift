import ControlProtocol
import Fleet
import Procedure
import Settings
import Topology

/// A client of the model that is no broker: where it is connected, and what it owns.
struct ModelClient: Hashable, Sendable {
    var address: IPAddress
    /// Servers that it is connected to.
    var hosts: [HostName]
    var session: SessionNumber
    var paths: [String]
    /// Of its session, where servers tell it.
    var timeout: Int?
}

/// What the model's agents and ensemble say of clients.
extension ModelEnsemble {
    /// Whom each server has a connection of: brokers by the first server of their file.
    private var connected: [ModelClient] {
        let moved = brokers.brokers.values.compactMap { broker -> ModelClient? in
            guard let session = broker.session, let address = IPAddress(broker.planned.address),
                let server = plan.servers.first(where: { $0.id == session.origin })
            else { return nil }
            let path = plan.registration(of: broker.planned)
            return ModelClient(address: address, hosts: [server.host], session: session, paths: [path])
        }
        return (moved + applications.connected + strangers).sorted { $0.session < $1.session }
    }

    func clients(of host: HostName) -> ClientsAnswer {
        if odd(host).isSilent { return .silent(reason: "injected") }
        if oldAgents.contains(host) { return .tooOld }
        guard hosts[host]?.pid != nil, let port = Port(2181) else { return .told(.stopped) }
        let here = connected.filter { $0.hosts.contains(host) }
        return .told(
            ClientsReport(
                ports: [port],
                connections: here.map { .init(address: $0.address, port: port, count: 1) },
                sessions: tellsSessions
                    ? here.map { .init(id: $0.session, address: $0.address, timeout: $0.timeout) } : nil,
                sessionsAreWhole: tellsSessions,
                sessionsObstacle: tellsSessions ? nil : "'cons' is not allowed"
            )
        )
    }

    /// What was written on the source, in every log of it.
    func writes(_ request: WritesRequest, on host: HostName) -> WritesAnswer {
        if odd(host).isSilent { return .silent(reason: "injected") }
        if oldAgents.contains(host) { return .tooOld }
        let writes = wrongSide.filter { $0.zxid > request.after }
        return .told(
            WritesReport(
                first: writes.first?.zxid,
                last: writes.last?.zxid,
                count: writes.count,
                writes: writes
            )
        )
    }

    func census(_ question: CensusQuestion) -> EnsembleCensus {
        guard let reader = question.readers.first(where: { serves($0.host) }) else {
            return EnsembleCensus(ephemerals: .silent(reason: "no server answers"))
        }
        if let unreadable { return EnsembleCensus(ephemerals: .silent(reason: unreadable)) }
        var owners: [TreeEphemerals.Owner] = []
        var byTree: [String: Set<SessionNumber>] = [:]
        var named: [String: SessionNumber] = [:]
        for client in connected where isSeen(client, through: reader.host) {
            let paths = client.paths.filter { path in
                question.trees.contains { path == $0 || path.hasPrefix($0 + "/") }
            }
            guard !paths.isEmpty else { continue }
            owners.append(TreeEphemerals.Owner(client.session, paths: paths))
            for tree in question.trees
            where paths.contains(where: { $0 == tree || $0.hasPrefix(tree + "/") }) {
                byTree[tree, default: []].insert(client.session)
            }
            for path in paths where question.named.contains(path) { named[path] = client.session }
        }
        return EnsembleCensus(
            ephemerals: .found(
                TreeEphemerals(owners: owners, byTree: byTree, named: named, nodes: 10)
            ),
            addresses: [:]
        )
    }

    /// From the division on each side has a tree of its own.
    private func isSeen(_ client: ModelClient, through reader: HostName) -> Bool {
        guard plan.destination.contains(where: { serves($0.host) && isOwnView($0.host) }) else { return true }
        let origin = plan.servers.first { $0.id == client.session.origin }?.host
        return (client.hosts.first ?? origin).map { isSource($0) == isSource(reader) } ?? false
    }
}
