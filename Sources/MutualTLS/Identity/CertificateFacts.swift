package import COpenSSL
package import FoundationEssentials

/// What this project reads from a certificate, as values.
package struct CertificateFacts: Hashable, Sendable {
    /// Lower-case hexadecimal.
    package let serial: String
    package let notBefore: Date
    package let notAfter: Date
    package let servesTLS: Bool
    package let callsTLS: Bool
    /// Every URI of the subject alternative name, unjudged.
    package let uris: [String]

    /// Set when there is exactly one URI and it names an identity of some trust domain.
    var claim: ClaimedIdentity? {
        guard uris.count == 1, let uri = uris.first else { return nil }
        return ClaimedIdentity(uri: uri)
    }

    /// The identity of the certificate when it belongs to `domain`.
    package func identity(in domain: TrustDomain) -> PeerIdentity? {
        guard let claim, claim.domain == domain else { return nil }
        return claim.identity
    }

    /// `certificate` is an X509 that the caller keeps alive during the call.
    package init(reading certificate: OpaquePointer) {
        serial = CertificateFacts.hexadecimal(X509_get0_serialNumber(certificate))
        notBefore = CertificateFacts.date(X509_get0_notBefore(certificate)) ?? .distantFuture
        notAfter = CertificateFacts.date(X509_get0_notAfter(certificate)) ?? .distantPast
        let usage = X509_get_extended_key_usage(certificate)
        // Absent usages read as all bits set: here a certificate must say what it is for.
        let isStated = usage != UInt32.max
        servesTLS = isStated && usage & UInt32(XKU_SSL_SERVER) != 0
        callsTLS = isStated && usage & UInt32(XKU_SSL_CLIENT) != 0
        uris = CertificateFacts.uris(of: certificate)
    }

    private static func uris(of certificate: OpaquePointer) -> [String] {
        guard let found = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(found)
        defer { GENERAL_NAMES_free(names) }
        return (0..<mitosis_general_name_count(names)).compactMap { index in
            guard let text = mitosis_general_name_uri(names, index) else { return nil }
            let bytes = UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(text),
                count: Int(ASN1_STRING_length(text))
            )
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    package static func hexadecimal(_ serial: UnsafePointer<ASN1_INTEGER>?) -> String {
        guard let number = ASN1_INTEGER_to_BN(serial, nil) else { return "" }
        defer { BN_free(number) }
        guard let text = BN_bn2hex(number) else { return "" }
        defer { CRYPTO_free(text, nil, 0) }
        return String(cString: text).lowercased()
    }

    package static func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date? {
        guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Date(timeIntervalSince1970: Double(days) * 86_400 + Double(seconds))
    }
}
