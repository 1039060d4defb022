import FoundationEssentials
package import Logging
import Logs
import SystemCalls
package import Topology
package import ZooKeeperClient

/// ZooKeeper did not answer, or not as Kafka's does.
package struct KafkaReadingError: Error, Hashable, Sendable {
    package let reason: String

    package init(reason: String) { self.reason = reason }
}

extension KafkaReadingError: CustomStringConvertible {
    package var description: String { "Kafka's nodes in ZooKeeper cannot be read: \(reason)" }
}

/// Reads a Kafka cluster's nodes over one kept session, many requests under way at once.
///
/// Every look begins with a sync, so that a server that lags behind cannot show a state from before the last look.
package actor KafkaReader {
    /// For one look at the whole tree; a server without a quorum does not answer.
    private static let patience = Duration.seconds(10)
    /// More nodes than any cluster has that this can be meant for.
    private static let mostNodes = 500_000

    private struct Link {
        let servers: ConnectString
        let session: ZooKeeperSession
    }

    private let credentials: [Credentials]
    private let log: Logger
    private var link: Link?

    package init(credentials: [Credentials] = [], log: Logger = .silent) {
        self.credentials = credentials
        self.log = log
    }

    /// - Parameter servers: any of the cluster's servers, with the cluster's chroot.
    package func read(through servers: ConnectString) async throws(KafkaReadingError) -> KafkaCluster {
        do {
            let cluster = try await bounded(servers)
            log.debug(
                "Kafka's nodes read",
                fields: ["servers": servers.description, "brokers": String(cluster.brokers.count)]
            )
            return cluster
        } catch {
            let reason = Self.text(error)
            log.info(
                "Kafka's nodes not read",
                fields: ["servers": servers.description, "reason": reason]
            )
            await drop()
            throw KafkaReadingError(reason: reason)
        }
    }

    package func close() async { await drop() }

    private func drop() async {
        guard let old = link else { return }
        link = nil
        await old.session.close()
    }

    private func bounded(_ servers: ConnectString) async throws -> KafkaCluster {
        let session = try await session(at: servers)
        let outcome = await Deadline.cancelling(after: Self.patience) {
            () -> Result<KafkaCluster, any Error> in
            do { return .success(try await Self.cluster(over: session, at: servers)) } catch {
                return .failure(error)
            }
        }
        guard let outcome else {
            throw ZooKeeperError.timeout("reading Kafka's nodes within \(Self.patience)")
        }
        return try outcome.get()
    }

    private func session(at servers: ConnectString) async throws(ZooKeeperError) -> ZooKeeperSession {
        if let link, link.servers == servers {
            switch link.session.state {
            case .connecting, .connected: return link.session
            case .ended: break
            }
        }
        await drop()
        var options = SessionOptions()
        options.credentials = credentials
        let session = try await ZooKeeperSession.connect(
            servers,
            timeout: .seconds(5),
            options: options,
            log: log
        )
        link = Link(servers: servers, session: session)
        return session
    }

    private static func cluster(
        over session: ZooKeeperSession,
        at servers: ConnectString
    ) async throws -> KafkaCluster {
        try await session.sync(KafkaTree.brokers)
        guard try await session.exists(KafkaTree.brokers) != nil else {
            throw KafkaTreeError.malformed(
                path: servers.chroot + KafkaTree.brokers,
                reason: "it does not exist"
            )
        }
        var tree = KafkaTree()
        var paths = KafkaTree.fixedPaths
        for (parent, result) in zip(KafkaTree.parents, await session.children(all: KafkaTree.parents)) {
            paths += try unlessAbsent(result)?.names.map { "\(parent)/\($0)" } ?? []
        }
        try await add(paths, to: &tree, over: session)
        try await add(try tree.partitionStates(), to: &tree, over: session)
        return try KafkaCluster(tree)
    }

    private static func add(
        _ paths: [String],
        to tree: inout KafkaTree,
        over session: ZooKeeperSession
    ) async throws {
        guard tree.nodes.count + paths.count <= mostNodes else {
            throw ZooKeeperError.invalidArguments("more than \(mostNodes) nodes below the chroot")
        }
        for (path, result) in zip(paths, await session.get(all: paths)) {
            guard let node = try unlessAbsent(result) else { continue }
            tree.nodes[path] = Znode(
                data: node.data,
                czxid: node.stat.czxid,
                ephemeralOwner: node.stat.ephemeralOwner.map { SessionNumber($0.value) }
            )
        }
    }

    /// Nil for a node that went away between two rounds.
    private static func unlessAbsent<Value>(
        _ result: Result<Value, ZooKeeperError>
    ) throws(ZooKeeperError) -> Value? {
        do throws(ZooKeeperError) {
            return try result.get()
        } catch .noNode {
            return nil
        }
    }

    private static func text(_ error: any Error) -> String { "\(error)" }
}
