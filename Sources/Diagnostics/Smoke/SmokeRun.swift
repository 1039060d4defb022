import Fleet
import FoundationEssentials
import Logging
import SystemCalls
import Topology
import ZooKeeperClient

/// Why an answer is not as it should be.
struct Objection: Error, Hashable, Sendable {
    let reason: String
}

/// One smoke test under way.
struct SmokeRun {
    private typealias Act<Value> = @Sendable (ZooKeeperSession) async throws -> Value

    private let servers: [ComparedServer]
    private let options: SmokeTest.Options
    private let log: Logger
    private var sessions: [ZooKeeperSession] = []
    private var report: SmokeReport
    /// Whether the root is there through this test, and to be removed by it.
    private var hasRoot = false

    init(_ servers: [ComparedServer], options: SmokeTest.Options, log: Logger) {
        self.servers = servers
        self.options = options
        self.log = log
        report = SmokeReport(servers: servers.map(\.name), root: options.root)
    }

    mutating func report() async -> SmokeReport {
        if await open() {
            if await writes() { await removeRoot() } else { await leave() }
        }
        _ = await mapHosts(sessions) { await $0.close() }
        return report
    }

    /// Every step is done on every server before the next; false when one failed.
    private mutating func writes() async -> Bool {
        guard await prepareRoot(), await create(), await see() else { return false }
        guard let watches = await watch(), await delete() else { return false }
        return await notice(watches)
    }

    /// Before anything is written: a server that is not there, or has no quorum, ends the test here.
    private mutating func open() async -> Bool {
        var session = SessionOptions()
        session.sessionTimeout = max(.seconds(4), options.timeout)
        session.credentials = options.credentials
        let (patience, log, options) = (options.timeout, log, session)
        let opened = await mapHosts(servers) { server in
            await Self.opened(server, patience, options, log)
        }
        for (place, result) in opened.enumerated() {
            switch result {
            case .success(let opened):
                sessions.append(opened.session)
                report.milliseconds[place][.session] = opened.milliseconds
            case .failure(let objection): fail(.session, place, objection)
            }
        }
        return report.isGood
    }

    private struct Opened: Sendable {
        let session: ZooKeeperSession
        let milliseconds: Double
    }

    private static func opened(
        _ server: ComparedServer,
        _ patience: Duration,
        _ options: SessionOptions,
        _ log: Logger
    ) async -> Result<Opened, Objection> {
        guard let connect = ConnectString(server.server.description) else {
            return .failure(Objection(reason: "no client can be given this address"))
        }
        let began = ContinuousClock.now
        do throws(ZooKeeperError) {
            let session = try await ZooKeeperSession.connect(
                connect,
                timeout: patience,
                options: options,
                log: log
            )
            return .success(
                Opened(session: session, milliseconds: began.duration(to: .now).seconds * 1000)
            )
        } catch {
            return .failure(Objection(reason: "\(error)"))
        }
    }

    private mutating func prepareRoot() async -> Bool {
        let (root, access) = (options.root, access)
        let reused = await step(.root, 0) { session in
            if try await session.exists(root) != nil {
                let names = try await session.children(root).names
                guard names.isEmpty else {
                    throw Objection(
                        reason:
                            "\(root) has \(names.count) children, which another test may be using: delete it, or choose another with --root"
                    )
                }
                return true
            }
            _ = try await session.create(root, data: Data("made by mitosis smoketest".utf8), access: access)
            return false
        }
        guard let reused else { return false }
        hasRoot = true
        if reused { report.notes.append("\(root) was there, and empty: it was used again") }
        return true
    }

    private mutating func create() async -> Bool {
        let access = access
        for (place, path) in paths.enumerated() {
            let done = await step(.create, place) { session in
                // Another server made the root.
                try await session.sync("/")
                _ = try await session.create(path, mode: .ephemeral, access: access)
                return true
            }
            guard done == true else { return false }
        }
        return true
    }

