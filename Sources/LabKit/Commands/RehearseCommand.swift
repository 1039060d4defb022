internal import ArgumentParser
private import Glibc
internal import Rehearsals
internal import SystemCalls

struct RehearseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rehearse",
        abstract: "Rehearse a plan whose set-up `mitosis rehearse` has read: as the plan's, on this machine.",
        discussion: """
            `mitosis rehearse PLAN` runs it; by itself it is of little use. Nothing of the plan's hosts is contacted, and nothing is \
            fetched. Exits with 1 when anything is not as it must be.
            """
    )

    @Option(help: "The file that `mitosis rehearse` has written.", completion: .file())
    var seen: String

    @Option(help: "Where the report goes.", completion: .file(extensions: ["html"]))
    var html: String

    @Option(help: "How many faults are tried, each in a run of its own.")
    var faults = 0

    @Option(help: "How many nodes the tree has, at most.")
    var nodes = 50_000

    @Option(help: "The lab's name, a-z and 0-9.")
    var name = "rehearsal"

    @Option(help: "What runs a host's programs: systemd in a container, or plain processes.")
    var hosts = SizeOptions.Hosts.auto

    @Flag(help: "Leave the lab up afterwards.")
    var keep = false

    func validate() throws {
        guard (0...1000).contains(faults) else { throw ValidationError("--faults is from 0 to 1000") }
        guard (0...2_000_000).contains(nodes) else { throw ValidationError("--nodes is from 0 to 2000000") }
        if faults > 0, hosts == .processes {
            throw ValidationError("--faults needs hosts with systemd: leave --hosts processes out")
        }
    }

    func run() async throws {
        let work = Task { try await perform() }
        try Interruption.cancels(work)
        do {
            if try await !work.value.isGood { throw ExitCode(1) }
        } catch let code as ExitCode {
            throw code
        } catch  where work.isCancelled {
            Output.say("The rehearsal was ended; what it had set up is taken down.")
            throw ExitCode(130)
        }
    }

    private func perform() async throws -> RehearsalOutcome {
        let setup = try setup()
        let mode = try mode()
        let rehearsal = try Rehearsal(
            of: setup,
            on: try await RehearsalMachine.look(),
            as: name,
            mode: mode,
            mostNodes: nodes
        )
        let options = RehearsalRun.Options(
            page: html,
            faults: faults,
            keep: keep,
            mayFallBack: hosts == .auto && faults == 0
        )
        return try await RehearsalRun(
            rehearsal,
            binaries: try Binaries.find(),
            options: options,
            report: Output.say
        ).perform()
    }

    private func setup() throws -> RehearsedSetup {
        let bytes: [UInt8]
        do throws(BoundedFile.Failure) {
            bytes = try BoundedFile(reading: seen, limit: RehearsedSetup.sizeLimit).bytes
        } catch {
            switch error {
            case .unreadable(let failure): throw LabError.file(path: seen, reason: failure.reason)
            case .notRegular: throw LabError.file(path: seen, reason: "it is no plain file")
            case .tooLarge: throw LabError.file(path: seen, reason: "it is larger than any such file")
            }
        }
        return try RehearsedSetup(reading: bytes)
    }

    private func mode() throws -> LabConfiguration.HostMode {
        switch hosts {
        case .processes: return .processes
        case .systemd: return .systemd
        case .auto:
            guard let obstacle = Lab.systemdObstacle() else { return .systemd }
            guard faults == 0 else {
                throw LabError.invalid(reason: "--faults needs hosts with systemd: \(obstacle)")
            }
            Output.say("hosts run plain processes: \(obstacle)")
            return .processes
        }
    }
}
