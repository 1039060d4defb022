import ArgumentParser
import CertificateAuthority
import ControlProtocol
import Fleet
import FoundationEssentials
import Glibc
import Provisioning
import Settings
import SystemCalls

/// Which hosts, and how they are reached.
struct AgentsOptions: ParsableArguments {
    @Argument(help: "An inventory, or a plan.", completion: .file()) var file: String
    @Option(help: "Only these hosts: names, groups, globs, ranges; '!' leaves out.") var limit: String?
    @Flag(help: "One JSON object a line, on standard output.") var json = false
    @OptionGroup var logging: LogOptions

    /// The hosts that are meant; everything else of the inventory as it is.
    func inventory() throws -> (whole: Inventory, chosen: Inventory) {
        let whole = try FleetFile.read(path: file, believing: .operator).inventory
        guard let limit else { return (whole, whole) }
        do throws(HostPattern.Fault) {
            return (whole, whole.restricted(to: try HostPattern(limit).hosts(of: whole)))
        } catch {
            throw ProvisioningError.limit(error)
        }
    }
}

/// What the commands that go over ssh have in common.
struct SessionOptions: ParsableArguments {
    @Flag(help: "Ask once for the password that sudo wants on the hosts.") var askSudoPassword = false
    @Option(help: "For everything on one host, seconds.") var hostSeconds = 180
    @Option(help: "Hosts at once.") var atOnce = 32
    @Option(help: "New connections a second.") var newPerSecond = 20

    func validate() throws {
        guard (10...3600).contains(hostSeconds) else {
            throw ValidationError("--host-seconds is from 10 to 3600")
        }
        guard (1...256).contains(atOnce) else { throw ValidationError("--at-once is from 1 to 256") }
        guard (1...1000).contains(newPerSecond) else {
            throw ValidationError("--new-per-second is from 1 to 1000")
        }
    }

    var limits: Provisioner.Limits {
        var limits = Provisioner.Limits()
        limits.session = .seconds(hostSeconds)
        limits.atOnce = atOnce
        limits.newPerSecond = newPerSecond
        return limits
    }

    /// Nil when none was asked for; it is never an argument or a variable.
    func password() async throws -> String? {
        askSudoPassword ? try await HiddenAnswer.sudoPassword() : nil
    }
}

/// Where what is installed comes from.
struct MaterialOptions: ParsableArguments {
    @Option(help: "The mitosis-agent to install (default: the one beside this program).", completion: .file())
    var agent: String?
    @Option(help: "The unit to install (default: the one that was shipped with it).", completion: .file())
    var unit: String?
}

/// A whole command: hosts, what is brought to them, and what is told.
struct AgentsWork {
    let whole: Inventory
    let inventory: Inventory
    let provisioner: Provisioner
    let decision: HostDecision

    /// - Parameter agreed: the hosts whose agent.yaml may be overwritten; they alone are then turned to.
    init(
        _ verb: ProvisionVerb,
        _ options: AgentsOptions,
        _ session: SessionOptions,
        _ materials: MaterialOptions,
        isDryRun: Bool,
        agreed: AgreedHosts? = nil,
        password: String?
    ) throws {
        // A host that hangs up must not end this program.
        signal(SIGPIPE, SIG_IGN)
        let (whole, chosen) = try options.inventory()
        self.whole = whole
        inventory = agreed.map { chosen.restricted(to: $0.hosts) } ?? chosen
        let materials = try Materials.read(agent: materials.agent, unit: materials.unit, pki: whole.pki)
        let fleet = try AgentFleet(inventory: inventory, log: options.logging.logger, warn: Output.warn)
        decision = HostDecision(
            verb: verb,
            inventory: inventory,
            neighbours: whole.neighbours,
            materials: materials,
            coordinator: whole.pki.coordinator,
            issued: try PKIDirectory(path: whole.pki.directory).list(),
            isDryRun: isDryRun,
            agreed: agreed?.digests ?? [:],
            now: Date()
        )
        provisioner = Provisioner(
            decision,
            password: password,
            limits: session.limits,
            log: options.logging.logger,
            observe: { host in await fleet.observe([host])[host] ?? .silent(reason: "it was not asked") }
        )
    }

    /// Everything on every host; throws the exit status unless all are as they should be.
    func run(_ title: String, json: Bool) async throws {
        let screen = ProgressScreen(title: title, hosts: inventory.hosts.map(\.host), json: json)
        let ticking = Task { await screen.tick() }
        let reports = await provisioner.run(
            progress: { host, progress in screen.take(host, progress) },
            told: { screen.take($0) }
        )
        ticking.cancel()
        await ticking.value
        screen.end(reports)
        guard reports.allSatisfy(\.isGood) else { throw ExitCode(1) }
    }
}
