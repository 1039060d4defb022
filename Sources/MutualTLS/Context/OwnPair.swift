internal import COpenSSL
internal import FoundationEssentials
internal import SystemCalls

/// This side's certificate file and key file, as they were read.
struct OwnPairFiles: Sendable {
    let certificate: CredentialFile
    let key: CredentialFile

    init(reading files: TLSFiles, believing owners: TrustedOwners? = nil) throws(TLSError) {
        key = try CredentialFile(reading: files.key, believing: owners)
        guard key.mode & 0o077 == 0 else { throw .keyExposed(path: files.key, mode: key.mode) }
        certificate = try CredentialFile(reading: files.certificate, believing: owners)
    }

    var stamps: [FileStamp?] { [certificate.stamp, key.stamp] }
}

/// The parsed content of `OwnPairFiles`, found to fit together.
struct OwnPair {
    let leaf: Certificate
    let intermediates: [Certificate]
    let key: PrivateKey

    init(_ files: OwnPairFiles) throws(TLSError) {
        key = try PEM.privateKey(in: files.key)
        let chain = try PEM.certificates(in: files.certificate)
        guard let first = chain.first else {
            throw .malformed(path: files.certificate.path, detail: "no certificate in it")
        }
        leaf = first
        intermediates = Array(chain.dropFirst())
        guard Self.isP256(X509_get0_pubkey(leaf.pointer)) else {
            throw .notP256(path: files.certificate.path)
        }
        ERR_clear_error()
        let keyFits = X509_check_private_key(leaf.pointer, key.pointer) == 1
        _ = Diagnostics.drain()
        guard keyFits else {
            throw .keyDoesNotFit(key: files.key.path, certificate: files.certificate.path)
        }
    }

    static func isP256(_ key: OpaquePointer?) -> Bool {
        guard let key, EVP_PKEY_get_base_id(key) == EVP_PKEY_EC else { return false }
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return false }
        return name.prefix(length).elementsEqual("prime256v1".utf8.map { CChar(bitPattern: $0) })
    }
}
