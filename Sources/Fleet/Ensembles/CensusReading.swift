package import Logging
import Logs
import Settings
import SystemCalls
import Topology
package import ZooKeeperClient

/// Answers a census' questions to an ensemble, over a session of its own that owns nothing and ends with the answer.
package struct CensusReading: Sendable {
    /// For a session with any of the servers.
    private static let patience = Duration.seconds(10)

    private let question: CensusQuestion
    private let credentials: [Credentials]
    private let log: Logger

    package init(_ question: CensusQuestion, credentials: [Credentials] = [], log: Logger = .silent) {
        self.question = question
        self.credentials = credentials
        self.log = log
    }

    package func answer() async -> EnsembleCensus {
        async let addresses = lookUp(question.hosts)
        let ephemerals = await ephemerals()
        return EnsembleCensus(ephemerals: ephemerals, own: own(), addresses: await addresses)
    }

    private func ephemerals() async -> EphemeralAnswer {
        guard !question.trees.isEmpty else { return .found(TreeEphemerals(owners: [], nodes: 0)) }
        do throws(ZooKeeperError) {
            let session = try await session()
            let result = await walk(over: session)
            await session.close()
            return .found(try result.get())
        } catch {
            log.info("ephemeral nodes not read", fields: ["reason": "\(error)"])
            return .silent(reason: "\(error)")
        }
    }

    private func walk(over session: ZooKeeperSession) async -> Result<TreeEphemerals, ZooKeeperError> {
        var walk = EphemeralWalk(question)
        do throws(ZooKeeperError) {
            return .success(try await walk.perform(over: session))
        } catch {
            return .failure(error)
        }
    }

    private func session() async throws(ZooKeeperError) -> ZooKeeperSession {
        let list = question.readers.map {
            ConnectString.Server(host: $0.address, port: $0.clientPort).description
        }
        guard let connect = ConnectString(list.joined(separator: ",")) else {
            throw .invalidArguments("no server to connect to")
        }
        var options = SessionOptions()
        options.credentials = credentials
        return try await ZooKeeperSession.connect(connect, timeout: Self.patience, options: options, log: log)
    }

    /// Without them this program's own sessions look like somebody's: nothing worse.
    private func own() -> Set<IPAddress> {
        do throws(SystemCallError) {
            return Set(try NetworkAddresses.ofInterfaces().compactMap { IPAddress(bytes: $0) })
        } catch {
            log.warning("this host's addresses are not known", fields: ["reason": error.reason])
            return []
        }
    }

    private func lookUp(_ hosts: [String]) async -> [String: Set<IPAddress>] {
        guard !hosts.isEmpty else { return [:] }
        return await BlockingThread.run {
            Dictionary(
                hosts.map { host in
                    let literal = IPAddress(host).map { [$0] }
                    return (
                        host,
                        Set(literal ?? NetworkAddresses.named(host).compactMap { IPAddress(bytes: $0) })
                    )
                }
            ) { first, _ in first }
        }
    }
}
