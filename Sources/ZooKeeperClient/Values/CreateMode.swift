internal import CZooKeeper

/// How long a new node lives and whether ZooKeeper numbers it.
package enum CreateMode: Hashable, Sendable, CaseIterable {
    case persistent
    case ephemeral
    case persistentSequential
    case ephemeralSequential
    /// Removed by the server once its last child is gone.
    case container

    var flag: Int32 {
        switch self {
        case .persistent: ZOO_PERSISTENT
        case .ephemeral: ZOO_EPHEMERAL
        case .persistentSequential: ZOO_PERSISTENT_SEQUENTIAL
        case .ephemeralSequential: ZOO_EPHEMERAL_SEQUENTIAL
        case .container: ZOO_CONTAINER
        }
    }
}
