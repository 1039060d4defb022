internal import COpenSSL

/// A request for a certificate (PKCS#10): a public key with the name that it is for, signed with its private key.
///
/// Made on the host, whose key never leaves it; judged and signed by the authority.
package final class CertificateRequest {
    /// For sentences: it comes from a host and has no path here.
    private static let name = "the certificate request"

    package let pointer: OpaquePointer
    /// Its public key.
    package let key: PrivateKey

    /// A new key, and the request for it; both PEM.
    package struct Made: Sendable {
        package let key: [UInt8]
        package let request: [UInt8]
    }

    package static func make(for identity: PeerIdentity) throws(TLSError) -> Made {
        let key = try PrivateKey.generated()
        ERR_clear_error()
        guard let pointer = X509_REQ_new() else { throw Self.failed("create a certificate request") }
        defer { X509_REQ_free(pointer) }
        let text = identity.description
        let name = X509_REQ_get_subject_name(pointer)
        let steps: [(String, () -> Bool)] = [
            ("set the version of the request", { X509_REQ_set_version(pointer, 0) == 1 }),
            (
                "set the name of the request",
                {
                    let length = Int32(text.utf8.count)
                    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, length, -1, 0) == 1
                }
            ),
            ("set the key of the request", { X509_REQ_set_pubkey(pointer, key.pointer) == 1 }),
            ("sign the request", { X509_REQ_sign(pointer, key.pointer, EVP_sha256()) > 0 }),
        ]
        for (operation, succeeds) in steps where !succeeds() { throw Self.failed(operation) }
        return Made(
            key: try key.encoded(),
            request: try PEM.encode("the request") { PEM_write_bio_X509_REQ($0, pointer) }
        )
    }

    /// Refuses what is not a request, what is not signed with its own key, and every key but one of P-256.
    package init(pem: [UInt8]) throws(TLSError) {
        ERR_clear_error()
        guard let bio = mitosis_bio_memory() else { throw Self.failed("allocate memory") }
        defer { BIO_free(bio) }
        guard !pem.isEmpty, BIO_write(bio, pem, Int32(clamping: pem.count)) == Int32(clamping: pem.count),
            let pointer = PEM_read_bio_X509_REQ(bio, nil, { _, _, _, _ in -1 }, nil)
        else { throw .malformed(path: Self.name, detail: Diagnostics.drain().text) }
        guard let key = X509_REQ_get_pubkey(pointer) else {
            X509_REQ_free(pointer)
            throw .malformed(path: Self.name, detail: "no public key in it (\(Diagnostics.drain().text))")
        }
        self.pointer = pointer
        self.key = PrivateKey(owning: key)
        guard OwnPair.isP256(key) else { throw .notP256(path: Self.name) }
        guard X509_REQ_verify(pointer, key) == 1 else {
            _ = Diagnostics.drain()
            throw .malformed(path: Self.name, detail: "it is not signed with its own key")
        }
    }

    deinit { X509_REQ_free(pointer) }

    /// The common name, unjudged; empty without one.
    package var commonName: String {
        var text = [CChar](repeating: 0, count: 256)
        let name = X509_REQ_get_subject_name(pointer)
        let length = X509_NAME_get_text_by_NID(name, NID_commonName, &text, Int32(text.count))
        guard length > 0 else { return "" }
        return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func failed(_ operation: String) -> TLSError {
        .library(operation: operation, detail: Diagnostics.drain().text)
    }
}
