internal import COpenSSL
package import FoundationEssentials

/// Owns one X509_CRL.
package final class RevocationList {
    package let pointer: OpaquePointer

    /// Takes the reference over.
    package init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { X509_CRL_free(pointer) }

    /// When it has to have been replaced; nil for a list that does not say.
    package var nextUpdate: Date? { X509_CRL_get0_nextUpdate(pointer).flatMap { CertificateFacts.date($0) } }

    /// Nil for a list without one, and for one that is no such number.
    package var number: RevocationNumber? {
        guard let found = X509_CRL_get_ext_d2i(pointer, NID_crl_number, nil, nil) else { return nil }
        let value = found.assumingMemoryBound(to: ASN1_INTEGER.self)
        defer { ASN1_INTEGER_free(value) }
        return RevocationNumber(value)
    }

    /// A list of changes only, or of some certificates only, says so in an extension that must be understood.
    var isPartial: Bool { X509_CRL_get_ext_by_critical(pointer, 1, -1) >= 0 }

    package func isSigned(by authority: Certificate) -> Bool {
        ERR_clear_error()
        defer { _ = Diagnostics.drain() }
        return X509_NAME_cmp(X509_get_subject_name(authority.pointer), X509_CRL_get_issuer(pointer)) == 0
            && X509_CRL_verify(pointer, X509_get0_pubkey(authority.pointer)) == 1
    }

    /// SHA-256 of the whole list.
    var digest: String {
        Digest.text { X509_CRL_digest(pointer, EVP_sha256(), $0, $1) }
    }
}

/// Digests that OpenSSL takes of its own objects, in lower-case hexadecimal.
enum Digest {
    static func text(
        _ take: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt32>) -> Int32
    ) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        let taken = bytes.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { take($0, &length) } ?? 0
        }
        guard taken == 1 else { return "" }
        return bytes.prefix(Int(length)).map(Self.hexadecimal).joined()
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

extension Certificate {
    /// SHA-256 of its public key: which authority it is, whatever its name.
    package var keyDigest: String {
        Digest.text { X509_pubkey_digest(pointer, EVP_sha256(), $0, $1) }
    }
}

/// What is known of a list in force.
package struct RevocationListFacts: Hashable, Sendable {
    /// SHA-256 of the public key of the authority that signed it.
    package let authority: String
    package let number: RevocationNumber
    /// SHA-256 of the list.
    package let digest: String
    package let nextUpdate: Date?
}
