import ArgumentParser
import ControlProtocol
import Drafting
import Fleet
import Glibc
import Settings
import SystemCalls
import Topology

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a plan from what the hosts' agents say. Changes nothing on any host.",
        discussion: """
            Asks the agents of all hosts of an inventory for their ZooKeepers, views, ids, files and brokers, and writes a plan \
            with what they say. What they do not say is a question in the file: as long as one is left, every other command \
            refuses the plan and names its line. docs/plan-file.md, "A plan written for you", says how each thing is found.

            Ends with 0 when no question is open, and with 1 when one is: the plan is written all the same.

            With --from in place of an inventory, the beginning of one is written: the servers that the agent of one host names.
            """
    )

    @Argument(help: "The inventory of the hosts.", completion: .file()) var inventory: String?
    @Option(help: ArgumentHelp("A host of the source, where several ensembles serve.", valueName: "host"))
    var source: String?
    @Option(
        help: ArgumentHelp(
            "The hosts of the destination: names, groups, globs and ranges with commas between them; '!' leaves out.",
            valueName: "hosts"
        )
    )
    var destination: String?
    @Option(help: "The plan's name (default: the inventory's).") var name: String?
    @Option(help: "How the destination joins the source.") var strategy: MigrationPlan.Strategy?
    @Option(
        help: ArgumentHelp(
            "The chroot of the Kafka cluster that moves, '/' for none, where the source has several.",
            valueName: "chroot"
        )
    )
    var kafka: String?
    @Flag(help: "Write all that the inventory says of the hosts into the plan, and do not refer to it.")
    var standalone = false
    @Option(
        help: ArgumentHelp(
            "Begin an inventory from this server of the source: its agent's name and address.",
            valueName: "host=address"
        )
    )
    var from: String?
    @Option(help: "With --from: where `mitosis pki` keeps certificates and keys.", completion: .directory)
    var pki: String?
    @Option(help: "With --from: the coordinator's name in its certificate.") var coordinator: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write to this file, which must not exist.", valueName: "file"),
        completion: .file(extensions: ["yaml"])
    )
    var output: String?
    @OptionGroup var logging: LogOptions

    func validate() throws {
        guard (inventory == nil) != (from == nil) else {
            throw ValidationError("name an inventory, or begin one with --from HOST=ADDRESS")
        }
        if from != nil {
            guard pki != nil, coordinator != nil else {
                throw ValidationError("--from needs --pki and --coordinator")
            }
            let isOfPlan =
                [source, destination, name, kafka].contains { $0 != nil } || standalone || strategy != nil
            guard !isOfPlan else {
                throw ValidationError("--from begins an inventory: the other options are a plan's")
            }
        } else if pki != nil || coordinator != nil {
            throw ValidationError("--pki and --coordinator go with --from; an inventory has its own")
        }
        if let name, HostName(name) == nil {
            throw ValidationError(
                "--name is 1 to 63 of a-z, 0-9, '.' and '-', with a letter or digit at both ends"
            )
        }
        if let kafka, !kafka.hasPrefix("/") {
            throw ValidationError("--kafka is a chroot as in zookeeper.connect, from '/'")
        }
    }

    func run() async throws {
        if let inventory { try await draftPlan(inventory) }
        if let from, let pki, let coordinator { try await beginInventory(from, pki, coordinator) }
    }

    private func beginInventory(_ from: String, _ pki: String, _ coordinator: String) async throws {
        let parts = from.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let host = HostName(parts[0]) else {
            throw Complaint("--from: '\(from)' is no HOST=ADDRESS, such as s1=198.51.100.11")
        }
        let place = try InventoryPlace(pki: pki, output: output)
        let draft = InventoryDraft(
            host: host,
            address: parts[1],
            pkiDirectory: place.pkiDirectory,
            coordinator: coordinator
        )
        let document = try YAMLDocument(bytes: Array(draft.beginning.utf8), file: place.file)
        let fleet = try AgentFleet(
            inventory: try InventoryReader.read(document),
            log: logging.logger,
            warn: Output.warn
        )
        let text = try draft.text(await fleet.look(at: host))
        try deliver(text)
        let next = InventoryDraft.next(place.file)
        // What is piped into a file stays an inventory.
        if output == nil { Output.warn(next) } else { Output.write(next + "\n") }
    }

    private func deliver(_ text: String) throws {
        if let output {
            try NewFile.write(text, to: output)
        } else {
            Output.write(text)
        }
    }

    private func draftPlan(_ inventory: String) async throws {
        let hosts = try InventoryReader.read(path: inventory, believing: .operator)
        let wishes = try wishes(hosts)
        let place = try PlanPlace(inventory: hosts, output: output).draft
        let fleet = try AgentFleet(inventory: hosts, log: logging.logger, warn: Output.warn)
        let sighting = await Sighting.take(of: hosts, through: fleet)
        let file = try DraftFile(DraftMaking(sighting, wishes: wishes, place: place).draft())
        try deliver(file.text)
        for remark in file.remarks { Output.warn(remark) }
        for question in file.questions { Output.warn("open question: \(question)") }
        guard file.questions.isEmpty else { throw ExitCode(1) }
        if let output { Output.write("\(output): no question is open; see `mitosis preflight \(output)`\n") }
    }

    private func wishes(_ inventory: Inventory) throws -> DraftWishes {
        var wishes = DraftWishes()
        wishes.name = name
        wishes.strategy = strategy
        wishes.isStandalone = standalone
        wishes.chroot = kafka.map { $0 == "/" ? "" : $0 }
        if let source {
            guard let host = HostName(source), inventory.host(host) != nil else {
                throw Complaint("--source: '\(source)' is no host of \(inventory.file)")
            }
            wishes.source = host
        }
        if let destination {
            do throws(HostPattern.Fault) {
                wishes.destination = try HostPattern(destination).hosts(of: inventory)
            } catch {
                throw Complaint("--destination: \(error) Hosts and groups stand in \(inventory.file)")
            }
        }
        return wishes
    }
}

extension MigrationPlan.Strategy: ExpressibleByArgument {}
