import ArgumentParser
import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure
import Settings
import SystemCalls
import Topology
import Trees
import ZooKeeperClient

struct RetireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire",
        abstract: "Remove old copies: what has moved from the source, or what came along to the destination.",
        discussion: """
            Without --expect it only tells what would be removed, and how many nodes that are. With that number it writes a backup, \
            reads everything a second time, and deletes, deepest first, each node only as it was. On the source the tree must be \
            sealed by `mitosis seal`. Stopped or killed, the same command goes on. `mitosis restore-tree` puts a backup back.

            Exits with 0 when everything was done, with 1 when something is left, which is listed.
            """
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Option(help: "Where: source (what has moved) or destination (what is in no tree of the plan).")
    var side: RetireScope.Side
    @Option(
        help:
            "How many nodes are to be removed, as told without this option; any other number removes nothing."
    )
    var expect: Int?
    @Option(help: "The backup; else retired-SIDE-RUN.sqlite beside the journal.", completion: .file())
    var backup: String?
    @Option(help: "For how long nobody must have made or set any of the nodes: 90m, 24h, 7d.")
    var quietFor = QuietTime(milliseconds: 86_400_000)
    @Option(
        help:
            "Nodes a second that are removed, at most; else 500, or the plan's proofs.nodes_per_second if that is less."
    )
    var nodesPerSecond: Int?
    @OptionGroup var waiting: WaitOption
    @Flag(help: "Do not ask for confirmation; it does not stand for --expect.") var yes = false
    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var logging: LogOptions

    func validate() throws {
        guard nodesPerSecond.map({ (1...1_000_000).contains($0) }) ?? true else {
            throw ValidationError("--nodes-per-second is from 1 to 1000000")
        }
        guard expect.map({ $0 > 0 }) ?? true else { throw ValidationError("--expect is a number of nodes") }
    }

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        let run = try FinishedRun(of: plan)
        let isWhole = try await Stoppable.perform { try await retire(run) }
        guard isWhole else { throw ExitCode(1) }
    }

    private func retire(_ run: FinishedRun) async throws -> Bool {
        let plan = run.plan
        let servers = side == .source ? plan.source : plan.destination
        guard let connect = servers.connectString else { throw Complaint("\(plan.file): no server") }
        let scope = RetireScope(side, trees: plan.census.trees)
        let others = scope.others(plan.proofs.except)
        guard others.isEmpty else {
            throw Complaint(
                "\(plan.file): \(others.joined(separator: ", ")) of proofs.except lie in what moved and are others': "
                    + "nodes above them cannot be removed, so nothing is"
            )
        }
        var identities = try credentials.read(for: plan)
        let seal = side == .source ? try self.seal(run) : nil
        if seal != nil { identities.append(try SealIdentity(file: run.identityPath).credentials) }
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        try await EnsembleIdentity(servers, of: plan, through: fleet).prove(mayBeUnknown: seal != nil)
        let session = TreeSession(
            connect,
            credentials: identities,
            timing: .system,
            log: logging.logger
        ) { id throws(TreesError) in try seal?.note(id, of: "retire") }
        let retirement = Retirement(
            scope,
            over: session,
            seal: seal,
            readRate: plan.proofs.rate,
            rate: nodesPerSecond ?? min(500, plan.proofs.rate),
            timing: .system
        )
        let lapsing = LapsingSessions(
            plan,
            side == .source ? .source : .destination,
            over: session,
            wait: waiting,
            log: logging.logger
        )
        let isWhole = try await retire(run, retirement, lapsing)
        await session.close()
        return isWhole
    }

    private func seal(_ run: FinishedRun) throws -> SealFile {
        let way = "`mitosis seal \(run.plan.file)` comes first"
        guard SealFile.exists(run.sealPath) else {
            throw Complaint(
                "\(run.sealPath): there is none: what has moved is not sealed on the source; \(way)"
            )
        }
        let seal = try SealFile(
            run.sealPath,
            run: run.record.id.description,
            trees: run.plan.census.trees
        )
        guard try seal.stage == .sealed else {
            throw Complaint("\(run.sealPath): the seal is not whole; \(way)")
        }
        try seal.checkNoneRefused()
        return seal
    }

    private func retire(
        _ run: FinishedRun,
        _ retirement: Retirement,
        _ lapsing: LapsingSessions
    ) async throws -> Bool {
        let path = backup ?? run.file("retired-\(side.rawValue)-\(run.record.id).sqlite")
        let subject = "\(side.rawValue) of run \(run.record.id)"
        if BackupFile.exists(path) {
            let kept = try BackupFile(path)
            switch try kept.stage {
            case .complete?, .removing?:
                return try await goOn(kept, subject, retirement)
            case .removed?:
                Output.write(
                    "\(path): \(try kept.count(.removed)) nodes have been removed; for what is there by now, name another --backup\n"
                )
                return try kept.count(.left) == 0
            // Nothing was removed.
            case .writing?, nil: break
            }
        }
        let isStrict = expect != nil || waiting.wait > 0
        let survey = try await lapsing.without {
            let survey = try await retirement.survey()
            if isStrict { try survey.checkInhabitants() }
            return survey
        }
        tell(survey)
        guard let expect else {
            if survey.nodes > 0 {
                Output.write(
                    "Nothing was changed. To remove them: mitosis retire \(file) --side \(side.rawValue) --expect \(survey.nodes)\n"
                )
            }
            return true
        }
        guard expect == survey.nodes else {
            throw Complaint(
                "--expect \(expect): there are \(survey.nodes) nodes. Nothing was changed; look what has come or gone"
            )
        }
        if let path = survey.unreadable.first {
            throw Complaint(
                "\(path) may not be read, so it cannot be kept. Nothing was changed; see 'auth' in the plan"
            )
        }
        if let latest = survey.latest, Timing.system.now() - latest.at < quietFor.milliseconds {
            throw Complaint(
                "\(latest.path) was made or set \((Timing.system.now() - latest.at) / 60_000) minutes ago: somebody writes there, or did "
                    + "lately (--quiet-for). Nothing was changed"
            )
        }
        guard await Question.confirmed(yes) else { throw Complaint("not confirmed; nothing was changed") }
        let kept = try BackupFile(path)
        try kept.begin(subject)
        let screen = CountingLine("backed up")
        try await retirement.backUp(to: kept, progress: screen.show)
        screen.clear()
        Output.write("\(try kept.count()) nodes are in \(path), read a second time and equal\n")
        guard try kept.count() == expect else {
            throw Complaint(
                "--expect \(expect): \(try kept.count()) nodes were backed up. Nothing was removed"
            )
        }
        return try await remove(kept, retirement)
    }

    /// With the number that it was begun with.
    private func goOn(_ kept: BackupFile, _ subject: String, _ retirement: Retirement) async throws -> Bool {
        guard try kept.subject == subject else {
            throw Complaint(
                "\(kept.path): a backup of something else (\(try kept.subject ?? "unknown")); name another"
            )
        }
        let (all, open) = (try kept.count(), try kept.count(.kept))
        guard expect == all else {
            Output.write(
                "\(all) nodes are in \(kept.path), \(open) of them are still to be removed: go on with --expect \(all)\n"
            )
            if expect == nil { return true }
            throw Complaint("--expect is not what it was begun with; nothing was removed")
        }
        Output.write("going on: \(open) of \(all) nodes are still to be removed\n")
        guard await Question.confirmed(yes) else { throw Complaint("not confirmed; nothing was removed") }
        return try await remove(kept, retirement)
    }

    private func remove(_ kept: BackupFile, _ retirement: Retirement) async throws -> Bool {
        let screen = CountingLine("removed")
        try await retirement.remove(kept, progress: screen.show)
        screen.clear()
        let left = try kept.count(.left)
        for path in try kept.listed(.left) {
            Output.write("left  \(path): it, or something below it, may not be deleted\n")
        }
        Output.write(
            "\(try kept.count(.removed)) nodes are removed\(left == 0 ? "" : ", \(left) are left"); "
                + "`mitosis restore-tree \(kept.path)` puts them back\n"
        )
        return left == 0
    }

    private func tell(_ survey: Retirement.Survey) {
        for (part, count) in survey.parts.sorted(by: { $0.key < $1.key }).prefix(100) {
            Output.write("\(part)  \(count) nodes\n")
        }
        if survey.parts.count > 100 { Output.write("... and \(survey.parts.count - 100) parts more\n") }
        if let latest = survey.latest {
            let date = Date(timeIntervalSince1970: Double(latest.at) / 1000).formatted(.iso8601)
            Output.write("last made or set: \(latest.path), \(date)\n")
        }
        Output.write("\(survey.nodes) nodes, \(survey.bytes) bytes on the \(side.rawValue)\n")
        if survey.ephemerals > 0 {
            Output.write(
                "\(survey.ephemerals) of them are ephemeral: somebody lives there, nothing would be removed\n"
            )
        }
    }
}

extension RetireScope.Side: ExpressibleByArgument {}

/// A time as it is written on the command line.
struct QuietTime: ExpressibleByArgument, Hashable, Sendable {
    private static let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]

    let milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    init?(argument: String) {
        guard let unit = argument.last.flatMap({ Self.units[$0] }), let number = Int64(argument.dropLast()),
            (0...100_000).contains(number)
        else { return nil }
        milliseconds = number * unit
    }

    var defaultValueDescription: String { "\(milliseconds / 3_600_000)h" }
}
