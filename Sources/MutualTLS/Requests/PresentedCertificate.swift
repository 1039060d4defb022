internal import COpenSSL

/// A certificate that somebody showed, as PEM: what it says, and the digest that both sides log.
package struct PresentedCertificate: Hashable, Sendable {
    package let facts: CertificateFacts
    /// SHA-256 of the whole certificate, lower-case hexadecimal.
    package let fingerprint: String

    /// - Parameter name: for sentences.
    package init(pem: [UInt8], named name: String) throws(TLSError) {
        let file = CredentialFile(pem, named: name)
        guard let first = try PEM.certificates(in: file).first else {
            throw .malformed(path: name, detail: "no certificate in it")
        }
        facts = first.facts
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard X509_digest(first.pointer, EVP_sha256(), &digest, &length) == 1 else {
            throw .library(operation: "digest \(name)", detail: Diagnostics.drain().text)
        }
        let digits = Array("0123456789abcdef".utf8)
        fingerprint = String(
            decoding: digest.prefix(Int(length)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
