internal import COpenSSL
internal import FoundationEssentials

/// What one handshake's verification found; OpenSSL reaches it through the connection's ex-data.
final class PeerJudgement {
    let policy: PeerPolicy
    private(set) var refusal: CertificateRefusal?

    /// Slot 0 is the one that OpenSSL keeps free for applications.
    private static let slot: Int32 = 0

    init(policy: PeerPolicy) { self.policy = policy }

    /// The caller keeps this object alive as long as `ssl`.
    func attach(to ssl: OpaquePointer) -> Bool {
        SSL_set_ex_data(ssl, PeerJudgement.slot, Unmanaged.passUnretained(self).toOpaque()) == 1
    }

    /// OpenSSL's verify callback: once for each problem, and at the end once for each certificate without
    /// one.
    static func continueVerification(_ isGood: Int32, _ store: OpaquePointer?) -> Int32 {
        guard
            let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let object = SSL_get_ex_data(OpaquePointer(ssl), slot)
        else {
            X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
            return 0
        }
        let judgement = Unmanaged<PeerJudgement>.fromOpaque(object).takeUnretainedValue()
        return judgement.accepts(isGood == 1, store) ? 1 : 0
    }

    private func accepts(_ isGood: Bool, _ store: OpaquePointer?) -> Bool {
        guard isGood else {
            let code = X509_STORE_CTX_get_error(store)
            if PeerJudgement.forgives(code, store) {
                X509_STORE_CTX_set_error(store, X509_V_OK)
                return true
            }
            // The problem may lie with an authority above; the peer is still the certificate at depth 0.
            let leaf = X509_STORE_CTX_get0_cert(store).map(CertificateFacts.init(reading:))
            let subject = X509_STORE_CTX_get_current_cert(store).map(CertificateFacts.init(reading:))
            refusal = reason(code, leaf: leaf, culprit: subject)
            return false
        }
        guard X509_STORE_CTX_get_error_depth(store) == 0 else { return true }
        guard let certificate = X509_STORE_CTX_get_current_cert(store) else { return false }
        let facts = CertificateFacts(reading: certificate)
        guard let found = policy.refusal(of: facts) else { return true }
        refusal = found
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
        return false
    }

    /// What OpenSSL minds and we do not.
    private static func forgives(_ code: Int32, _ store: OpaquePointer?) -> Bool {
        switch code {
        // What a list says stays true when it has ended: it is obeyed, and the end of a list, or a clock that stands
        // wrong, never keeps a coordinator from removing a wall. That it has ended is told elsewhere.
        case X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID: true
        // The end of the chain is trusted because it stands in the authority file, and is revoked by taking it out of there.
        // Whether it is trusted was judged before revocation is looked at.
        case X509_V_ERR_UNABLE_TO_GET_CRL: mitosis_is_chain_end(store) == 1
        default: false
        }
    }

    private func reason(
        _ code: Int32,
        leaf: CertificateFacts?,
        culprit: CertificateFacts?
    ) -> CertificateRefusal {
        let presented = leaf.map { PeerJudgement.name(of: $0) } ?? "an unreadable certificate"
        let concerned = culprit == leaf ? presented : "the authority of \(presented)"
        let text = String(cString: X509_verify_cert_error_string(Int(code)))
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return .expired(presented: concerned, at: culprit?.notAfter ?? .distantPast)
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return .notYetValid(presented: concerned, from: culprit?.notBefore ?? .distantFuture)
        case X509_V_ERR_CERT_REVOKED:
            return .revoked(presented: concerned, serial: culprit?.serial.printable ?? "unknown")
        case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID,
            X509_V_ERR_CRL_SIGNATURE_FAILURE:
            return .revocationUnknown(presented: presented, reason: text)
        case X509_V_ERR_INVALID_PURPOSE:
            switch policy.expected {
            case .anyClient: return .notForClients(presented: concerned)
            case .server: return .notForServers(presented: concerned)
            }
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_UNTRUSTED,
            X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_AKID_SKID_MISMATCH:
            return .untrusted(presented: presented, reason: text)
        default:
            return .invalid(presented: presented, reason: text)
        }
    }

    private static func name(of facts: CertificateFacts) -> String {
        facts.claim.map { "\($0.identity)".printable }
            ?? "no known identity (serial \(facts.serial.printable))"
    }
}
