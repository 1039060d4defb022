internal import CZooKeeper

/// The one change that a watch tells.
package struct WatchEvent: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case created
        case deleted
        case dataChanged
        case childrenChanged
        /// The server stopped watching, or a kind that this client does not know.
        case other(Int32)
    }

    package let kind: Kind
    package let path: String
}

/// What a watch told, and as the how manieth of its session.
struct FiredEvent: Hashable, Sendable {
    let event: WatchEvent
    let order: UInt64
}

extension WatchEvent.Kind {
    init(_ type: Int32) {
        switch type {
        case ZOO_CREATED_EVENT: self = .created
        case ZOO_DELETED_EVENT: self = .deleted
        case ZOO_CHANGED_EVENT: self = .dataChanged
        case ZOO_CHILD_EVENT: self = .childrenChanged
        default: self = .other(type)
        }
    }
}
