package import FoundationEssentials
package import MutualTLS
internal import SystemCalls

/// An authority on disk, with everything that it issued.
///
/// `certs/README.md` describes the files.
///
/// Every change is made under a lock and recorded in the index before the certificate exists, so that
/// whatever was issued can be revoked. Nothing but the index, the revocation list, and a certificate that was signed for a key which
/// its host keeps is ever overwritten.
package struct PKIDirectory: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The files of one issued certificate.
    package struct IssuedFiles: Hashable, Sendable {
        package let certificate: String
        package let key: String
        package let facts: CertificateFacts
    }

    package var authorityPath: String { path + "/ca.pem" }
    package var authorityKeyPath: String { path + "/ca.key" }
    package var revocationListPath: String { path + "/ca.crl" }
    package var indexPath: String { path + "/index.tsv" }

    package func certificatePath(of identity: PeerIdentity) -> String {
        "\(path)/\(identity.kind.rawValue)s/\(identity.name).pem"
    }

    package func keyPath(of identity: PeerIdentity) -> String {
        "\(path)/\(identity.kind.rawValue)s/\(identity.name).key"
    }

    /// Creates the directory where needed, and in it a new authority.
    package func create(trustDomain: TrustDomain, now: Date) throws(PKIError) -> CertificateFacts {
        try NewFile.createDirectory(path)
        let lock = try DirectoryLock(path + "/lock")
        defer { _ = lock }
        for taken in [authorityPath, authorityKeyPath, revocationListPath, indexPath]
        where NewFile.exists(taken) {
            throw .alreadyInitialised(directory: path)
        }
        let authority = try CertificateAuthority(creating: trustDomain, now: now)
        for kind in PeerIdentity.Kind.allCases {
            try NewFile.createDirectory("\(path)/\(kind.rawValue)s")
        }
        try NewFile.create(authorityKeyPath, authority.encodedKey(), mode: 0o600)
        try NewFile.create(indexPath, [], mode: 0o600)
        try NewFile.create(
            revocationListPath,
            authority.revocationList(of: [], number: RevocationNumber(1), now: now),
            mode: 0o644
        )
        // Last, as the sign that all of it is there.
        try NewFile.create(authorityPath, authority.encodedCertificate(), mode: 0o644)
        return authority.facts
    }

    package func issue(
        _ identity: PeerIdentity,
        alternativeNames: [AlternativeName] = [],
        days: Int? = nil,
        now: Date
    ) throws(PKIError) -> IssuedFiles {
        let authority = try open()
        let lock = try DirectoryLock(path + "/lock")
        defer { _ = lock }
        var index = try readIndex()
        let issued = try prepare(
            identity,
            by: authority,
            alternativeNames: alternativeNames,
            days: days,
            now: now,
            &index
        )
        try writeIndex(index)
        return try write(issued, for: identity)
    }

    /// One certificate for each, in one go: nothing is issued when one of them is there already.
    package func issue(_ identities: [PeerIdentity], days: Int? = nil, now: Date) throws(PKIError)
        -> [IssuedFiles]
    {
        let authority = try open()
        let lock = try DirectoryLock(path + "/lock")
        defer { _ = lock }
        var index = try readIndex()
        var prepared: [CertificateAuthority.Issued] = []
        for identity in identities {
            prepared.append(try prepare(identity, by: authority, days: days, now: now, &index))
        }
        try writeIndex(index)
        var files: [IssuedFiles] = []
        for (identity, issued) in zip(identities, prepared) {
            files.append(try write(issued, for: identity))
        }
        return files
    }

    private func prepare(
        _ identity: PeerIdentity,
        by authority: CertificateAuthority,
        alternativeNames: [AlternativeName] = [],
        days: Int?,
        now: Date,
        _ index: inout IssuedIndex
    ) throws(PKIError) -> CertificateAuthority.Issued {
        for taken in [keyPath(of: identity), certificatePath(of: identity)] where NewFile.exists(taken) {
            throw .exists(path: taken)
        }
        let issued = try authority.issue(
            identity,
            alternativeNames: alternativeNames,
            days: days,
            now: now
        )
        index.append(
            IssuedCertificate(
                serial: issued.facts.serial,
                identity: identity,
                expires: issued.facts.notAfter
            )
        )
        return issued
    }

    private func write(_ issued: CertificateAuthority.Issued, for identity: PeerIdentity) throws(PKIError)
        -> IssuedFiles
    {
        let certificate = certificatePath(of: identity)
        let key = keyPath(of: identity)
        try NewFile.create(key, issued.key, mode: 0o600)
        try NewFile.create(certificate, issued.certificate, mode: 0o644)
        return IssuedFiles(certificate: certificate, key: key, facts: issued.facts)
    }

    /// Everything ever issued, oldest first.
    package func list() throws(PKIError) -> [IssuedCertificate] {
        guard NewFile.exists(authorityPath) else { throw .notInitialised(directory: path) }
        return try readIndex().certificates
    }

    /// Revokes one serial, or all certificates of one name, and writes the new revocation list, under the next number.
    ///
    /// The index comes first: when the list cannot be written, revoking again fails as `alreadyRevoked` only
    /// after the list has been written anew. A name that means nobody, or several, changes nothing.
    package func revoke(_ text: String, now: Date) throws(PKIError) -> [IssuedCertificate] {
        let authority = try open()
        let lock = try DirectoryLock(path + "/lock")
        defer { _ = lock }
        var index = try readIndex()
        let outcome = Result { () throws(PKIError) in try index.revoke(text, at: now) }
        switch outcome {
        case .success, .failure(.alreadyRevoked):
            try writeIndex(index)
            _ = try writeList(of: index, by: authority, above: nil, now: now)
        case .failure(let error): throw error
        }
        return try outcome.get()
    }

    /// Writes the revocation list anew, with everything that the index says is revoked, and returns its number.
    ///
    /// - Parameter above: a number that is in force somewhere, which the new one must exceed.
    package func relist(above: RevocationNumber? = nil, now: Date) throws(PKIError) -> RevocationNumber {
        let authority = try open()
        let lock = try DirectoryLock(path + "/lock")
        defer { _ = lock }
        return try writeList(of: readIndex(), by: authority, above: above, now: now)
    }

    /// Numbers only rise: above the present list's, and above the count of what is revoked, which stands in for a list that
    /// was lost.
    private func writeList(
        of index: IssuedIndex,
        by authority: CertificateAuthority,
        above: RevocationNumber?,
        now: Date
    ) throws(PKIError) -> RevocationNumber {
        let revoked = index.revocations
        let number = [numberOfList(of: authority), above, RevocationNumber(UInt32(clamping: revoked.count))]
            .compactMap(\.self).max()?.next
        guard let number else {
            throw .library(operation: "number the revocation list", detail: "none is left")
        }
        try NewFile.replace(
            revocationListPath,
            authority.revocationList(of: revoked, number: number, now: now),
            mode: 0o644
        )
        return number
    }

    /// Nil when there is no list of this authority to be read.
    private func numberOfList(of authority: CertificateAuthority) -> RevocationNumber? {
        do throws(TLSError) {
            return try PEM.revocationLists(in: CredentialFile(reading: revocationListPath))
                .filter { $0.isSigned(by: authority.certificate) }.compactMap(\.number).max()
        } catch {
            return nil
        }
    }

    func open() throws(PKIError) -> CertificateAuthority {
        guard NewFile.exists(authorityPath) else { throw .notInitialised(directory: path) }
        return try CertificateAuthority(certificatePath: authorityPath, keyPath: authorityKeyPath)
    }

    func readIndex() throws(PKIError) -> IssuedIndex {
        let bytes: [UInt8]
        do throws(TLSError) {
            bytes = try CredentialFile(reading: indexPath, believing: .operator).bytes
        } catch {
            throw .cannotRead(path: indexPath, reason: error.description)
        }
        return try IssuedIndex(text: String(decoding: bytes, as: UTF8.self), path: indexPath)
    }

    func writeIndex(_ index: IssuedIndex) throws(PKIError) {
        try NewFile.replace(indexPath, Array(index.text.utf8), mode: 0o600)
    }
}
