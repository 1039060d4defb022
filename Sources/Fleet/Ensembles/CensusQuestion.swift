package import Settings
package import Topology

/// Which clients hold what is to move: what is read through a session of this program's, and of whom agents are asked.
package struct CensusQuestion: Hashable, Sendable {
    /// The agents of all of them are asked who is connected.
    package let servers: [PlannedServer]
    /// Any of them is read through: servers of one ensemble.
    package let readers: [PlannedServer]
    /// Absolute paths; all nodes of each are looked at, once where one lies in another.
    package let trees: [String]
    /// Nodes whose owners are told by name.
    package let named: [String]
    /// Names of hosts whose addresses are looked up.
    package let hosts: [String]
    /// Nodes that are read in a second, at most.
    package let rate: Int

    /// - Parameter readers: nil where all of the servers are one ensemble.
    package init(
        servers: [PlannedServer],
        readers: [PlannedServer]? = nil,
        trees: [String],
        named: [String] = [],
        hosts: [String] = [],
        rate: Int
    ) {
        self.servers = servers
        self.readers = readers ?? servers
        self.trees = trees
        self.named = named
        self.hosts = hosts
        self.rate = rate
    }
}

/// What an ensemble, and this program's own host, say to it.
package struct EnsembleCensus: Hashable, Sendable {
    package let ephemerals: EphemeralAnswer
    /// Of this program's host.
    package let own: Set<IPAddress>
    /// Of the hosts that were named; one that is not known here has none.
    package let addresses: [String: Set<IPAddress>]

    package init(
        ephemerals: EphemeralAnswer,
        own: Set<IPAddress> = [],
        addresses: [String: Set<IPAddress>] = [:]
    ) {
        self.ephemerals = ephemerals
        self.own = own
        self.addresses = addresses
    }
}

/// The ephemeral nodes of some trees, or why they are not known.
package enum EphemeralAnswer: Hashable, Sendable {
    case found(TreeEphemerals)
    case silent(reason: String)
}

/// Who owns ephemeral nodes in some trees.
package struct TreeEphemerals: Hashable, Sendable {
    /// A session and what it owns.
    package struct Owner: Hashable, Sendable {
        /// The most that are told by name.
        package static let mostPaths = 3

        package let session: SessionNumber
        /// The first of them, in order.
        package private(set) var paths: [String]
        package private(set) var count: Int

        package init(_ session: SessionNumber, paths: [String] = []) {
            self.session = session
            self.paths = Array(paths.sorted().prefix(Self.mostPaths))
            count = paths.count
        }

        /// The same with other words for its paths.
        package func renamed(_ name: (String) -> String) -> Owner {
            var copy = self
            copy.paths = paths.map(name)
            return copy
        }

        mutating func add(_ path: String) {
            count += 1
            paths = Array((paths + [path]).sorted().prefix(Self.mostPaths))
        }
    }

    /// In order of their sessions.
    package let owners: [Owner]
    /// Of each tree in question that has any.
    package let byTree: [String: Set<SessionNumber>]
    /// Owners of the nodes that were asked for by name, where these are ephemeral.
    package let named: [String: SessionNumber]
    /// Trees that are not there, in the order of the question.
    package let missing: [String]
    /// That were looked at.
    package let nodes: Int
    /// Nodes whose children may not be read by this program.
    package let unreadable: Int
    /// The first of them.
    package let unreadablePaths: [String]
    /// Whether the trees have no more nodes than are read.
    package let isWhole: Bool

    package init(
        owners: [Owner],
        byTree: [String: Set<SessionNumber>] = [:],
        named: [String: SessionNumber] = [:],
        missing: [String] = [],
        nodes: Int,
        unreadable: Int = 0,
        unreadablePaths: [String] = [],
        isWhole: Bool = true
    ) {
        self.owners = owners
        self.byTree = byTree
        self.named = named
        self.missing = missing
        self.nodes = nodes
        self.unreadable = unreadable
        self.unreadablePaths = unreadablePaths
        self.isWhole = isWhole
    }
}
