import ArgumentParser
import Diagnostics
import SystemCalls
import Topology
import Trees
import ZooKeeperClient

struct RestoreTreeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore-tree",
        abstract: "Put back what `mitosis retire` has removed, where nothing is.",
        discussion: """
            Data, ACLs, versions and the counters of sequential nodes are restored as far as ZooKeeper lets anybody: versions by \
            setting a node as often (100 times at most), counters by making and deleting nodes below it (1000 at most). Transaction \
            ids and times are new. Keep clients away until it is done. Stopped or killed, the same command goes on.
            """
    )

    @Argument(help: "The backup.", completion: .file()) var file: String
    @Option(help: ArgumentHelp("The ensemble's servers.", valueName: "host:port,...")) var servers: String
    @Option(help: "A node that everything is put below; else it goes to its old places.") var at: String?
    @Option(help: "Nodes a second, at most.") var nodesPerSecond = 500
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var logging: LogOptions

    func validate() throws {
        guard at.map(NodePath.isNode) ?? true else {
            throw ValidationError("--at is a path such as /restored")
        }
        guard (1...1_000_000).contains(nodesPerSecond) else {
            throw ValidationError("--nodes-per-second is from 1 to 1000000")
        }
    }

    func run() async throws {
        let list = try ServerOptions.list(servers, "--servers").map(\.server)
        guard let connect = ConnectString(list.map(\.description).joined(separator: ",")) else {
            throw Complaint("--servers: '\(servers)' is not a list of servers")
        }
        guard BackupFile.exists(file) else { throw Complaint("\(file): there is no such file") }
        let kept = try BackupFile(file)
        guard let stage = try kept.stage, stage != .writing else {
            throw Complaint("\(file): not a complete backup; `mitosis retire` writes one")
        }
        StopSignal.install()
        let identity = try SealIdentity(file: file + ".restoring.auth")
        let session = TreeSession(
            connect,
            credentials: try credentials.read(for: nil) + [identity.credentials],
            timing: .system,
            log: logging.logger
        )
        let restoration = Restoration(
            kept,
            over: session,
            at: at ?? "",
            place: list.map(\.description).sorted().joined(separator: ","),
            rate: nodesPerSecond,
            timing: .system
        )
        try await restoration.check()
        Output.write(
            "\(try kept.count()) nodes of \(try kept.subject ?? "a backup") are to be put below \(at ?? "/") on \(servers)\n"
        )
        guard await Question.confirmed(yes) else { throw Complaint("not confirmed; nothing was changed") }
        let screen = CountingLine("made")
        let report = try await Stoppable.perform {
            try await restoration.perform(progress: screen.show)
        }
        screen.clear()
        await session.close()
        for path in report.short { Output.write("lower than it was: a version or the counter of \(path)\n") }
        if report.shortCount > report.short.count {
            Output.write("... and \(report.shortCount - report.short.count) more\n")
        }
        if report.permanent > 0 {
            Output.write("\(report.permanent) nodes had a time to live and are permanent now\n")
        }
        Output.write(
            "\(report.nodes) nodes are restored; `mitosis compare --restored` shows whether they are as elsewhere\n"
        )
    }
}
