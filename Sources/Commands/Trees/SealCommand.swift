import ArgumentParser
import ControlProtocol
import Diagnostics
import Procedure
import Settings
import SystemCalls
import Topology
import Trees
import ZooKeeperClient

struct SealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seal what has moved where it was: on the source nobody may write to it any more.",
        discussion: """
            After a finished run, and only when both sides are equal. Every node of the plan's trees on the source gets an ACL that \
            lets those read who could, and nobody else do anything but the seal's own identity, which is kept in a file beside \
            the journal. What each node had before is durable before it is changed; --unseal puts it back exactly. A node \
            'mitosis-moved' at each root says where the tree is. Stopped or killed, the same command goes on.

            Exits with 0 when everything was done, with 1 when something is left, which is listed.
            """
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Flag(help: "Put back every ACL as it was before the seal, and remove the notes.") var unseal = false
    @Option(
        help:
            "Nodes a second that are changed, at most; else 500, or the plan's proofs.nodes_per_second if that is less."
    )
    var nodesPerSecond: Int?
    @OptionGroup var waiting: WaitOption
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var logging: LogOptions

    func validate() throws {
        guard nodesPerSecond.map({ (1...1_000_000).contains($0) }) ?? true else {
            throw ValidationError("--nodes-per-second is from 1 to 1000000")
        }
    }

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        let run = try FinishedRun(of: plan)
        let isWhole = try await Stoppable.perform { unseal ? try await open(run) : try await close(run) }
        guard isWhole else { throw ExitCode(1) }
    }

    private func rate(of plan: MigrationPlan) -> Int { nodesPerSecond ?? min(500, plan.proofs.rate) }

    private func session(_ plan: MigrationPlan, _ identity: SealIdentity, _ seal: SealFile) throws
        -> TreeSession
    {
        let command = unseal ? "seal --unseal" : "seal"
        guard let servers = plan.source.connectString else {
            throw Complaint("\(plan.file): no source server")
        }
        return TreeSession(
            servers,
            credentials: try credentials.read(for: plan) + [identity.credentials],
            timing: .system,
            log: logging.logger
        ) { id throws(TreesError) in try seal.note(id, of: command) }
    }

    private func close(_ run: FinishedRun) async throws -> Bool {
        let plan = run.plan
        let seal = try seal(run)
        guard try seal.stage != .unsealing else {
            throw Complaint(
                "\(seal.path): the seal is being taken off; let `mitosis seal --unseal \(plan.file)` come to its end first"
            )
        }
        let identity = try SealIdentity(file: run.identityPath)
        let digest = try await probe(plan, identity)
        if let known = try seal.identity, known != digest {
            throw Complaint(
                "\(run.identityPath): not the identity that \(run.sealPath) was begun with; put that file back"
            )
        }
        if try !seal.hasActed { try await TreesEqual(run, try credentials.read(for: plan), logging).prove() }
        try seal.setIdentity(digest)
        let session = try session(plan, identity, seal)
        let sealing = Sealing(
            seal,
            over: session,
            identity: digest,
            order: SealOrder(trees: seal.trees, kafka: plan.kafka?.chroot),
            note: run.note,
            except: run.except,
            readRate: plan.proofs.rate,
            rate: rate(of: plan),
            timing: .system
        )
        let screen = CountingLine("sealed")
        let lapsing = LapsingSessions(plan, .source, over: session, wait: waiting, log: logging.logger)
        let count = try await lapsing.without { try await sealing.survey { _ in } }
        Output.write(
            "\(count) nodes of \(seal.trees.joined(separator: ", ")) on the source (\(plan.source.names)) are to be sealed, "
                + "\(rate(of: plan)) a second at most. What they had before is kept in \(run.sealPath).\n"
        )
        if let hint = try sealedBefore(seal) { Output.write(hint) }
        guard await Question.confirmed(yes) else { throw Complaint("not confirmed; nothing was changed") }
        let sealed = try await sealing.perform(progress: screen.show)
        screen.clear()
        await session.close()
        return try tell(seal, "\(sealed) nodes are sealed, read back", left: .refused, "not sealed")
    }

    private func sealedBefore(_ seal: SealFile) throws -> String? {
        let counts = try seal.counts()
        guard let done = counts[.sealed] else { return nil }
        return "\(done) of them bear the seal already.\n"
    }

    private func seal(_ run: FinishedRun) throws -> SealFile {
        try SealFile(run.sealPath, run: run.record.id.description, trees: run.plan.census.trees)
    }

    /// Every source server goes by its ACLs.
    private func probe(_ plan: MigrationPlan, _ identity: SealIdentity) async throws -> String {
        var digests: Set<String> = []
        for server in plan.source {
            let name = server.host.description
            let address = ComparedServer(server).server
            guard let probe = ServerProbe(address, named: name, log: logging.logger) else {
                throw Complaint("\(plan.file): no client can be given the address of \(name)")
            }
            digests.insert(try await probe.digest(of: identity, credentials: try credentials.read(for: plan)))
        }
        guard let digest = digests.first, digests.count == 1 else {
            throw Complaint(
                "the source's servers make different digests of one password (zookeeper.DigestAuthenticationProvider.digestAlg): "
                    + "set them alike first; nothing was changed"
            )
        }
        return digest
    }

    private func open(_ run: FinishedRun) async throws -> Bool {
        guard SealFile.exists(run.sealPath) else {
            throw Complaint("\(run.sealPath): there is none, so nothing is sealed")
        }
        let seal = try seal(run)
        guard let digest = try seal.identity else {
            throw Complaint("\(run.sealPath): nothing was sealed yet")
        }
        let counts = try seal.counts()
        let count = (counts[.sealed] ?? 0) + (counts[.saved] ?? 0)
        Output.write(
            "\(count) nodes of \(seal.trees.joined(separator: ", ")) on the source get back the ACLs that they had.\n"
        )
        guard await Question.confirmed(yes) else { throw Complaint("not confirmed; nothing was changed") }
        let session = try session(run.plan, try SealIdentity(file: run.identityPath), seal)
        let screen = CountingLine("unsealed")
        let unsealing = Unsealing(
            seal,
            over: session,
            identity: digest,
            note: run.note,
            rate: rate(of: run.plan),
            timing: .system
        )
        try await unsealing.perform(progress: screen.show)
        screen.clear()
        await session.close()
        let restored = try seal.counts()[.restored] ?? 0
        for line in try seal.listed(.gone) { Output.write("gone since  \(line)\n") }
        let isWhole = try tell(
            seal,
            "\(restored) nodes have their ACLs again, read back",
            left: .changed,
            "left as it is"
        )
        Output.write("what was sealed is kept in \(try seal.putAside(at: Timing.system.now()))\n")
        return isWhole
    }

    private func tell(_ seal: SealFile, _ text: String, left: SealFile.State, _ word: String) throws -> Bool {
        for line in try seal.listed(left) { Output.write("\(word)  \(line)\n") }
        let count = try seal.counts()[left] ?? 0
        Output.write(text + (count == 0 ? "\n" : "; \(count) \(word), of which the first are named above\n"))
        return count == 0
    }
}
