import Fleet
import FoundationEssentials
package import Logging
import SystemCalls
import Topology
package import ZooKeeperClient

/// How fast each server of an ensemble answers, one after another, with a session of its own.
package struct LatencyTest: Sendable {
    package struct Options: Sendable {
        package var root = "/mitosis-latencies"
        package var count = 1000
        package var size = 25
        /// Watches on each node.
        package var watches = 1
        /// One request at a time, in place of many on their way.
        package var isSynchronous = false
        /// For a session, and for each answer.
        package var timeout = Duration.seconds(30)
        package var credentials: [Credentials] = []

        package init() {}
    }

    private static let pipelined = 256

    private let servers: [ComparedServer]
    private let options: Options
    private let log: Logger

    package init(_ servers: [ComparedServer], options: Options, log: Logger) {
        self.servers = servers
        self.options = options
        self.log = log
    }

    /// - Parameter row: told of each part as soon as it is timed.
    package func report(_ row: (LatencyRow) -> Void = { _ in }) async -> LatencyReport {
        var report = LatencyReport()
        var sessions: [ZooKeeperSession] = []
        // All of them before anything is written.
        for server in servers {
            do {
                sessions.append(try await session(server))
            } catch {
                report.failures.append(.init(server: server.name, part: nil, reason: "\(error)"))
            }
        }
        if report.isGood, let first = sessions.first {
            await measure(sessions, first, into: &report, row)
        }
        _ = await mapHosts(sessions) { await $0.close() }
        return report
    }

    private func session(_ server: ComparedServer) async throws -> ZooKeeperSession {
        guard let connect = ConnectString(server.server.description) else {
            throw ZooKeeperError.invalidArguments("\(server.server)")
        }
        var session = SessionOptions()
        session.credentials = options.credentials
        session.sessionTimeout = max(.seconds(4), min(options.timeout, .seconds(30)))
        return try await ZooKeeperSession.connect(
            connect,
            timeout: options.timeout,
            options: session,
            log: log
        )
    }

    private func measure(
        _ sessions: [ZooKeeperSession],
        _ first: ZooKeeperSession,
        into report: inout LatencyReport,
        _ row: (LatencyRow) -> Void
    ) async {
        do {
            try await prepareRoot(first)
        } catch {
            report.failures.append(
                .init(server: servers[0].name, part: nil, reason: (error as? Objection)?.reason ?? "\(error)")
            )
            return
        }
        for (server, session) in zip(servers, sessions) {
            do {
                try await session.sync("/")
            } catch {
                report.failures.append(.init(server: server.name, part: nil, reason: "\(error)"))
                break
            }
            if let failure = await rows(
                server,
                session,
                {
                    report.rows.append($0)
                    row($0)
                }
            ) {
                report.failures.append(failure)
                break
            }
        }
        await removeRoot(first, &report)
    }

    private func prepareRoot(_ session: ZooKeeperSession) async throws {
        if try await session.exists(options.root) != nil {
            guard try await session.children(options.root).names.isEmpty else {
                throw Objection(
                    reason:
                        "\(options.root) has children, which another test may be using: delete it, or choose another with --root"
                )
            }
            return
        }
        _ = try await session.create(
            options.root,
            data: Data("made by mitosis latencies".utf8),
            access: access
        )
    }

    private func removeRoot(_ session: ZooKeeperSession, _ report: inout LatencyReport) async {
        do throws(ZooKeeperError) {
            // The last deletions went through another server.
            try await session.sync("/")
            // After a failure the nodes of a part are still there.
            let left = try await session.children(options.root).names
            for name in left where name.hasPrefix("session_") {
                try await session.delete("\(options.root)/\(name)")
            }
            try await session.delete(options.root)
        } catch {
            report.notes.append(
                "\(options.root) could not be removed (\(error)): delete it when the servers are well"
            )
        }
    }

    private var access: AccessList { options.credentials.isEmpty ? .open : .creatorAll }

    /// Nil when every part was timed.
    private func rows(
        _ server: ComparedServer,
        _ session: ZooKeeperSession,
        _ row: (LatencyRow) -> Void
    ) async -> LatencyReport.Failure? {
        let data = Data(repeating: UInt8(ascii: "x"), count: options.size)
        let access = access
        let paths = (0..<options.count).map { "\(options.root)/session_\($0)" }
        var watches: [NodeWatch] = []
        var deleting = ContinuousClock.now
        for part in LatencyPart.allCases {
            let began = ContinuousClock.now
            do {
                let each: [Double]
                switch part {
                case .createPermanent:
                    each = try await timed(paths) {
                        _ = try await session.create($0, data: data, access: access)
                    }
                case .set: each = try await timed(paths) { _ = try await session.set($0, data: data) }
                case .get:
                    each = try await timed(paths) { path in
                        guard try await session.get(path).data == data else {
                            throw Objection(reason: "\(path) has other data than was set")
                        }
                    }
                case .deletePermanent, .deleteEphemeral:
                    deleting = .now
                    each = try await timed(paths) { try await session.delete($0) }
                case .createEphemeral:
                    each = try await timed(paths) {
                        _ = try await session.create($0, data: data, mode: .ephemeral, access: access)
                    }
                case .watch:
                    let kept = KeptWatches()
                    let watched = (0..<options.watches).flatMap { _ in paths }
                    each = try await timed(watched) { kept.add(try await session.existsWatching($0).1) }
                    watches = kept.all
                case .notifications: each = try await noticed(watches, since: deleting)
                }
                let total = part == .notifications ? deleting : began
                row(LatencyRow(server.name, part, total: total.duration(to: .now).seconds * 1000, each: each))
            } catch {
                let reason = (error as? Objection)?.reason ?? "\(error)"
                return .init(server: server.name, part: part, reason: reason)
            }
        }
        return nil
    }

    /// Milliseconds of each; the first failure ends it.
    private func timed(
        _ paths: [String],
        _ act: @escaping @Sendable (String) async throws -> Void
    ) async throws -> [Double] {
        let width = options.isSynchronous ? 1 : Self.pipelined
        let results = await mapHosts(paths, width: width) { path -> Result<Double, Objection> in
            let began = ContinuousClock.now
            do {
                try await act(path)
                return .success(began.duration(to: .now).seconds * 1000)
            } catch let objection as Objection {
                return .failure(objection)
            } catch {
                return .failure(Objection(reason: "\(error)"))
            }
        }
        return try results.map { try $0.get() }
    }

    private func noticed(
        _ watches: [NodeWatch],
        since deleting: ContinuousClock.Instant
    ) async throws -> [Double] {
        let patience = options.timeout
        let result = await Deadline.cancelling(after: patience) { () -> Result<[Double], Objection> in
            var each: [Double] = []
            do throws(ZooKeeperError) {
                for watch in watches {
                    _ = try await watch.event()
                    each.append(deleting.duration(to: .now).seconds * 1000)
                }
                return .success(each)
            } catch {
                return .failure(Objection(reason: "\(error)"))
            }
        }
        guard let result else {
            throw Objection(reason: "not every watch was told of within \(patience.seconds) seconds")
        }
        return try result.get()
    }
}
