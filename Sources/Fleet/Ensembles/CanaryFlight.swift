import ControlProtocol
import FoundationEssentials
import Logging
import Settings
import Topology
import ZooKeeperClient

/// Writes a canary through each side and looks for all of them on every server.
///
/// Canaries are ephemeral nodes in the root: they go with their sessions, whatever becomes of this program.
struct CanaryFlight {
    /// For a session with one server, and for one side's canary.
    private static let patience = Duration.seconds(5)
    private static let prefix = "/mitosis-canary-"

    let question: CanaryQuestion
    let log: Logger

    func answer() async -> CanaryAnswer {
        let name = Self.prefix + question.name + "-" + String(UInt32.random(in: 0 ... .max), radix: 16)
        let paths = question.sides.indices.map { "\(name)-\($0 + 1)" }
        var writers: [ZooKeeperSession] = []
        defer {
            for writer in writers { Task { await writer.close() } }
        }
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
        let servers = question.sides.enumerated().flatMap { index, side in side.map { (index, $0) } }
        let found = await withTaskGroup(of: (Int, String, Result<Set<String>, ZooKeeperError>).self) {
            group in
            for (side, server) in servers {
                group.addTask { (side, server.host.description, await seen(paths, on: server)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var sightings: [CanarySighting] = []
        for (own, path) in paths.enumerated() {
            var missing: [String] = []
            var strays: [String] = []
            for (side, host, result) in found {
                switch result {
                case .failure(let error):
                    return .silent(reason: "\(host): canaries cannot be looked for: \(error)")
                case .success(let seen):
                    if side == own, !seen.contains(path) { missing.append(host) }
                    if side != own, seen.contains(path) { strays.append(host) }
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
        return try await ZooKeeperSession.connect(connect, timeout: Self.patience, log: log)
    }
}
