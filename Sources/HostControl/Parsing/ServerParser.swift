package import ControlProtocol
package import FoundationEssentials
import Glibc
import Subprocess
import SystemCalls
import Topology

/// Asks a host's own ZooKeeper what its parser makes of configuration files; nothing is started, and nothing is written but in
/// a folder of the question's own.
///
/// The JVM and the class path are those of the running process, of the agent's settings (`zookeeper.java`), or of the unit, in
/// this order: never the caller's.
package final class ServerParser: Sendable {
    private let inspector: ZooKeeperInspector
    private let setting: [String]?
    private let systemd: SystemdSupervisor?
    private let turn = FIFOLock<Void>()
    private let last = Remembered()

    private let patience: Duration
    /// For how long an answer counts without asking again: a JVM for every look would take from servers that just start.
    private static let freshness = Duration.seconds(60)

    private struct Question: Hashable {
        let jvm: ServerJVM
        let account: ServerAccount
        let contents: [Data]
    }

    /// Used by whoever has the turn.
    private actor Remembered {
        private var answer: (question: Question, reply: ParserReply, at: ContinuousClock.Instant)?

        func reply(to question: Question) -> ParserReply? {
            guard let answer, answer.question == question, .now - answer.at < ServerParser.freshness else {
                return nil
            }
            return answer.reply
        }

        func keep(_ reply: ParserReply, to question: Question) { answer = (question, reply, .now) }
    }

    /// - Parameters:
    ///   - setting: a Java program and a class path.
    ///   - systemd: nil on a host where services have commands of their own.
    ///   - patience: how long a JVM may take; callers wait for ten seconds.
    package init(
        inspector: ZooKeeperInspector,
        setting: [String]?,
        systemd: SystemdSupervisor?,
        patience: Duration = .seconds(7)
    ) {
        self.patience = patience
        self.inspector = inspector
        self.setting = setting
        self.systemd = systemd
    }

    package func ask(_ contents: [Data]) async -> ParserReply {
        await turn.acquire()
        defer { turn.release() }
        let facts = await inspector.facts()
        guard let own = facts.seen.file.configuration?.content else {
            return ParserReply(obstacle: facts.seen.file.problem?.whole ?? "this host has no such file")
        }
        guard contents.allSatisfy({ Self.isVariant($0, of: Data(own)) }) else {
            return ParserReply(obstacle: "it is asked about its own file with other server lines only")
        }
        let line = facts.process.flatMap { ServerCommandLine(ofProcess: $0.pid) }
        let unit = await unit()
        let known = line.flatMap { ServerJVM($0) } ?? ServerJVM(setting: setting)
        guard let jvm = await BlockingThread.run({ known ?? unit.flatMap { ServerJVM(unit: $0) } }) else {
            return ParserReply(
                obstacle:
                    "which Java it starts with, and what that loads, is not known: name both in the agent's zookeeper.java"
            )
        }
        let (user, data) = (unit?.user, facts.seen.directories?.data)
        let process = line == nil ? nil : facts.process?.pid
        let found = await BlockingThread.run { Self.account(of: process, user, data) }
        guard let account = found else {
            return ParserReply(
                obstacle: "under which account it runs is not known: its data directory is missing"
            )
        }
        let question = Question(jvm: jvm, account: account, contents: contents)
        if let answered = await last.reply(to: question) { return answered }
        let reply = await ask(question)
        if reply.obstacle == nil { await last.keep(reply, to: question) }
        return reply
    }

    /// Whether a file has lines of this host's own, server lines and a `peerType` alone: nobody can have the parser read other files,
    /// or load other classes, and be told of them.
    static func isVariant(_ content: Data, of own: Data) -> Bool {
        let lines = { (file: Data) in file.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } }
        let known = Set(lines(own))
        return lines(content).allSatisfy { line in
            known.contains(line) || line.starts(with: "server.".utf8) || line.starts(with: "peerType=".utf8)
        }
    }

    /// Whose the process is, whom the unit names, or who owns the data, as a server has to write to it.
    private static func account(of process: Int32?, _ user: String?, _ data: String?) -> ServerAccount? {
        if let process, let account = ServerAccount(ofProcess: process) { return account }
        if let user, let account = ServerAccount(named: user) { return account }
        return data.flatMap { ServerAccount(owning: $0) }
    }

    private func unit() async -> UnitProperties? {
        guard let systemd else { return nil }
        do throws(ServiceError) {
            return UnitProperties(try await systemd.show(UnitProperties.names, of: inspector.service))
        } catch {
            // Its state tells what is wrong with the unit.
            return nil
        }
    }

    private func ask(_ question: Question) async -> ParserReply {
        ParserFolder.removeLeftovers()
        let folder: ParserFolder
        do throws(FileError) {
            folder = try ParserFolder(question.contents, for: question.account)
        } catch {
            return ParserReply(obstacle: error.description)
        }
        defer { folder.remove() }
        let java =
            [
                question.jvm.program, "-Xmx32m", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.awt.headless=true",
                "-cp", "\(question.jvm.classPath):\(folder.path)", ParserFolder.program,
            ] + folder.files
        do throws(ServiceError) {
            let words: (printed: String, diagnostics: String)
            if systemd == nil {
                let ended = try await HostCommand(arguments: java, account: question.account)
                    .capture(within: patience)
                words = (ended.output, ended.diagnostics)
            } else {
                let ended = try await HostCommand(arguments: Self.unit(java, question.account, folder.path))
                    .capture(within: patience)
                let errors = folder.printed("errors")
                words = (folder.printed("output"), errors.isEmpty ? ended.diagnostics : errors)
            }
            return ParserReply(printed: words.printed, of: question.contents.count)
                ?? ParserReply(
                    obstacle: HostCommand.shown("\(question.jvm.program): \(words.diagnostics.suffix(400))")
                )
        } catch {
            return ParserReply(obstacle: error.description)
        }
    }

    /// In a unit of its own: the agent's may neither change accounts nor run what a JVM compiles.
    private static func unit(_ java: [String], _ account: ServerAccount, _ folder: String) -> [String] {
        let properties = [
            "Type=oneshot", "User=\(account.user)", "Group=\(account.group)", "TimeoutStartSec=7",
            "StandardOutput=file:\(folder)/output", "StandardError=file:\(folder)/errors",
            "ProtectSystem=strict", "ProtectHome=read-only", "NoNewPrivileges=yes", "CapabilityBoundingSet=",
            "MemoryMax=256M", "TasksMax=64",
        ]
        return ["/usr/bin/systemd-run", "--quiet", "--collect", "--unit=mitosis-parser-\(getpid())"]
            + properties.map { "--property=" + $0 } + ["--"]
            // systemd puts variables in place of what follows a single one.
            + java.map { $0.replacing("$", with: "$$") }
    }
}

extension ParserReply {
    /// What the class printed, among what ZooKeeper logs; nil when it did not answer for each file.
    init?(printed text: String, of count: Int) {
        var (version, refusals): (ServerVersion?, [String]) = (nil, [])
        for line in text.split(separator: "\n") where line.hasPrefix("mitosis-") {
            // White space at the end of what a program printed is cut.
            let space = line.firstIndex(of: " ") ?? line.endIndex
            let words = HostCommand.shown(line[space...].dropFirst())
            switch line[..<space] {
            case "mitosis-version": version = ServerVersion(words)
            case "mitosis-answer": refusals.append(words)
            case "mitosis-obstacle":
                self.init(obstacle: words)
                return
            default: break
            }
        }
        guard refusals.count == count else { return nil }
        self.init(version: version, refusals: refusals, obstacle: nil)
    }
}
