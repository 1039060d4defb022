import ArgumentParser
import ControlProtocol
import Fleet
import Reporting
import Settings
import SystemCalls
import Topology

struct RulesPilot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pilot",
        abstract:
            "Put up and remove a harmless wall on every host that will need one, and say how long it took.",
        discussion: """
            For the days before the night: with a plan on its destination, with an inventory on every ZooKeeper host. The \
            wall is against addresses for documentation, which nobody has, and cuts nothing off; it goes through the host's \
            own backend, and the kernel is read both when it stands and when it is gone. Refused where rules of ours stand. \
            Ends with 0 when it stood and went everywhere.
            """
    )

    @OptionGroup var fleet: FleetOptions
    @Flag(help: "Print one JSON object a line: each host, then the sum.") var json = false

    func run() async throws {
        let choice = try fleet.choice()
        let agents = try choice.agents(fleet.logging.logger)
        let name = choice.file.inventory.name
        let timing = Timing.system
        guard let run = RunID.cleaning("pilot", of: name, at: timing.now()) else {
            throw Complaint("\(choice.file.inventory.file): '\(name)' gives no run id")
        }
        // One that is ended in the middle has nothing to undo: each host ends its own trial.
        let pilot = FleetPilot(fleet: agents, timing: timing, run: run, wall: Self.wall(choice.file))
        var text = PilotText(json: json)
        await pilot.perform(on: Self.hosts(choice)) { Output.write(text.told($0, $1)) }
        Output.write(text.end())
        if !text.isPassed { throw ExitCode(1) }
    }

    /// As large as the real one of a plan.
    static func wall(_ file: FleetFile) -> Wall {
        guard let plan = file.plan, let real = plan.destination.first.map({ plan.wall(for: $0) }) else {
            return .pilot(peers: 5, scope: .ports(numbers: [2888, 3888].compactMap { Port($0) }))
        }
        return .pilot(peers: real.peers.count, scope: real.scope)
    }

    /// With a plan its destination's; else those that run ZooKeeper, by the inventory or by what their agents say.
    static func hosts(_ choice: FleetChoice) -> [FleetPilot.Host] {
        let destination = choice.file.plan.map { Set($0.destination.map(\.host)) }
        return choice.hosts.compactMap { name in
            if let destination {
                return destination.contains(name) ? FleetPilot.Host(name, isMeant: true) : nil
            }
            let role = choice.file.inventory.host(name)?.settings.role
            return FleetPilot.Host(name, isMeant: role.map { $0 == .zookeeper })
        }
    }
}
