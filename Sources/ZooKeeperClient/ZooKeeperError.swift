/// Why a request to ZooKeeper, or a whole session, came to nothing.
package enum ZooKeeperError: Error, Hashable, Sendable {
    /// The connection broke before the reply: a write may have happened.
    case connectionLoss
    /// The server did not answer in time: a write may have happened.
    case timeout(String)
    case sessionExpired
    /// This side closed the session.
    case closed
    /// The awaiting task was cancelled; a request already sent may still take effect.
    case cancelled
    case authenticationFailed

    case noNode(String)
    case nodeExists(String)
    case badVersion(String)
    case noAuth(String)
    case notEmpty(String)
    case noChildrenForEphemerals(String)
    case invalidACL(String)

    case invalidArguments(String)
    case unresolvable(servers: String, reason: String)
    /// The system's C client is built without OpenSSL.
    case tlsUnavailable
    case other(code: Int32, path: String, text: String)
}

extension ZooKeeperError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .connectionLoss:
            "the connection to ZooKeeper was lost: a write may have happened, so read before repeating it"
        case .timeout(let what):
            "ZooKeeper did not answer in time (\(what)); if that was a write, it may have happened: see that the server runs, can be "
                + "reached, and has a quorum"
        case .sessionExpired:
            "the ZooKeeper session expired and its ephemeral nodes are gone: open a new session"
        case .closed: "the ZooKeeper session is closed: open a new one"
        case .cancelled: "cancelled while waiting for ZooKeeper: a write already sent may have happened"
        case .authenticationFailed:
            "ZooKeeper refused the credentials: check their scheme and that the server supports it"
        case .noNode(let path): "no node \(path): check the path and the chroot"
        case .nodeExists(let path): "\(path) exists already: set it, or delete it first"
        case .badVersion(let path): "\(path) has changed meanwhile: read it again before writing"
        case .noAuth(let path): "not allowed on \(path): give credentials that its ACL names"
        case .notEmpty(let path): "\(path) has children: delete them first"
        case .noChildrenForEphemerals(let path):
            "the parent of \(path) is ephemeral: choose a persistent parent"
        case .invalidACL(let path):
            "the ACL for \(path) is invalid: name at least one identity, and authenticate before using 'auth'"
        case .invalidArguments(let detail): "ZooKeeper would refuse the request: \(detail)"
        case .unresolvable(let servers, let reason):
            "cannot use the servers \(servers): \(reason); check the names and that they resolve on this host"
        case .tlsUnavailable:
            "TLS to ZooKeeper is not available: the system's C client (libzookeeper-mt2) is built without OpenSSL; "
                + "use the ensemble's plain clientPort over a trusted network, or a local TLS tunnel to its secureClientPort"
        case .other(let code, let path, let text):
            "ZooKeeper answered \(code) (\(text)) for \(path): see the server's log"
        }
    }
}

extension ZooKeeperError {
    /// Another try may be answered.
    package var mayPass: Bool {
        switch self {
        case .connectionLoss, .timeout, .sessionExpired, .closed: true
        case .cancelled, .authenticationFailed, .noNode, .nodeExists, .badVersion, .noAuth, .notEmpty,
            .noChildrenForEphemerals, .invalidACL, .invalidArguments, .unresolvable, .tlsUnavailable, .other:
            false
        }
    }
}
