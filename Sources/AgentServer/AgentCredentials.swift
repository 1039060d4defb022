import ControlProtocol
import FoundationEssentials
import Logging
import Logs
import MutualTLS
import SystemCalls

/// The agent's certificate, key, authority and revocation list: from the configuration's names to what is in force and what is
/// told of it.
struct AgentCredentials: Sendable {
    let context: ReloadingTLSContext

    /// - Parameter keepsNumbers: false to look only: the record of revocation lists is read and never written.
    init(_ configuration: AgentConfiguration, keepsNumbers: Bool, _ log: Logger) throws(AgentServerError) {
        let paths = configuration.certificates
        guard let domain = TrustDomain(paths.trustDomain),
            let name = PeerName(configuration.host.description)
        else { throw .tls(reason: "'\(paths.trustDomain)' is not a trust domain; correct tls.trust_domain") }
        let files = TLSFiles(
            certificate: paths.certificate,
            key: paths.key,
            authority: paths.authority,
            revoked: paths.revoked
        )
        let record = SeenRevocationLists.Place(path: configuration.state + "/revocation.json")
        do throws(TLSError) {
            context = try ReloadingTLSContext(
                files: files,
                rules: CredentialRules(own: .agent(name), trustDomain: domain, owners: .daemon),
                seen: SeenRevocationLists(record, isWritten: keepsNumbers),
                report: { Self.tell($0, log) }
            )
        } catch {
            throw .tls(reason: error.description)
        }
        if paths.revoked == nil {
            log.warning(
                "no revocation list is kept: a certificate that was stolen can be used until it expires; set tls.revoked"
            )
        }
    }

    /// As the status shows it; looked at anew when the request came in.
    var expiry: CredentialExpiry {
        let latest = context.latest
        return CredentialExpiry(
            certificate: latest.certificate.notAfter,
            authority: latest.authorityEnds,
            revocationLists: latest.revocationLists.map {
                RevocationListState(
                    authority: $0.authority,
                    number: $0.number.description,
                    nextUpdate: $0.nextUpdate
                )
            },
            failures: context.failures.map {
                CredentialProblem(
                    part: $0.part.rawValue,
                    reason: FaultText(whole: $0.error.description, shown: $0.error.withoutContent),
                    since: $0.since
                )
            }
        )
    }

    private static func tell(_ event: CredentialEvent, _ log: Logger) {
        switch event {
        case .certificateReplaced(let facts):
            log.info("certificate re-read", fields: ["serial": facts.serial])
        case .trustReplaced(let lists):
            log.info("authority and revocation list re-read", fields: ["numbers": numbers(lists)])
        case .refused(let failure):
            switch failure.part {
            case .certificate, .trust:
                log.error(
                    "new certificate files not used; the old ones stay",
                    fields: ["part": failure.part.rawValue, "reason": failure.error.description]
                )
            case .record:
                log.error(
                    "the number of the revocation list is not kept",
                    fields: ["reason": failure.error.description]
                )
            }
        case .listOverdue(let date):
            log.error(
                "the revocation list has ended and stays in force; copy a newer one here",
                fields: ["ended": date.ISO8601Format()]
            )
        }
    }

    private static func numbers(_ lists: [RevocationListFacts]) -> String {
        lists.isEmpty ? "none" : lists.map(\.number.description).joined(separator: ",")
    }
}
