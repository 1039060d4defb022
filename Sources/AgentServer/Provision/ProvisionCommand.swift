import ArgumentParser
import ControlProtocol
import Glibc
import HostControl
import Logging
import Logs
import SystemCalls

/// What `mitosis agents` runs on a host, over ssh and as root: the durable part of an installation.
///
/// Not for people: it speaks JSON with the coordinator. It goes on to its end when the connection breaks.
struct ProvisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provision",
        abstract: "Carries out what `mitosis agents` asks of this host, over ssh.",
        shouldDisplay: false
    )

    @Flag(help: "Only end what an earlier installation was broken off in.") var recover = false
    @Flag(help: "Only say which units and drop-ins are not as agent.yaml wants them; nothing is changed.")
    var look = false

    func run() async throws {
        try LocalSession.requireRoot()
        // What was begun is ended, whether or not anybody still listens.
        for number in [SIGPIPE, SIGHUP] { signal(number, SIG_IGN) }
        if look {
            for fact in try UnitsLook(places: HostPlaces()).facts() {
                DescriptorOutput.tell(fact + "\n", to: STDOUT_FILENO)
            }
            return
        }
        let lines = ProvisionLines(input: STDIN_FILENO, output: STDOUT_FILENO)
        do throws(ProvisionFailure) {
            try await perform(lines)
        } catch {
            switch error {
            case .refused(let reason): lines.tell(.refused(reason: reason))
            case .failed(_, let isUndone): lines.tell(.failed(reason: "\(error)", isUndone: isUndone))
            case .left: break
            }
            throw ExitCode(1)
        }
    }

    private func perform(_ lines: ProvisionLines) async throws(ProvisionFailure) {
        let places = HostPlaces()
        let log = ProvisionLog.logger()
        let installation = Installation(
            places: places,
            units: .systemd,
            lines: lines,
            rules: RulesWatch { await LocalRules().look() },
            log: log
        )
        var proof: RulesProof?
        if let journal = try InstallJournal.read(places) { proof = try await installation.recover(journal) }
        if recover {
            if let proof { DescriptorOutput.tell("fact rules \(proof.words)\n", to: STDOUT_FILENO) }
            return
        }
        if let objection = proof?.objection { throw .refused(reason: objection) }
        guard let order = try await lines.next(ProvisionOrder.self) else { throw .left }
        switch order.verb {
        case .place: lines.tell(.placed(try await installation.place(order)))
        case .remove:
            let removal = Removal(
                places: places,
                units: installation.units,
                rules: installation.rules,
                log: log
            )
            lines.tell(.removed(try await removal.remove(order)))
        }
    }
}
