internal import COpenSSL
package import FoundationEssentials
internal import SystemCalls

/// What all connections of one side share: its certificate and whom it trusts.
///
/// Whom a connection expects is its own, see `ExpectedPeer`: one context serves a thousand.
///
/// TLS 1.3, P-256, certificates on both sides, no resumption; there is no way to ask for less.
///
/// `@unchecked Sendable`: SSL_CTX is written in `init` only, before the reference is shared. Afterwards it is
/// only read, by SSL_new and by handshakes, which OpenSSL allows from several threads.
package final class TLSContext: @unchecked Sendable {
    /// This side's own certificate.
    package let certificate: CertificateFacts
    /// When the first of the trusted authorities ends.
    package let authorityEnds: Date?
    /// The lists in force, one an authority; empty when none is kept.
    package let revocationLists: [RevocationListFacts]
    package let trustDomain: TrustDomain
    let pointer: OpaquePointer

    /// When the first of the revocation lists ends; nil when there is none, or it has no end.
    ///
    /// It stays in force all the same.
    package var revocationListEnds: Date? { revocationLists.compactMap(\.nextUpdate).min() }

    /// Whatever fits together is taken: who judges what may be used is `CredentialRules`.
    package convenience init(files: TLSFiles, trustDomain: TrustDomain) throws(TLSError) {
        try self.init(
            own: OwnPairFiles(reading: files),
            trust: TrustFiles(reading: files),
            trustDomain: trustDomain
        )
    }

    convenience init(own: OwnPairFiles, trust: TrustFiles, trustDomain: TrustDomain) throws(TLSError) {
        try self.init(OwnPair(own), trusting: Trust(trust), trustDomain)
    }

    /// Throws what OpenSSL has against a pair: it knows weak keys and digests that no check of ours looks for, of the
    /// certificates behind the first, too.
    static func prove(_ pair: OwnPair, in trustDomain: TrustDomain) throws(TLSError) {
        _ = try TLSContext(pair, trusting: nil, trustDomain)
    }

    /// - Parameter trusted: nil for a context that nobody ever uses.
    private init(_ pair: OwnPair, trusting trusted: Trust?, _ trustDomain: TrustDomain) throws(TLSError) {
        ERR_clear_error()
        guard let created = SSL_CTX_new(TLS_method()) else {
            throw .library(operation: "create a context", detail: Diagnostics.drain().text)
        }
        pointer = created
        self.trustDomain = trustDomain
        certificate = pair.leaf.facts
        authorityEnds = trusted?.authorities.map(\.facts.notAfter).min()
        revocationLists = trusted?.lists.map(\.facts) ?? []
        try restrict()
        try present(pair)
        if let trusted { try believe(trusted) }
    }

    deinit { SSL_CTX_free(pointer) }

    private func restrict() throws(TLSError) {
        // The machine's openssl.cnf may demand more than this, never less.
        if SSL_CTX_get_security_level(pointer) < 2 { SSL_CTX_set_security_level(pointer, 2) }
        try require(mitosis_ssl_ctx_tls13_only(pointer), "restrict the protocol to TLS 1.3")
        try require(mitosis_ssl_ctx_p256_only(pointer), "restrict keys to P-256")
        try require(mitosis_ssl_ctx_never_resumes(pointer), "switch session tickets off")
        mitosis_ssl_ctx_set_modes(pointer)
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { isGood, store in
            PeerJudgement.continueVerification(isGood, store)
        }
    }

    private func present(_ pair: OwnPair) throws(TLSError) {
        try require(SSL_CTX_use_certificate(pointer, pair.leaf.pointer), "use the certificate")
        for intermediate in pair.intermediates {
            try require(mitosis_ssl_ctx_add_chain(pointer, intermediate.pointer), "use the certificate chain")
        }
        try require(SSL_CTX_use_PrivateKey(pointer, pair.key.pointer), "use the key")
    }

    private func believe(_ trust: Trust) throws(TLSError) {
        let store = SSL_CTX_get_cert_store(pointer)
        for authority in trust.authorities {
            try require(X509_STORE_add_cert(store, authority.pointer), "trust the authority")
        }
        for listed in trust.lists {
            try require(X509_STORE_add_crl(store, listed.list.pointer), "use the revocation list")
        }
        // A given intermediate authority is trusted as such: not everything else under its root is.
        var flags = UInt(X509_V_FLAG_PARTIAL_CHAIN)
        // The whole chain, but for the trusted authority at its end: see PeerJudgement.
        if !trust.lists.isEmpty { flags |= UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) }
        try require(X509_STORE_set_flags(store, flags), "set verification flags")
    }

    private func require(_ result: Int32, _ operation: String) throws(TLSError) {
        guard result != 1 else { return }
        throw .library(operation: operation, detail: Diagnostics.drain().text)
    }
}
