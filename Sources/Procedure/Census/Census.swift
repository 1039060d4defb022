package import ControlProtocol
package import Fleet
package import Settings
package import Topology

/// Who holds what is to move, and from where: the judgement of one look.
///
/// Pure: docs/clients.md says what it can tell and what it cannot.
package struct Census: Hashable, Sendable {
    /// Where a session is.
    package enum Place: Hashable, Sendable {
        case destination
        case source(HostName?)
        case undecided(reason: String)
        case ignored(reason: String)
    }

    /// A session that owns ephemeral nodes in what moves.
    package struct Holder: Hashable, Sendable {
        package let owner: TreeEphemerals.Owner
        package let place: Place
        /// Nil when nobody tells it.
        package let address: IPAddress?
        package let name: ClientName

        package var session: SessionNumber { owner.session }
    }

    /// An address with connections to one server.
    package struct Client: Hashable, Sendable {
        package let address: IPAddress
        package let name: ClientName
        package let host: HostName
        package let side: EnsembleSide
        package let connections: Int
        /// That the server tells of there, in order; nil where it does not.
        package let sessions: [SessionNumber]?
        /// Ephemeral nodes of these sessions, or of the broker there, in what moves.
        package let ephemerals: Int
    }

    /// What is looked at; empty when nothing is declared.
    package let trees: [String]
    /// In order of their sessions.
    package let holders: [Holder]
    /// In order of their addresses and servers.
    package let clients: [Client]
    /// Who is left behind, a sentence each.
    package let left: [String]
    /// What cannot be told, a sentence each.
    package let undecided: [String]
    /// Who may be meant by what cannot be told, and why it cannot.
    package let hints: [String]
    /// What is worth knowing, and stops nothing.
    package let notes: [String]
    /// Who is at the source and may stay there by the plan, though it holds what moves.
    package let excused: [String]
    /// Addresses that the plan does not know, with where they are connected to the destination.
    package let newcomers: [String]
    /// Nodes that were looked at.
    package let nodes: Int

    package init(_ plan: MigrationPlan, _ sighting: CensusSighting) {
        var judge = CensusJudge(plan, sighting)
        judge.perform()
        trees = plan.census.trees
        holders = judge.holders
        clients = judge.clients
        left = judge.left
        undecided = judge.undecided
        hints = judge.hints
        notes = judge.notes
        excused = judge.excused
        newcomers = judge.newcomers
        nodes = judge.nodes
    }

    /// Whether it is known that nobody is left behind.
    package var isClear: Bool { !trees.isEmpty && left.isEmpty && undecided.isEmpty }

    /// That nobody is left behind, with what it rests on.
    package var summary: String {
        guard !trees.isEmpty else {
            return "no tree is declared: nothing can be said of clients that are left behind"
        }
        let moved = holders.count { $0.place == .destination }
        return
            "\(nodes) nodes of \(Self.list(trees)): \(holders.count) sessions own ephemeral nodes there, \(moved) of them at "
            + "the destination"
    }

    static func list(_ items: [String], most: Int = 5, between: String = ", ") -> String {
        items.prefix(most).joined(separator: between)
            + (items.count > most ? " and \(items.count - most) more" : "")
    }
}
