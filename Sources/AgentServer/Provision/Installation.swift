import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import Logging
import Logs
import MutualTLS
import Settings
import SystemCalls

/// One host's side of an installation: from staged files to a unit that runs, or back to what was before.
struct Installation: Sendable {
    let places: HostPlaces
    let units: HostUnits
    let lines: ProvisionLines
    let rules: RulesWatch
    let log: Logger

    private var unit: any UnitControl { units.agent }
    private var placing: FilePlacing { FilePlacing(places: places) }
    private var holding: HoldPlacing { HoldPlacing(places: places) }
    private var generated: GeneratedFiles { GeneratedFiles(places: places) }
    private var standing: Standing { Standing(places: places, rules: rules) }

    func place(_ order: ProvisionOrder) async throws(ProvisionFailure) -> ProvisionReply.Placed {
        for file in order.files { try arrived(file) }
        var files = order.files.map(\.file)
        let certificate = try await certificate(order, &files)
        let configuration = try checkedConfiguration(order, files)
        let left = try await files.contains(.configuration) ? leftState(configuration) : nil
        for (file, text) in generated.changes(configuration) {
            try stage(file, Array(text.utf8))
            files.append(file)
        }
        let holds = try holding.changes(configuration)
        log.info(
            "installation begins",
            fields: [
                "method": "ssh", "coordinator": order.coordinator, "host": order.host.description,
                "files": files.map(\.rawValue).joined(separator: ","),
                "fingerprint": certificate?.fingerprint ?? "unchanged",
            ]
        )
        let isActive = await unit.isActive()
        var journal = try placing.begin(
            files,
            holds: holds,
            wasEnabled: await unit.isEnabled(),
            wasActive: isActive,
            lapse: InstallJournal.Former(
                wasEnabled: await units.lapsePath.isEnabled(),
                wasActive: await units.lapsePath.isActive()
            ),
            state: order.state
        )
        let proof: RulesProof?
        let restarts = !isActive || files.contains(where: \.needsRestart)
        do throws(ProvisionFailure) {
            try placing.place(journal)
            try holding.place(journal)
            journal.phase = .placed
            try journal.write(places)
            proof = try await start(restarts: restarts)
        } catch {
            throw await undone(journal, because: error)
        }
        try placing.end()
        return ProvisionReply.Placed(
            files: files,
            holds: holds.map { places.hold(of: $0.unit) },
            fingerprint: certificate?.fingerprint,
            restarted: restarts,
            rules: proof,
            left: left
        )
    }

    /// Ends what an earlier installation was broken off in: finishes it when all files are in place, else undoes it.
    ///
    /// What became of the rules when that restarted the agent; nil when it did not.
    @discardableResult
    func recover(_ journal: InstallJournal) async throws(ProvisionFailure) -> RulesProof? {
        switch journal.phase {
        case .placing:
            let outcome = await undone(journal, because: .refused(reason: "an installation was broken off"))
            if case .failed(_, false) = outcome { throw outcome }
            return nil
        case .placed:
            do throws(ProvisionFailure) {
                let proof = try await start(restarts: true)
                try placing.end()
                return proof
            } catch {
                let outcome = await undone(journal, because: error)
                if case .failed(_, false) = outcome { throw outcome }
                return nil
            }
        case .removing:
            _ = try await Removal(places: places, units: units, rules: rules, log: log).finish(journal)
            return nil
        }
    }

    /// The former state directory, if the agent is about to leave it.
    ///
    /// Its walls, its order and the lease's epoch are known by what lies there, and its rules are looked for in its backend: with
    /// another it would know of none of them.
    private func leftState(_ configuration: AgentConfiguration) async throws(ProvisionFailure) -> String? {
        let path = places.path(of: .configuration)
        guard HostPlaces.exists(path) else { return nil }
        var former: AgentConfiguration?
        do throws(AgentServerError) { former = try AgentConfigurationReader.read(path: path) } catch {
            log.warning("the agent.yaml in place cannot be read", fields: ["reason": "\(error)"])
        }
        if former?.state == configuration.state, former?.backend == configuration.backend { return nil }
        try await standing.refuse(in: former?.state, before: "change state or backend")
        guard let former, former.state != configuration.state else { return nil }
        return HostPlaces.exists(places.at(former.state)) ? former.state : nil
    }

    private func start(restarts: Bool) async throws(ProvisionFailure) -> RulesProof? {
        do throws(ServiceError) {
            try await unit.reload()
            try await unit.enable()
            // Also for one that waits by an older text: what it has started meanwhile goes on.
            try await units.lapsePath.enable()
            try await units.lapsePath.restart()
            guard restarts else { return nil }
            let unit = unit
            let proof = try await rules.around { () async throws(ServiceError) in try await unit.restart() }
            guard await unit.isActive() else {
                throw ServiceError.startFailed(
                    service: ProvisionedFile.unitName,
                    reason: "it ended at once (journalctl -u mitosis-agent)"
                )
            }
            return proof
        } catch {
            throw .failed(reason: "\(error)", isUndone: false)
        }
    }

