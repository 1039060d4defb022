package import ControlProtocol
package import Topology

/// Clients other than brokers that move with the ensemble, as the plan file describes them.
package struct PlannedClients: Hashable, Sendable {
    /// In the order of the file, which is the order in which they move.
    package let all: [PlannedClient]
    /// For one to be back after its restart.
    package let deadline: Duration
    /// Between a client that is back and the restart of the next.
    package let pause: Duration
    /// How many are restarted at once, in the plan's order; at least 1.
    package let batch: Int
    /// Whether brokers and clients are restarted once more when their files name every destination server.
    package let restartsCompleted: Bool

    package static let none = PlannedClients(
        all: [],
        deadline: .seconds(300),
        pause: .zero,
        batch: 1,
        restartsCompleted: false
    )

    package func client(_ name: String) -> PlannedClient? { all.first { $0.name == name } }
}

/// A service with a file that says which ZooKeeper it uses.
package struct PlannedClient: Hashable, Sendable {
    /// The plan's own word for it.
    package let name: String
    /// Its agent's certificate carries this name.
    package let host: HostName
    /// Where servers see it come from; the agent is there too, unless told otherwise.
    package let address: String
    package let agent: PlannedAgent
    package let service: String
    package let configPath: String
    package let connect: ConnectPlace
    /// What it keeps in ZooKeeper, or where: a tree that moves, or something in one.
    package let tree: String
    /// A node that it registers at or below by ephemeral nodes; nil where only its connections tell that it is back.
    package let ephemerals: String?
    /// What must be seen besides; nil for nothing.
    package let healthy: PlannedHealth?
    /// Whether nobody else of the plan is on its host, so that all that is connected from there is this client's.
    package let isAlone: Bool
    /// Where it stands in the plan file.
    package let line: Int

    /// For instance `client registry (app1)`.
    package var title: String { "client \(name) (\(host))" }
}

/// What else a client shows that is back; at least one of both.
package struct PlannedHealth: Hashable, Sendable {
    /// It answers there, on 127.0.0.1 of its host.
    package let port: Port?
    /// It runs, on the client's host.
    package let service: String?
}

/// What is wrong with a client of a plan.
package enum ClientFault: Hashable, Sendable {
    case repeatedName(String, firstLine: Int)
    case onServerHost(HostName, firstLine: Int)
    case saysOtherwise(key: String, value: String, firstLine: Int, other: String)
    case sharesHost(HostName, firstLine: Int)
    case onePlace
    case emptyHealth
    case becomesWithoutText
    case badPlace(key: String, value: String)
    case treeStays(String, trees: [String])
    case ephemeralsElsewhere(String, tree: String)
    case sameFile(path: String, host: HostName, firstLine: Int)
}

extension ClientFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .repeatedName(let name, let firstLine):
            "'\(name)' is a client on line \(firstLine) already. Give each a name of its own."
        case .onServerHost(let host, let firstLine):
            "host '\(host)' is a ZooKeeper server as well (line \(firstLine)), which is not supported: what is connected from "
                + "there would say nothing. Move this client by hand, before the division, and see `mitosis clients`."
        case .saysOtherwise(let key, let value, let firstLine, let other):
            "'\(key)' is '\(value)' here and '\(other)' for the same host on line \(firstLine). Remove it here, or make both the "
                + "same."
        case .sharesHost(let host, let firstLine):
            "host '\(host)' is another's too (line \(firstLine)), so that connections from there do not tell which of them is "
                + "back. Say under 'ephemerals' where this client registers."
        case .onePlace:
            "'connect' names one place: give 'property', 'variable' or 'text', and only one of them."
        case .emptyHealth: "'healthy' says nothing: give 'port', 'service', or both."
        case .becomesWithoutText: "'becomes' goes with 'text'. Remove it, or name the exact old text."
        case .badPlace(let key, let value):
            "'\(key)' is '\(value)', which cannot stand in a file so. "
                + (key == "variable"
                    ? "Write a variable's name: letters, digits and _, no digit first."
                    : "Write it as it stands there, without controls and without blanks around it.")
        case .treeStays(let tree, let trees):
            "'tree' is '\(tree)', which does not move ("
                + (trees.isEmpty
                    ? "the plan has no 'trees'" : "what moves is \(trees.joined(separator: ", "))")
                + "). Add it to 'trees', or leave this client out."
        case .ephemeralsElsewhere(let path, let tree):
            "'ephemerals' is '\(path)', which is not in this client's tree \(tree). Correct one of the two."
        case .sameFile(let path, let host, let firstLine):
            "\(path) on \(host) is another's file on line \(firstLine) already, and each is written by itself. Leave the other "
                + "out, or let it have a file of its own."
        }
    }
}