    private mutating func see() async -> Bool {
        let (root, names) = (options.root, names.sorted())
        return await all(.children) { session in
            try await session.sync("/")
            let seen = try await session.children(root).names
            guard seen == names else {
                throw Objection(
                    reason:
                        "sees \(seen.count) of \(names.count) nodes: it is not in the same ensemble, or lags behind"
                )
            }
        }
    }

    private mutating func watch() async -> [[NodeWatch]]? {
        let paths = paths
        var watches: [[NodeWatch]] = []
        for place in servers.indices {
            let set = await step(.watch, place) { session in
                var set: [NodeWatch] = []
                for path in paths { set.append(try await session.getWatching(path).1) }
                return set
            }
            guard let set else { return nil }
            watches.append(set)
        }
        return watches
    }

    private mutating func delete() async -> Bool {
        for (place, path) in paths.enumerated() {
            let done = await step(.delete, place) { session in
                try await session.delete(path)
                return true
            }
            guard done == true else { return false }
        }
        return true
    }

    private mutating func notice(_ watches: [[NodeWatch]]) async -> Bool {
        for (place, set) in watches.enumerated() {
            let done = await step(.notice, place) { session in
                try await session.sync("/")
                var last: UInt64 = 0
                for watch in set {
                    let event = try await watch.event()
                    guard event.kind == .deleted else {
                        throw Objection(reason: "was told something else of \(event.path) than its deletion")
                    }
                    let order = try await watch.order()
                    guard order > last else {
                        throw Objection(reason: "was told of \(event.path) before an earlier path")
                    }
                    last = order
                }
                return true
            }
            guard done == true else { return false }
        }
        return true
    }

    private mutating func removeRoot() async {
        let root = options.root
        _ = await step(.cleanUp, servers.count - 1) { session in
            try await session.sync("/")
            try await session.delete(root)
            return true
        }
    }

    /// After a failure: the nodes of all sessions but one, and then the root, as far as that still goes.
    private mutating func leave() async {
        guard hasRoot, let first = sessions.first else { return }
        _ = await mapHosts(Array(sessions.dropFirst())) { await $0.close() }
        let (root, own) = (options.root, paths[0])
        let gone = await Deadline.cancelling(after: options.timeout) { () -> Bool in
            do throws(ZooKeeperError) {
                if try await first.exists(own) != nil { try await first.delete(own) }
                try await first.sync("/")
                try await first.delete(root)
                return true
            } catch {
                return false
            }
        }
        if gone != true {
            report.notes.append("\(root) could not be removed: delete it when the servers are well")
        }
    }
}

extension SmokeRun {
    private var names: [String] { servers.indices.map { "session_\($0)" } }
    private var paths: [String] { names.map { "\(options.root)/\($0)" } }
    private var access: AccessList { options.credentials.isEmpty ? .open : .creatorAll }

    private mutating func fail(_ step: SmokeStep, _ place: Int, _ objection: Objection) {
        report.failures.append(.init(step: step, server: servers[place].name, reason: objection.reason))
    }

    /// On every server, whatever others say: which of them object is told of all.
    private mutating func all(_ step: SmokeStep, _ act: @escaping Act<Void>) async -> Bool {
        for place in servers.indices {
            _ = await self.step(step, place) { session in
                try await act(session)
                return true
            }
        }
        return report.isGood
    }

    /// Nil after a failure was noted.
    private mutating func step<Value: Sendable>(
        _ step: SmokeStep,
        _ place: Int,
        _ act: @escaping Act<Value>
    ) async -> Value? {
        let session = sessions[place]
        let began = ContinuousClock.now
        let result = await Deadline.cancelling(after: options.timeout) { () -> Result<Value, Objection> in
            do {
                return .success(try await act(session))
            } catch let objection as Objection {
                return .failure(objection)
            } catch {
                return .failure(Objection(reason: "\(error)"))
            }
        }
        switch result {
        case .success(let value)?:
            report.milliseconds[place][step] = began.duration(to: .now).seconds * 1000
            return value
        case .failure(let objection)?: fail(step, place, objection)
        case nil: fail(step, place, Objection(reason: "no answer within \(options.timeout.seconds) seconds"))
        }
        return nil
    }
}