    /// The failure to tell of, after everything was put back.
    private func undone(_ journal: InstallJournal, because failure: ProvisionFailure) async
        -> ProvisionFailure
    {
        let reason =
            switch failure {
            case .refused(let reason), .failed(let reason, _): reason
            case .left: "\(failure)"
            }
        do {
            if !journal.wasEnabled, HostPlaces.exists(places.path(of: .unit)) { try await unit.disable() }
            if !journal.wasActive, await unit.isActive() { try await unit.stop() }
            if let lapse = journal.lapse {
                if !lapse.wasEnabled, await units.lapsePath.isEnabled() {
                    try await units.lapsePath.disable()
                }
                if !lapse.wasActive, await units.lapsePath.isActive() { try await units.lapsePath.stop() }
            }
            try placing.undo(journal)
            try holding.undo(journal)
            try await unit.reload()
            if journal.lapse?.wasActive == true { try await units.lapsePath.restart() }
            if journal.wasActive { try await unit.restart() }
            try placing.end()
            return .failed(reason: reason, isUndone: true)
        } catch {
            return .failed(reason: "\(reason); and undoing failed: \(error)", isUndone: false)
        }
    }

    private func arrived(_ staged: StagedFile) throws(ProvisionFailure) {
        let content: [UInt8]
        do throws(BoundedFile.Failure) {
            content = try BoundedFile(
                reading: places.staged(staged.file),
                limit: Int(clamping: staged.file.sizeLimit),
                followingLinks: false
            ).bytes
        } catch {
            throw .refused(reason: "\(staged.file.rawValue) has not arrived (\(error)); begin again")
        }
        guard UInt64(content.count) == staged.size, ContentDigest.sha256(Data(content)) == staged.sha256
        else {
            throw .refused(reason: "\(staged.file.rawValue) did not arrive as it was sent; begin again")
        }
    }

    /// A new key, made here, and the certificate that the coordinator signs for it; nil when the present ones stay.
    private func certificate(
        _ order: ProvisionOrder,
        _ files: inout [ProvisionedFile]
    ) async throws(ProvisionFailure) -> PresentedCertificate? {
        guard order.makesKey else { return nil }
        guard let name = PeerName(order.host.description) else {
            throw .refused(reason: "'\(order.host)' cannot stand in a certificate; rename the host")
        }
        let made: CertificateRequest.Made
        do throws(TLSError) {
            made = try CertificateRequest.make(for: .agent(name))
        } catch {
            throw .refused(reason: "no key can be made: \(error)")
        }
        try stage(.key, made.key)
        lines.tell(.request(pem: String(decoding: made.request, as: UTF8.self)))
        guard let grant = try await lines.next(ProvisionGrant.self) else { throw .left }
        let pem = Array(grant.certificate.utf8)
        try stage(.certificate, pem)
        files += [.key, .certificate]
        do throws(TLSError) {
            return try PresentedCertificate(pem: pem, named: "the signed certificate")
        } catch {
            throw .refused(reason: "\(error)")
        }
    }

    private func stage(_ file: ProvisionedFile, _ content: [UInt8]) throws(ProvisionFailure) {
        do throws(SystemCallError) {
            try DurableFile.replace(places.staged(file), with: content, mode: 0o600)
        } catch {
            throw .refused(reason: "\(places.staged(file)): cannot \(error.call) it: \(error.reason)")
        }
    }

    /// As the agent would find it, with what is staged in the place of what is there: configuration, certificate, key,
    /// authority and lists fit together, or nothing is changed.
    private func checkedConfiguration(
        _ order: ProvisionOrder,
        _ files: [ProvisionedFile]
    ) throws(ProvisionFailure) -> AgentConfiguration {
        func place(_ file: ProvisionedFile) -> String {
            files.contains(file) ? places.staged(file) : places.path(of: file)
        }
        do throws(AgentServerError) {
            let configuration = try AgentConfigurationReader.read(path: place(.configuration))
            let isUsual = configuration.certificates.key == ProvisionedFile.key.path
            try AgentProgram.check(
                isUsual
                    ? configuration.reading(
                        AgentConfiguration.Certificates(
                            certificate: place(.certificate),
                            key: place(.key),
                            authority: place(.authority),
                            revoked: place(.revocationList),
                            trustDomain: order.trustDomain
                        )
                    ) : configuration
            )
            guard configuration.host == order.host else {
                throw AgentServerError.notOurs(
                    reason: "agent.yaml is that of \(configuration.host), not of \(order.host)"
                )
            }
            return configuration
        } catch {
            throw .refused(reason: "it would not start here: \(error)")
        }
    }
}
