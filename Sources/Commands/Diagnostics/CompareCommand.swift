import ArgumentParser
import Diagnostics
import Glibc
import Printable
import Settings
import SystemCalls
import Topology
import ZooKeeperClient

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Prove that trees are equal, node by node, on every server by itself. Changes nothing.",
        discussion: """
            Reads data, ACL, version, cversion, sequence counter, ephemeral owner and transaction ids of every node, over a \
            session with each server. Replicas of a side must be alike. So must source and destination, but for what is newer \
            on the destination than the division, and for ephemeral nodes whose sessions the source no longer has. What \
            differs is read again, after a sync, before it is told.

            Exits with 0 when all is equal, with 1 when something differs, with 2 when not everything could be read.
            """
    )

    @Argument(
        help: ArgumentHelp("A plan: its source servers and its destination servers.", valueName: "plan"),
        completion: .file()
    )
    var file: String?
    @Option(
        name: [.customLong("source"), .customLong("left")],
        help: ArgumentHelp("The source's servers, in place of a plan's.", valueName: "host:port,...")
    )
    var source: String?
    @Option(
        name: [.customLong("destination"), .customLong("right")],
        help: ArgumentHelp("The destination's servers, in place of a plan's.", valueName: "host:port,...")
    )
    var destination: String?
    @Option(help: ArgumentHelp("Replicas of one ensemble, which must be alike.", valueName: "host:port,..."))
    var servers: String?
    @Option(help: "The path to begin at; else the chroot of the plan's Kafka cluster, or the root.")
    var path: String?
    @Option(
        help: ArgumentHelp(
            "Leave this path out, with all below: what others go on writing to the source. May be given again.",
            valueName: "path"
        )
    )
    var except: [String] = []
    @Option(
        help: ArgumentHelp(
            "The last transaction before the division: what is above it may differ on the destination. Else what is of a later epoch than the latest transaction on both sides.",
            valueName: "zxid"
        )
    )
    var split: String?
    @Flag(help: "Nothing may be newer on the destination, nor ended on the source.") var exact = false
    @Flag(
        help:
            "One side was put back by restore-tree: transaction ids, times and versions of ACLs are not compared; else as --exact."
    )
    var restored = false
    @Option(help: "Nodes a second that are read of each server, at most.") var rate = 2000
    @Option(help: "How many differences are shown; all are counted.") var limit = 100
    @Option(help: "Seconds without an answer after which a server is given up.") var timeout = 30
    @Flag(help: "Print one JSON document.") var json = false
    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var logging: LogOptions

    func validate() throws {
        let pair = source != nil || destination != nil
        let ways = [file != nil, pair, servers != nil].count { $0 }
        guard ways == 1 else {
            throw ValidationError("give a plan, or --source and --destination, or --servers")
        }
        guard !pair || (source != nil && destination != nil) else {
            throw ValidationError("--source and --destination go together")
        }
        guard split == nil || !(exact || restored) else {
            throw ValidationError("--split excludes --exact and --restored")
        }
        guard split == nil || Zxid(hexadecimal: split ?? "") != nil else {
            throw ValidationError("--split is a transaction id such as 0x500000012")
        }
        guard path.map(NodePath.isPath) ?? true else {
            throw ValidationError("--path begins with a slash and does not end with one")
        }
        guard except.allSatisfy(NodePath.isNode) else {
            throw ValidationError("--except begins with a slash and does not end with one")
        }
        for (name, number, most) in [
            ("--rate", rate, 1_000_000), ("--limit", limit, 1_000_000), ("--timeout", timeout, 86_400),
        ] {
            guard (1...most).contains(number) else { throw ValidationError("\(name) is from 1 to \(most)") }
        }
    }

    func run() async throws {
        let report: ComparisonReport
        do {
            report = try await self.report()
        } catch {
            // 1 would say that something differs.
            Output.warn("\(error)")
            throw ExitCode(2)
        }
        let text = ComparisonText(report)
        Output.write(json ? PrintableText.json(try text.json()) : text.text)
        if report.different > 0 { throw ExitCode(1) }
        if !report.isComplete { throw ExitCode(2) }
    }

    private func report() async throws -> ComparisonReport {
        let question = try question()
        var options = TreeComparison.Options()
        options.rate = rate
        options.limit = limit
        options.patience = .seconds(timeout)
        options.credentials = question.credentials
        options.except = Set(except)
        if exact || restored { options.newer = .nothing }
        if restored { options.ignored = NodeField.unrestorable }
        if let zxid = split.flatMap({ Zxid(hexadecimal: $0) }) { options.newer = .above(zxid) }
        let comparison = TreeComparison(
            question.sides,
            path: question.path,
            options: options,
            timing: .system,
            log: logging.logger
        )
        let isLive = isatty(STDERR_FILENO) == 1
        let began = ContinuousClock.now
        let report = await comparison.report { nodes in
            guard isLive else { return }
            let rate = Int(Double(nodes) / max(0.001, began.duration(to: .now).seconds))
            let line = TerminalText("compared \(nodes) nodes, \(rate)/s of each server", after: .clearLine)
            DescriptorOutput.tell(line, to: STDERR_FILENO)
        }
        if isLive { DescriptorOutput.tell(TerminalText("", after: .clearLine), to: STDERR_FILENO) }
        return report
    }

    private func question() throws -> Question {
        if let file {
            let plan = try PlanReader.read(path: file, believing: .operator)
            let chroot = plan.kafka?.chroot ?? ""
            return Question(
                sides: ComparedSides(
                    source: plan.source.map { ComparedServer($0) },
                    destination: plan.destination.map { ComparedServer($0) }
                ),
                path: path ?? (chroot.isEmpty ? "/" : chroot),
                credentials: try credentials.read(for: plan)
            )
        }
        let sides: ComparedSides
        if let servers {
            let list = try ServerOptions.list(servers, "--servers")
            guard list.count > 1 else {
                throw Complaint("--servers: one server alone has nothing to be compared with")
            }
            sides = ComparedSides(replicas: list)
        } else {
            sides = ComparedSides(
                source: try ServerOptions.list(source ?? "", "--source"),
                destination: try ServerOptions.list(destination ?? "", "--destination")
            )
        }
        return Question(sides: sides, path: path ?? "/", credentials: try credentials.read(for: nil))
    }

    private struct Question {
        let sides: ComparedSides
        let path: String
        let credentials: [Credentials]
    }
}
