internal import COpenSSL
package import FoundationEssentials
package import MutualTLS
internal import SystemCalls

/// Issues certificates with libcrypto.
///
/// P-256 throughout.
package struct CertificateAuthority {
    package let trustDomain: TrustDomain
    let certificate: Certificate
    let key: PrivateKey

    /// A certificate with its key, both PEM.
    package struct Issued: Sendable {
        package let certificate: [UInt8]
        package let key: [UInt8]
        package let facts: CertificateFacts
    }

    /// A revoked certificate, as a revocation list names it.
    package struct Revocation: Hashable, Sendable {
        package let serial: String
        package let at: Date

        package init(serial: String, at: Date) {
            self.serial = serial
            self.at = at
        }
    }

    /// A new authority with a new key.
    package init(creating trustDomain: TrustDomain, now: Date) throws(PKIError) {
        self.trustDomain = trustDomain
        key = try CertificateAuthority.generateKey()
        let template = CertificateTemplate(
            commonName: "mitosis authority of \(trustDomain)",
            uris: [trustDomain.uri],
            profile: .authority,
            now: now
        )
        certificate = try template.sign(for: key, by: key, of: nil)
    }

    /// The authority kept in two PEM files; its trust domain is the URI of its certificate.
    package init(certificatePath: String, keyPath: String) throws(PKIError) {
        do throws(TLSError) {
            let keyFile = try CredentialFile(reading: keyPath, believing: .operator)
            guard keyFile.mode & 0o077 == 0 else { throw .keyExposed(path: keyPath, mode: keyFile.mode) }
            key = try PEM.privateKey(in: keyFile)
            let found = try PEM.certificates(
                in: CredentialFile(reading: certificatePath, believing: .operator)
            )
            guard let first = found.first, X509_check_ca(first.pointer) == 1 else {
                throw .notAnAuthority(path: certificatePath)
            }
            certificate = first
            ERR_clear_error()
            guard X509_check_private_key(first.pointer, key.pointer) == 1 else {
                _ = Diagnostics.drain()
                throw .keyDoesNotFit(key: keyPath, certificate: certificatePath)
            }
        } catch {
            throw .unusableAuthority(reason: error.description)
        }
        let uris = certificate.facts.uris
        guard uris.count == 1, let uri = uris.first, let domain = TrustDomain(uri: uri) else {
            throw .unusableAuthority(reason: "\(certificatePath) names no trust domain in its one URI")
        }
        trustDomain = domain
    }

    package var facts: CertificateFacts { certificate.facts }

    /// PEM.
    package func encodedCertificate() throws(PKIError) -> [UInt8] {
        try certificate.encoded()
    }

    /// PEM, not encrypted.
    package func encodedKey() throws(PKIError) -> [UInt8] { try CertificateAuthority.encode(key) }

    /// A certificate for `identity` with a new key.
    ///
    /// An agent's name is among its alternative names anyway. Without `days` it lives as long as its kind does.
    package func issue(
        _ identity: PeerIdentity,
        alternativeNames: [AlternativeName] = [],
        days: Int? = nil,
        now: Date
    ) throws(PKIError) -> Issued {
        try issue(template(identity, alternativeNames, days, now))
    }

    func template(
        _ identity: PeerIdentity,
        _ alternativeNames: [AlternativeName],
        _ days: Int?,
        _ now: Date
    ) -> CertificateTemplate {
        var names: [AlternativeName] = []
        if case .agent(let host) = identity, let own = AlternativeName(host.description) { names.append(own) }
        for name in alternativeNames where !names.contains(name) { names.append(name) }
        let usual = CertificateProfile.of(identity.kind)
        return CertificateTemplate(
            commonName: identity.description,
            uris: [identity.uri(in: trustDomain)],
            alternativeNames: names,
            profile: days.map { usual.lasting(days: $0) } ?? usual,
            now: now
        )
    }

    func issue(_ template: CertificateTemplate) throws(PKIError) -> Issued {
        let subject = try CertificateAuthority.generateKey()
        let signed = try template.sign(for: subject, by: key, of: certificate)
        return Issued(
            certificate: try signed.encoded(),
            key: try CertificateAuthority.encode(subject),
            facts: signed.facts
        )
    }

    private static func generateKey() throws(PKIError) -> PrivateKey {
        do throws(TLSError) { return try PrivateKey.generated() } catch { throw .openSSL(error) }
    }

    private static func encode(_ key: PrivateKey) throws(PKIError) -> [UInt8] {
        do throws(TLSError) { return try key.encoded() } catch { throw .openSSL(error) }
    }

    static func encode(_ what: String, _ write: (OpaquePointer) -> Int32) throws(PKIError) -> [UInt8] {
        do throws(TLSError) { return try PEM.encode(what, write) } catch { throw .openSSL(error) }
    }
}

extension Certificate {
    /// PEM.
    func encoded() throws(PKIError) -> [UInt8] {
        try CertificateAuthority.encode("the certificate") { PEM_write_bio_X509($0, pointer) }
    }
}
