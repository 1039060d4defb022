internal import COpenSSL

/// Owns one X509.
package final class Certificate {
    package let pointer: OpaquePointer

    /// Takes the reference over.
    package init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { X509_free(pointer) }

    package var facts: CertificateFacts { CertificateFacts(reading: pointer) }
}

/// Owns one EVP_PKEY.
package final class PrivateKey {
    package let pointer: OpaquePointer

    /// Takes the reference over.
    package init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }
}

/// Reads the PEM blocks of a file; a file with none, or with a broken one, is an error.
///
/// The callbacks that always fail stand in for OpenSSL's own, which would ask for a passphrase on the
/// terminal.
package enum PEM {
    package static func certificates(in file: CredentialFile) throws(TLSError) -> [Certificate] {
        try all(in: file, what: "certificate") { bio in
            PEM_read_bio_X509(bio, nil, { _, _, _, _ in -1 }, nil).map(Certificate.init(owning:))
        }
    }

    package static func revocationLists(in file: CredentialFile) throws(TLSError) -> [RevocationList] {
        try all(in: file, what: "revocation list") { bio in
            PEM_read_bio_X509_CRL(bio, nil, { _, _, _, _ in -1 }, nil).map(RevocationList.init(owning:))
        }
    }

    package static func privateKey(in file: CredentialFile) throws(TLSError) -> PrivateKey {
        ERR_clear_error()
        let key = try withMemory(file) { bio in
            PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil).map(PrivateKey.init(owning:))
        }
        if let key { return key }
        let reason = Diagnostics.drain()
        throw .malformed(path: file.path, detail: "no unencrypted private key in it", quoted: reason.text)
    }

    private static func all<Item>(
        in file: CredentialFile,
        what: String,
        next: (OpaquePointer) -> Item?
    ) throws(TLSError) -> [Item] {
        ERR_clear_error()
        var items: [Item] = []
        try withMemory(file) { bio in
            while let item = next(bio) { items.append(item) }
        }
        let end = Diagnostics.drain()
        let isAtEnd = end.entries.last.map { $0.library == ERR_LIB_PEM && $0.reason == PEM_R_NO_START_LINE }
        guard isAtEnd == true, !items.isEmpty else {
            throw .malformed(path: file.path, detail: "no readable \(what) in it", quoted: end.text)
        }
        return items
    }

    private static func withMemory<Result>(
        _ file: CredentialFile,
        _ body: (OpaquePointer) -> Result
    ) throws(TLSError) -> Result {
        guard let bio = mitosis_bio_memory() else {
            throw .library(operation: "allocate memory", detail: Diagnostics.drain().text)
        }
        defer { BIO_free(bio) }
        guard !file.bytes.isEmpty else { throw .malformed(path: file.path, detail: "it is empty") }
        guard BIO_write(bio, file.bytes, Int32(file.bytes.count)) == Int32(file.bytes.count) else {
            throw .library(operation: "copy \(file.path)", detail: Diagnostics.drain().text)
        }
        return body(bio)
    }
}
