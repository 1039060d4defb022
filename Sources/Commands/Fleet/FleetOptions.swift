import ArgumentParser
import ControlProtocol
import Fleet
import Logging
import Settings
import SystemCalls

/// Which hosts a command is about.
struct FleetOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("An inventory, or a plan.", valueName: "file"), completion: .file())
    var file: String
    @Option(
        help: ArgumentHelp(
            "Only these hosts: names, groups, globs and ranges with commas between them; '!' leaves out.",
            valueName: "hosts"
        )
    )
    var limit: String?
    @OptionGroup var logging: LogOptions

    /// Reads the file; nothing is contacted.
    func choice() throws -> FleetChoice {
        let file = try FleetFile.read(path: file, believing: .operator)
        return FleetChoice(file: file, hosts: try limited(file.inventory))
    }

    private func limited(_ inventory: Inventory) throws -> [HostName] {
        let all = inventory.hosts.map(\.host)
        guard let limit else { return all }
        do throws(HostPattern.Fault) {
            let chosen = try HostPattern(limit).hosts(of: inventory)
            return all.filter(chosen.contains)
        } catch {
            throw Complaint(
                "--limit: \(error) Hosts and groups stand in \(file): "
                    + (inventory.groups.isEmpty
                        ? "it has no groups" : "its groups are \(inventory.groups.map(\.name).listed())")
            )
        }
    }
}

/// A file that says which hosts there are, and those of them that are meant.
struct FleetChoice {
    let file: FleetFile
    /// In the order of the file.
    let hosts: [HostName]

    /// Of every host of the file: what stands on others may count for those that are meant.
    func agents(_ logger: Logger) throws -> AgentFleet {
        try AgentFleet(
            inventory: file.inventory,
            withoutRevocationList: file.plan?.isWaived(.revocationList) ?? false,
            log: logger,
            warn: Output.warn
        )
    }
}
