import ControlProtocol
import FoundationEssentials
package import Logging
import Logs
import Settings
import Topology
package import ZooKeeperClient

/// Writes a canary through each side and looks for all of them on every server.
///
/// Canaries are ephemeral nodes in the root: they go with their sessions, whatever becomes of this program.
package struct CanaryCheck: Sendable {
    /// For a session with one server, and for one side's canary.
    private static let patience = Duration.seconds(5)
    private static let prefix = "/mitosis-canary-"

    private let question: CanaryQuestion
    private let credentials: [Credentials]
    private let log: Logger

    package init(_ question: CanaryQuestion, credentials: [Credentials] = [], log: Logger = .silent) {
        self.question = question
        self.credentials = credentials
        self.log = log
    }

    /// Returns when every session has ended: a program that ends right afterwards leaves no canary behind.
    package func answer() async -> CanaryAnswer {
        var writers: [ZooKeeperSession] = []
        let answer = await answer(writers: &writers)
        for writer in writers { await writer.close() }
        return answer
    }

    /// Leaves the sessions that hold the canaries to the caller.
    private func answer(writers: inout [ZooKeeperSession]) async -> CanaryAnswer {
        let name = Self.prefix + question.name + "-" + String(UInt32.random(in: 0 ... .max), radix: 16)
        let paths = question.sides.indices.map { "\(name)-\($0 + 1)" }
        do throws(ZooKeeperError) {
            for (path, side) in zip(paths, question.sides) {
                let writer = try await session(with: side)
                writers.append(writer)
                _ = try await writer.create(path, mode: .ephemeral)
            }
        } catch {
            return .silent(reason: "a canary cannot be written: \(error)")
        }
        return await look(for: paths)
    }

    private func look(for paths: [String]) async -> CanaryAnswer {
        let servers = question.sides.enumerated().flatMap { index, side in
            side.map { (side: index, server: $0) }
        }
        let found = await mapHosts(servers) { await seen(paths, on: $0.server) }
        var sightings: [CanarySighting] = []
        for (own, path) in paths.enumerated() {
            var missing: [String] = []
            var strays: [String] = []
            for (place, result) in zip(servers, found) {
                let host = place.server.host.description
                switch result {
                case .failure(let error):
                    return .silent(reason: "\(host): canaries cannot be looked for: \(error)")
                case .success(let seen):
                    if place.side == own, !seen.contains(path) { missing.append(host) }
                    if place.side != own, seen.contains(path) { strays.append(host) }
                }
            }
            sightings.append(CanarySighting(path: path, missing: missing.sorted(), strays: strays.sorted()))
        }
        return .seen(sightings)
    }

    /// After a sync, so that a server that lags behind cannot hide one.
    private func seen(_ paths: [String], on server: PlannedServer) async -> Result<
        Set<String>, ZooKeeperError
    > {
        do throws(ZooKeeperError) {
            let session = try await session(with: [server])
            let result = await Self.find(paths, over: session)
            await session.close()
            return result
        } catch {
            return .failure(error)
        }
    }

    private static func find(_ paths: [String], over session: ZooKeeperSession) async -> Result<
        Set<String>, ZooKeeperError
    > {
        do throws(ZooKeeperError) {
            try await session.sync("/")
            var seen: Set<String> = []
            for path in paths where try await session.exists(path) != nil { seen.insert(path) }
            return .success(seen)
        } catch {
            return .failure(error)
        }
    }

    private func session(with servers: [PlannedServer]) async throws(ZooKeeperError)
        -> ZooKeeperSession
    {
        let list = servers.map { ConnectString.Server(host: $0.address, port: $0.clientPort).description }
        guard let connect = ConnectString(list.joined(separator: ",")) else {
            throw .invalidArguments("no server to connect to")
        }
        var options = SessionOptions()
        options.credentials = credentials
        return try await ZooKeeperSession.connect(
            connect,
            timeout: Self.patience,
            options: options,
            log: log
        )
    }
}
