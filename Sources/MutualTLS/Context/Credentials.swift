internal import COpenSSL
internal import SystemCalls

/// The parsed content of `TLSFiles`, found to fit together.
struct Credentials {
    let leaf: Certificate
    let intermediates: [Certificate]
    let key: PrivateKey
    let authorities: [Certificate]
    let revoked: [RevocationList]
    /// In the order of `TLSFiles.paths`, taken from the very files that were read.
    let stamps: [FileStamp?]

    init(reading files: TLSFiles) throws(TLSError) {
        let keyFile = try CredentialFile(reading: files.key)
        guard keyFile.mode & 0o077 == 0 else { throw .keyExposed(path: files.key, mode: keyFile.mode) }
        key = try PEM.privateKey(in: keyFile)

        let certificateFile = try CredentialFile(reading: files.certificate)
        let chain = try PEM.certificates(in: certificateFile)
        guard let first = chain.first else {
            throw .malformed(path: files.certificate, detail: "no certificate in it")
        }
        leaf = first
        intermediates = Array(chain.dropFirst())

        let authorityFile = try CredentialFile(reading: files.authority)
        authorities = try PEM.certificates(in: authorityFile)

        var stamps: [FileStamp?] = [certificateFile.stamp, keyFile.stamp, authorityFile.stamp]
        if let path = files.revoked {
            let file = try CredentialFile(reading: path)
            revoked = try PEM.revocationLists(in: file)
            stamps.append(file.stamp)
        } else {
            revoked = []
        }
        self.stamps = stamps
        try check(files)
    }

    private func check(_ files: TLSFiles) throws(TLSError) {
        guard Credentials.isP256(X509_get0_pubkey(leaf.pointer)) else {
            throw .notP256(path: files.certificate)
        }
        ERR_clear_error()
        let keyFits = X509_check_private_key(leaf.pointer, key.pointer) == 1
        _ = Diagnostics.drain()
        guard keyFits else { throw .keyDoesNotFit(key: files.key, certificate: files.certificate) }
        for authority in authorities where X509_check_ca(authority.pointer) == 0 {
            throw .notAnAuthority(path: files.authority)
        }
        guard let path = files.revoked else { return }
        for list in revoked where !isPlausible(list) {
            throw .malformed(path: path, detail: "a list in it is not signed by the authority that it names")
        }
    }

    /// A list of an authority that is not among the trusted ones is left to OpenSSL's judgement.
    private func isPlausible(_ list: RevocationList) -> Bool {
        let issuers = authorities.filter {
            X509_NAME_cmp(X509_get_subject_name($0.pointer), X509_CRL_get_issuer(list.pointer)) == 0
        }
        ERR_clear_error()
        defer { _ = Diagnostics.drain() }
        return issuers.isEmpty
            || issuers.contains { X509_CRL_verify(list.pointer, X509_get0_pubkey($0.pointer)) == 1 }
    }

    static func isP256(_ key: OpaquePointer?) -> Bool {
        guard let key, EVP_PKEY_get_base_id(key) == EVP_PKEY_EC else { return false }
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return false }
        return name.prefix(length).elementsEqual("prime256v1".utf8.map { CChar(bitPattern: $0) })
    }
}
