import CertificateAuthority
package import ControlProtocol
package import Fleet
import FoundationEssentials
package import Logging
import Logs
import MutualTLS
import Settings
import Synchronization
package import SystemCalls
import Topology

/// Carries a command out on many hosts: one ssh session each, so many at a time, each with its own deadline.
package struct Provisioner: Sendable {
    package struct Limits: Hashable, Sendable {
        package var atOnce = 32
        package var newPerSecond = 20
        /// For a whole session.
        package var session = Duration.seconds(180)
        /// For an agent to answer after its start.
        package var answer = Duration.seconds(30)

        package init() {}
    }

    private let decision: HostDecision
    private let password: String?
    private let ssh: String
    private let limits: Limits
    private let timing: Timing
    private let log: Logger
    private let observe: @Sendable (HostName) async -> Observation

    /// - Parameters:
    ///   - password: sudo's, for every host.
    ///   - observe: asks a host's agent for its status.
    package init(
        _ decision: HostDecision,
        password: String?,
        ssh: String = "ssh",
        limits: Limits = Limits(),
        timing: Timing = .system,
        log: Logger,
        observe: @escaping @Sendable (HostName) async -> Observation
    ) {
        self.decision = decision
        self.password = password
        self.ssh = ssh
        self.limits = limits
        self.timing = timing
        self.log = log
        self.observe = observe
    }

    /// In the order of the inventory; `told` hears of everything as it comes.
    package func run(
        progress: @escaping @Sendable (HostName, HostProgress) -> Void,
        told: @escaping @Sendable (HostReport) -> Void
    ) async -> [HostReport] {
        let pace = ConnectionPace(perSecond: limits.newPerSecond, timing: timing)
        return await mapHosts(decision.inventory.hosts, width: limits.atOnce) { host in
            await pace.turn()
            progress(host.host, .connecting)
            let report = await work(on: host, progress)
            told(report)
            return report
        }
    }

    private func work(
        on host: InventoryHost,
        _ progress: @escaping @Sendable (HostName, HostProgress) -> Void
    ) async -> HostReport {
        let name = host.host
        let recovered = Mutex<RulesProof?>(nil)
        let ending = await session(host) { state in
            switch state {
            case .connecting, .ended: return
            case .looking, .deciding: progress(name, .looking)
            case .working: progress(name, .sending)
            case .signing: progress(name, .signing)
            }
        } decide: { look in
            recovered.withLock { $0 = look.recoveredRules }
            return decision.decide(look, for: host)
        }
        var report = report(host, ending)
        guard case .ready(let changed, let rules) = report.outcome else { return report }
        // Of the restart that ended what was broken off, where there was no other.
        if rules == nil, let proof = recovered.withLock({ $0 }) {
            report = HostReport(
                host: name,
                outcome: .ready(changed: changed, rules: proof),
                fingerprint: report.fingerprint
            )
        }
        progress(name, .verifying)
        return await verified(report)
    }

    /// One look at every host, and what it saw; nothing is changed.
    package func look(
        progress: @escaping @Sendable (HostName, HostProgress) -> Void
    ) async -> [HostName: Result<HostLook, LookFailure>] {
        let pace = ConnectionPace(perSecond: limits.newPerSecond, timing: timing)
        let looks = await mapHosts(decision.inventory.hosts, width: limits.atOnce) { host in
            await pace.turn()
            progress(host.host, .connecting)
            let (seen, sink) = AsyncStream<HostLook>.makeStream()
            let ending = await session(host, told: { _ in }) { look in
                sink.yield(look)
                return .unchanged
            }
            sink.finish()
            if let look = await seen.first(where: { _ in true }) {
                return Result<HostLook, LookFailure>.success(look)
            }
            return .failure(LookFailure(report: report(host, ending)))
        }
        return Dictionary(zip(decision.inventory.hosts.map(\.host), looks)) { first, _ in first }
    }

    package struct LookFailure: Error, Hashable, Sendable {
        package let report: HostReport
    }

    private func session(
        _ host: InventoryHost,
        told: @escaping @Sendable (SessionMachine.State) -> Void,
        decide: @escaping @Sendable (HostLook) -> SessionDecision
    ) async -> SessionMachine.Ending {
        let program = HostProgram(
            changes: !decision.isDryRun,
            configs: host.settings.config.map { [$0] } ?? [],
            units: host.settings.service.map { [$0] } ?? [],
            seconds: limits.session.components.seconds
        )
        let session = SSHSession(
            host: host,
            program: program,
            password: host.settings.ssh.sudo == true ? password : nil,
            ssh: ssh,
            limit: limits.session,
            told: told
        )
        return await session.run(
            SSHSession.Judges(
                decide: { decide(HostLook($0)) },
                sign: { request in await BlockingThread.run { sign(request, for: host) } }
            )
        )
    }

    private func sign(_ request: String, for host: InventoryHost) -> Result<String, SSHSession.SigningRefusal>
    {
        guard let name = PeerName(host.host.description) else {
            return .failure(.init(reason: "'\(host.host)' cannot stand in a certificate; rename it"))
        }
        let addresses = [host.address] + host.allAddresses.map(\.description)
        do {
            let signed = try PKIDirectory(path: decision.inventory.pki.directory).sign(
                request: Array(request.utf8),
                as: .agent(name),
                alternativeNames: addresses.compactMap { AlternativeName($0) },
                now: decision.now
            )
            let presented = try PresentedCertificate(pem: signed.certificate, named: "the certificate")
            log.info(
                "certificate signed for a key made on its host",
                fields: [
                    "method": "ssh", "identity": "agent/\(name)", "serial": signed.facts.serial,
                    "fingerprint": presented.fingerprint,
                ]
            )
            return .success(String(decoding: signed.certificate, as: UTF8.self))
        } catch {
            return .failure(.init(reason: "\(error)"))
        }
    }

    private static let tooEarly = "the session ended before it began; repeat the command"

    private func report(_ host: InventoryHost, _ ending: SessionMachine.Ending) -> HostReport {
        let name = host.host
        switch ending {
        case .decided(.refuse(let reasons)): return HostReport(host: name, outcome: .refused(reasons))
        case .decided(.wouldChange(let words)): return HostReport(host: name, outcome: .wouldChange(words))
        case .decided(.unchanged):
            if decision.isDryRun { return HostReport(host: name, outcome: .wouldChange([])) }
            switch decision.verb {
            // A removal is the host's word alone, which none came of.
            case .uninstall: return HostReport(host: name, outcome: .failed(Self.tooEarly))
            case .install, .upgrade, .configure:
                return HostReport(host: name, outcome: .ready(changed: [], rules: nil))
            }
        case .decided(.ship):
            return HostReport(host: name, outcome: .failed(Self.tooEarly))
        case .replied(let reply): return self.report(name, reply)
        case .refused(let reason): return HostReport(host: name, outcome: .refused([reason]))
        case .broken(let ending, let greeted):
            let seconds = Int(limits.session.components.seconds)
            let reason = ending.reason(host: host.address, greeted: greeted, seconds: seconds)
            return HostReport(host: name, outcome: greeted ? .failed(reason) : .refused([reason]))
        case .nonsense(let line):
            return HostReport(
                host: name,
                outcome: .failed(
                    "it says what no host of ours says ('\(String(line.prefix(200)))'); look at it by hand"
                )
            )
        }
    }

    private func report(_ host: HostName, _ reply: ProvisionReply) -> HostReport {
        switch reply {
        case .placed(let placed):
            let changed =
                placed.files.map(\.path).sorted() + (placed.holds ?? [])
                + (placed.restarted ? ["restarted"] : [])
                + (placed.left.map { ["the former state stays in \($0)"] } ?? [])
            if let objection = placed.rules?.objection {
                return HostReport(host: host, outcome: .failed(objection))
            }
            return HostReport(
                host: host,
                outcome: .ready(changed: changed, rules: placed.rules),
                fingerprint: placed.fingerprint
            )
        case .removed(let removed) where removed.left.isEmpty:
            return HostReport(host: host, outcome: .removed(paths: removed.paths))
        case .removed(let removed):
            return HostReport(
                host: host,
                outcome: .failed(
                    "not everything is gone: \(removed.left.joined(separator: "; ")); remove it by hand"
                )
            )
        case .refused(let reason): return HostReport(host: host, outcome: .refused([reason]))
        case .failed(let reason, _): return HostReport(host: host, outcome: .failed(reason))
        case .request:
            return HostReport(
                host: host,
                outcome: .failed("it asked for a certificate out of turn; repeat the command")
            )
        }
    }

    /// Ready is who answers.
    private func verified(_ report: HostReport) async -> HostReport {
        var report = report
        let begin = timing.monotonic()
        while true {
            switch await observe(report.host) {
            case .status(let status):
                report.version = status.agentVersion
                return report
            case .silent(let reason):
                guard timing.monotonic() - begin < limits.answer else {
                    return HostReport(
                        host: report.host,
                        outcome: .failed(
                            "everything is in place and its unit runs, but the agent does not answer: \(reason)"
                        ),
                        fingerprint: report.fingerprint
                    )
                }
                await timing.sleep(.milliseconds(200))
            }
        }
    }
}
