import ControlProtocol
import FoundationEssentials
import Glibc
import MutualTLS
import Settings
import SystemCalls

/// The coordinator's certificate, key, authority and revocation list, where the inventory says that they are kept; or a
/// viewer's, beside them.
enum CoordinatorCredentials {
    /// Without a revocation list nothing is begun, unless told to do without it.
    static func context(
        of inventory: Inventory,
        viewer: PeerName? = nil,
        withoutRevocationList: Bool,
        warn: @escaping @Sendable (String) -> Void
    ) throws -> ReloadingTLSContext {
        let directory = inventory.pki.directory
        guard let trustDomain = TrustDomain(inventory.pki.trustDomain),
            let name = PeerName(inventory.pki.coordinator)
        else { throw FleetNameError.trustDomain(file: inventory.file, text: inventory.pki.trustDomain) }
        guard access("\(directory)/ca.pem", F_OK) == 0 || errno != ENOENT else {
            throw FleetNameError.noAuthority(file: inventory.file, directory: directory)
        }
        let list = "\(directory)/ca.crl"
        let isThere = access(list, F_OK) == 0
        guard isThere || withoutRevocationList else { throw TLSError.noRevocationList(path: list) }
        let own = viewer.map { "\(directory)/viewers/\($0)" } ?? "\(directory)/coordinators/\(name)"
        let files = TLSFiles(
            certificate: "\(own).pem",
            key: "\(own).key",
            authority: "\(directory)/ca.pem",
            revoked: isThere ? list : nil
        )
        // The same directory serves many plans, and programs at the same time.
        let record = SeenRevocationLists.Place(path: list + ".seen", lock: "\(directory)/lock")
        return try ReloadingTLSContext(
            files: files,
            rules: CredentialRules(
                own: viewer.map { .viewer($0) } ?? .coordinator(name),
                trustDomain: trustDomain,
                owners: .operator
            ),
            seen: SeenRevocationLists(record),
            report: { event in
                switch event {
                case .certificateReplaced, .trustReplaced: break
                case .refused(let failure): warn("\(failure.error)")
                case .listOverdue(let date):
                    warn(
                        "\(list) has ended (\(date.ISO8601Format())) and stays in force; write a newer one with "
                            + "`mitosis pki relist`"
                    )
                }
            }
        )
    }

    static func expiry(_ context: TLSContext, _ failures: [CredentialFailure]) -> CredentialExpiry {
        CredentialExpiry(
            certificate: context.certificate.notAfter,
            authority: context.authorityEnds,
            revocationLists: context.revocationLists.map {
                RevocationListState(
                    authority: $0.authority,
                    number: $0.number.description,
                    nextUpdate: $0.nextUpdate
                )
            },
            failures: failures.map {
                CredentialProblem(
                    part: $0.part.rawValue,
                    reason: FaultText($0.error.description),
                    since: $0.since
                )
            }
        )
    }
}
