package import FoundationEssentials
package import MutualTLS

extension CertificateAuthority {
    /// A certificate for the key of a request; its holder has it already.
    package struct Signed: Sendable {
        package let certificate: [UInt8]
        package let facts: CertificateFacts
    }

    /// Signs for `identity` alone: whoever asks for another name gets nothing.
    ///
    /// The rest of what a certificate says is the authority's word, never the request's.
    package func sign(
        _ request: CertificateRequest,
        as identity: PeerIdentity,
        alternativeNames: [AlternativeName] = [],
        days: Int? = nil,
        now: Date
    ) throws(PKIError) -> Signed {
        guard request.commonName == identity.description else {
            throw .badRequest(
                host: identity.name.description,
                reason: "it is for '\(request.commonName)', not for \(identity)"
            )
        }
        let template = template(identity, alternativeNames, days, now)
        let signed = try template.sign(for: request.key, by: key, of: certificate)
        return Signed(certificate: try signed.encoded(), facts: signed.facts)
    }
}

extension PKIDirectory {
    /// The certificate for a request that the host of `identity` made, recorded before anybody has it.
    ///
    /// The same host may ask again, with another key: its earlier certificates stay in the index, where they can be revoked.
    /// A host whose key is kept here is refused: nobody could know which of the two is in use.
    package func sign(
        request pem: [UInt8],
        as identity: PeerIdentity,
        alternativeNames: [AlternativeName] = [],
        days: Int? = nil,
        now: Date
    ) throws(PKIError) -> CertificateAuthority.Signed {
        let request: CertificateRequest
        do throws(TLSError) {
            request = try CertificateRequest(pem: pem)
        } catch {
            throw .badRequest(host: identity.name.description, reason: error.description)
        }
        let authority = try open()
        let lock = try DirectoryLock(path + "/lock")
        defer { _ = lock }
        let key = keyPath(of: identity)
        guard !NewFile.exists(key) else { throw .exists(path: key) }
        let signed = try authority.sign(
            request,
            as: identity,
            alternativeNames: alternativeNames,
            days: days,
            now: now
        )
        var index = try readIndex()
        index.append(
            IssuedCertificate(serial: signed.facts.serial, identity: identity, expires: signed.facts.notAfter)
        )
        try writeIndex(index)
        try NewFile.replace(certificatePath(of: identity), signed.certificate, mode: 0o644)
        return signed
    }
}
