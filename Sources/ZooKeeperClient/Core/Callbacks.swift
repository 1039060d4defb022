internal import CZooKeeper
internal import FoundationEssentials

/// The functions that the library calls, on threads of its own, sometimes with its locks held.
///
/// They copy what they are given, look their token up and settle it; they never call the library's requests.
enum Callbacks {
    static var done: void_completion_t {
        { code, context in Callbacks.settle(context, code) { .done } }
    }

    static var stat: stat_completion_t {
        { code, stat, context in
            Callbacks.settle(context, code) { stat.map { .stat(NodeStat($0.pointee)) } }
        }
    }

    static var node: data_completion_t {
        { code, value, length, stat, context in
            Callbacks.settle(context, code) {
                // A node created without data has no value and the length -1.
                let data = value.map { Data(bytes: $0, count: Int(max(length, 0))) } ?? Data()
                return stat.map { .node(ZooKeeperNode(data: data, stat: NodeStat($0.pointee))) }
            }
        }
    }

    static var children: strings_stat_completion_t {
        { code, names, stat, context in
            Callbacks.settle(context, code) {
                let vector = UnsafeBufferPointer(
                    start: names?.pointee.data,
                    count: Int(names?.pointee.count ?? 0)
                )
                let texts = vector.compactMap { $0.map { String(cString: $0) } }.sorted()
                return stat.map { .children(NodeChildren(names: texts, stat: NodeStat($0.pointee))) }
            }
        }
    }

    static var access: acl_completion_t {
        { code, list, stat, context in
            Callbacks.settle(context, code) {
                let entries = AccessList(list?.pointee)
                return stat.map { .access(entries, NodeStat($0.pointee)) }
            }
        }
    }

    static var path: string_completion_t {
        { code, path, context in
            Callbacks.settle(context, code) { path.map { .path(String(cString: $0)) } }
        }
    }

    /// Also called with every change of the session, which leaves the watch as it is.
    static var watch: watcher_fn {
        { _, type, _, path, context in
            guard type != ZOO_SESSION_EVENT, let token = Token(context),
                let core = SessionRegistry.core(of: token)
            else { return }
            let event = WatchEvent(kind: .init(type), path: path.map { String(cString: $0) } ?? "")
            core.fired(token, event)
        }
    }

    static var session: watcher_fn {
        { handle, type, state, _, context in
            guard type == ZOO_SESSION_EVENT, let handle, let token = Token(context),
                let core = SessionRegistry.core(of: token)
            else { return }
            switch state {
            case ZOO_CONNECTED_STATE, ZOO_READONLY_STATE:
                let id = SessionID(zoo_client_id(handle)?.pointee.client_id ?? 0)
                core.changed(.connected(id, timeout: .milliseconds(Int64(zoo_recv_timeout(handle)))))
            case ZOO_EXPIRED_SESSION_STATE: core.end(.sessionExpired)
            case ZOO_AUTH_FAILED_STATE: core.end(.authenticationFailed)
            default: core.changed(.connecting)
            }
        }
    }

    private static func settle(_ context: UnsafeRawPointer?, _ code: Int32, _ reply: () -> Reply?) {
        guard let token = Token(context), let core = SessionRegistry.core(of: token) else { return }
        if code == ZOK.rawValue, let reply = reply() {
            core.completed(token, .success(reply))
        } else {
            core.completed(token, .failure(code))
        }
    }
}

/// A reply or the library's code, which gets its path where the request was made.
enum RawOutcome {
    case success(Reply)
    case failure(Int32)
}
