import ArgumentParser
import ControlProtocol
import Topology

struct LeaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Look at this host's lease, or reset its highest epoch, without a coordinator.",
        subcommands: [LeaseShow.self, LeaseReset.self]
    )
}

struct LeaseShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the highest epoch that was granted here, and who holds the lease.",
        discussion: "For root. Ends with 1 when it cannot be read, and says why."
    )

    @OptionGroup var options: LocalOptions

    func run() async throws {
        try LocalSession.requireRoot()
        let places = LocalPlaces(config: options.config)
        do throws(AgentServerError) {
            LocalSession.tell(
                LeaseText.text(try LeaseStore(directory: places.state).read(), at: HostClock.system.now())
            )
            places.trail.noteLook("lease show")
        } catch {
            places.trail.noteLook("lease show", "failed: \(error)")
            LocalSession.complain("\(error)")
            throw ExitCode(1)
        }
    }
}

struct LeaseReset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Set the highest epoch that counts as granted here.",
        discussion: """
            For root, beside an agent that runs (which takes it up at once) or without one. Says what it risks, and changes \
            nothing without --yes.

            For an agent that refuses every coordinator because it once took a false epoch, or whose lease.json is damaged. Name \
            the highest epoch of the other agents (`mitosis status --json`): then no coordinator that was superseded gets in again.
            """
    )

    @Option(help: "The highest epoch from now on; leases above it are granted.") var epoch: UInt64 = 0
    @Flag(help: "Do it, with what it risks.") var yes = false
    @OptionGroup var options: LocalOptions

    func validate() throws {
        guard FencingEpoch(epoch) < .highest else {
            throw ValidationError("--epoch is 0 to \(FencingEpoch.highest.value - 1)")
        }
    }

    func run() async throws {
        try LocalSession.requireRoot()
        let directory = LocalPlaces(config: options.config).state
        let wanted = FencingEpoch(epoch)
        let store = LeaseStore(directory: directory)
        let now = HostClock.system.now()
        do throws(AgentServerError) {
            let record = try store.read()
            LocalSession.tell(LeaseText.text(record, at: now))
            LocalSession.tell(LeaseText.risk(of: wanted, record, at: now))
        } catch {
            LocalSession.tell("\(error)")
            LocalSession.tell(LeaseText.unknownRisk(of: wanted))
        }
        guard yes else {
            LocalTrail(directory: directory).noteRefusal("lease reset --epoch \(epoch)", "without --yes")
            LocalSession.complain("nothing was changed; the same with --yes does it")
            throw ExitCode(1)
        }
        let session = LocalSession(directory: directory)
        LocalSession.tell(session.summary)
        let answer = await session.order(.resetLease(epoch: wanted), "lease reset --epoch \(epoch)") {
            () throws(AgentServerError) in
            try store.write(try LeaseRecord.reset(to: wanted))
        }
        switch answer {
        case .done:
            LocalSession.tell("the highest epoch is \(wanted) now; the next run takes \(epoch + 1) or more")
        case .problem(let reason):
            LocalSession.complain("not reset: \(reason)")
            throw ExitCode(1)
        case .silent:
            LocalSession.complain(
                "not reset: the agent runs and does not answer. Stop it (systemctl stop mitosis-agent), then repeat"
            )
            throw ExitCode(1)
        }
    }
}

/// A lease, for a person.
enum LeaseText {
    static func text(_ record: LeaseRecord?, at now: Moment) -> String {
        guard let record else { return "highest epoch 0: no lease was ever granted here" }
        let origin = record.isReset ? "by `lease reset` on this host" : "of run \(record.latest.runID)"
        let highest = "highest epoch \(record.latest.epoch), \(origin)"
        guard let current = record.current else {
            return highest + "\nno lease" + (record.isReset ? "" : ": it was given back")
        }
        let left = current.expiresAt.minus(saturating: now.unixMilliseconds) / 1000
        let time = left > 0 ? "lapses in \(left) s unless renewed" : "lapsed \(left.magnitude) s ago"
        return highest + "\nlease of \(current.holder): \(time)"
    }

    /// Nil when nobody's lease is in force.
    static func inForce(_ record: LeaseRecord, at now: Moment) -> String? {
        guard let current = record.current, current.expiresAt > now.unixMilliseconds else { return nil }
        return "run \(record.latest.runID) of \(current.holder) holds this host's lease"
    }

    static func risk(of epoch: FencingEpoch, _ record: LeaseRecord?, at now: Moment) -> String {
        guard let record else { return "risk: none, if \(epoch) is what the other agents have" }
        var lines: [String] = []
        if let held = inForce(record, at: now) {
            lines.append("risk: \(held), and loses it: what it commands next is refused")
        }
        if epoch < record.latest.epoch {
            lines.append(
                "risk: coordinators with epochs \(epoch.value + 1) to \(record.latest.epoch) get in again, also one that was "
                    + "superseded and still runs somewhere. See that none does"
            )
        }
        if epoch > record.latest.epoch {
            lines.append("risk: coordinators with epochs up to \(epoch) are refused here from now on")
        }
        return lines.isEmpty ? "risk: none" : lines.joined(separator: "\n")
    }

    static func unknownRisk(of epoch: FencingEpoch) -> String {
        "risk: which epoch was granted here is lost. Any coordinator with an epoch above \(epoch) gets in, also one that was "
            + "superseded and still runs somewhere. See that none does, and name the highest epoch of the other agents"
    }
}
