internal import CZooKeeper
internal import FoundationEssentials

/// What a completed request brought.
enum Reply: Sendable {
    case done
    case stat(NodeStat)
    case node(ZooKeeperNode)
    case children(NodeChildren)
    case path(String)
    case access(AccessList, NodeStat)
}

extension ZooKeeperError {
    /// `code` is not `ZOK`.
    init(code: Int32, path: String) {
        switch ZOO_ERRORS(code) {
        case ZCONNECTIONLOSS, ZSESSIONMOVED: self = .connectionLoss
        case ZOPERATIONTIMEOUT: self = .timeout(path)
        case ZSESSIONEXPIRED: self = .sessionExpired
        case ZCLOSING: self = .closed
        case ZAUTHFAILED: self = .authenticationFailed
        case ZNONODE: self = .noNode(path)
        case ZNODEEXISTS: self = .nodeExists(path)
        case ZBADVERSION: self = .badVersion(path)
        case ZNOAUTH: self = .noAuth(path)
        case ZNOTEMPTY: self = .notEmpty(path)
        case ZNOCHILDRENFOREPHEMERALS: self = .noChildrenForEphemerals(path)
        case ZINVALIDACL: self = .invalidACL(path)
        case ZBADARGUMENTS: self = .invalidArguments("'\(path)' is not a path, or a value is out of range")
        default:
            let text = zerror(code).map { String(cString: $0) } ?? "unknown"
            self = .other(code: code, path: path, text: text)
        }
    }
}

extension ZOO_ERRORS {
    fileprivate init(_ code: Int32) { self.init(rawValue: code) }
}
