import ArgumentParser
import FoundationEssentials
import Glibc
import Rehearsals
import Settings
import SystemCalls

struct RehearseCommand: AsyncParsableCommand {
    enum Hosts: String, ExpressibleByArgument, CaseIterable {
        case auto
        case systemd
        case processes
    }

    static let configuration = CommandConfiguration(
        commandName: "rehearse",
        abstract:
            "Try the whole plan on an example set-up on this machine, under load. Changes nothing of the plan's hosts.",
        discussion: """
            The plan's agents are asked for versions, sizes and zoo.cfg, if they answer; from then on nothing but this machine is used. What \
            is otherwise here than there is said. Ends in the same report as a run. Needs root, and the package mitosis-lab. Exits with 1 when \
            anything was not as it must be. docs/rehearsal.md describes it.
            """
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Option(
        help: "Write the report to this file (default: rehearsal-PLAN.html here).",
        completion: .file(extensions: ["html"])
    )
    var html: String?
    @Option(
        defaultAsFlag: 5,
        parsing: .next,
        help: ArgumentHelp(
            "Also try so many faults, five if no number follows, each in a run of its own of one to eight minutes.",
            valueName: "number"
        )
    )
    var faults: Int? = nil
    @Option(help: ArgumentHelp("How many nodes the tree has, at most.", valueName: "number"))
    var nodes = 50_000
    @Option(help: "The example set-up's name, a-z and 0-9.") var name = "rehearsal"
    @Option(help: "What runs a host's programs: systemd in a container, or plain processes.")
    var hosts = Hosts.auto
    @Flag(help: "Leave the example set-up up afterwards.") var keep = false
    @OptionGroup var logging: LogOptions

    func validate() throws {
        guard (0...1000).contains(faults ?? 0) else { throw ValidationError("--faults is from 0 to 1000") }
        guard (0...2_000_000).contains(nodes) else { throw ValidationError("--nodes is from 0 to 2000000") }
        if faults ?? 0 > 0, hosts == .processes {
            throw ValidationError("--faults needs hosts with systemd: leave --hosts processes out")
        }
        guard (1...22).contains(name.count),
            name.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber) })
        else {
            throw ValidationError("--name is 1 to 22 of a-z and 0-9")
        }
    }

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        guard geteuid() == 0 else {
            throw Complaint(
                "a rehearsal makes network namespaces and firewall rules on this machine: run it as root"
            )
        }
        let lab = try LabProgram.find()
        let page = Self.absolute(html ?? "rehearsal-\(plan.name).html")
        // Before anything takes its time.
        try ReportFile(path: page).checkNothingElse()
        let folder = page.lastIndex(of: "/").map { String(page[...$0]) } ?? "/"
        guard access(folder, W_OK | X_OK) == 0 else {
            throw Complaint("\(folder): the report cannot be written there: \(systemReason())")
        }
        let setup = await SeenSetup.look(at: plan, log: logging.logger).setup
        try lab.takePlace(reading: try setup.json()) { document in
            [
                "rehearse", "--seen", document, "--html", page, "--faults", String(faults ?? 0), "--nodes",
                String(nodes), "--name", name, "--hosts", hosts.rawValue,
            ] + (keep ? ["--keep"] : [])
        }
    }

    /// The lab works elsewhere.
    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
