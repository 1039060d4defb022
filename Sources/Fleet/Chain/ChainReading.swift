package import ControlProtocol

/// What one host answers when it is asked for the chain that it keeps.
package enum ChainAnswer: Hashable, Sendable {
    /// In their order from 0 on, each continuing the one before.
    case held(links: [ChainLink])
    /// It keeps none.
    case nothing
    case damaged(reason: String)
    /// Its agent keeps no chains.
    case outdated
    case silent(reason: String)

    /// The number of entries in a chain that ends at the largest number there is.
    private static let most = 1_000_001

    /// Every host's, each read to its end.
    package static func read(_ hosts: [HostName], through agents: any ChainAgents) async
        -> [HostName: ChainAnswer]
    {
        let answers = await mapHosts(hosts) { host in await read(host, through: agents) }
        return Dictionary(zip(hosts, answers)) { first, _ in first }
    }

    private static func read(_ host: HostName, through agents: any ChainAgents) async -> ChainAnswer {
        var (links, size): ([ChainLink], Int) = ([], 0)
        do throws(FleetError) {
            while true {
                let request = ChainReadRequest(from: links.count)
                guard let page = try await agents.chain(request, on: host) else { return .outdated }
                guard let head = page.state.head else {
                    return page.state.problem.map { .damaged(reason: $0) } ?? .nothing
                }
                if let objection = ChainLink.objection(to: page.entries, after: links.last?.head) {
                    return .damaged(reason: "its answer is no chain: \(objection)")
                }
                links += page.entries
                size += page.entries.reduce(0) { $0 + $1.content.count }
                if links.last?.head == head { return .held(links: links) }
                guard !page.entries.isEmpty, links.count <= min(head.number, most), size <= ChainLimit.chain
                else {
                    return .damaged(reason: "its answer ends before, or behind, the head that it tells of")
                }
            }
        } catch {
            return .silent(reason: error.reason)
        }
    }
}
