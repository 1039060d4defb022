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
            """
    )

    @Argument(help: "The inventory of the hosts.", completion: .file()) var inventory: String
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
        name: .shortAndLong,
        help: ArgumentHelp("Write the plan to this file, which must not exist.", valueName: "file"),
        completion: .file(extensions: ["yaml"])
    )
    var output: String?
    @OptionGroup var logging: LogOptions

    func validate() throws {
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
        let hosts = try InventoryReader.read(path: inventory, believing: .operator)
        let wishes = try wishes(hosts)
        let place = try PlanPlace(inventory: hosts, output: output).draft
        let fleet = try AgentFleet(inventory: hosts, log: logging.logger, warn: Output.warn)
        let sighting = await Sighting.take(of: hosts, through: fleet)
        let file = try DraftFile(DraftMaking(sighting, wishes: wishes, place: place).draft())
        if let output {
            try NewFile.write(file.text, to: output)
        } else {
            Output.write(file.text)
        }
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
                throw Complaint("--source: '\(source)' is no host of \(self.inventory)")
            }
            wishes.source = host
        }
        if let destination {
            do throws(HostPattern.Fault) {
                wishes.destination = try HostPattern(destination).hosts(of: inventory)
            } catch {
                throw Complaint("--destination: \(error) Hosts and groups stand in \(self.inventory)")
            }
        }
        return wishes
    }
}

extension MigrationPlan.Strategy: ExpressibleByArgument {}
