/// An alert as it came over the wire.
///
/// OpenSSL's own names stop before TLS 1.3.
package struct TLSAlert: Hashable, Sendable, CustomStringConvertible {
    package let code: UInt8

    package init(code: UInt8) { self.code = code }

    package static let handshakeFailure = TLSAlert(code: 40)
    package static let badCertificate = TLSAlert(code: 42)
    package static let unsupportedCertificate = TLSAlert(code: 43)
    package static let certificateRevoked = TLSAlert(code: 44)
    package static let certificateExpired = TLSAlert(code: 45)
    package static let unknownAuthority = TLSAlert(code: 48)
    package static let protocolVersion = TLSAlert(code: 70)
    package static let certificateRequired = TLSAlert(code: 116)

    package var name: String { TLSAlert.names[code] ?? "alert \(code)" }

    package var description: String { "\(name) (\(code))" }

    /// What the one who receives the alert should look at.
    var remedy: String {
        switch self {
        case .handshakeFailure:
            "it does not accept the identity in this side's certificate, or no algorithm is shared"
        case .badCertificate, .unsupportedCertificate:
            "this side's certificate is not meant for this use; issue one of the right kind"
        case .certificateRevoked: "this side's certificate is on its revocation list; issue a new one"
        case .certificateExpired: "this side's certificate has expired; issue a new one"
        case .unknownAuthority: "this side's certificate comes from an authority that it does not trust"
        case .protocolVersion: "it does not speak TLS 1.3"
        case .certificateRequired: "this side presented no certificate"
        default: "see its log for the reason"
        }
    }

    /// RFC 8446, section 6.
    private static let names: [UInt8: String] = [
        0: "close notify", 10: "unexpected message", 20: "bad record mac", 22: "record overflow",
        40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
        44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown",
        47: "illegal parameter", 48: "unknown ca", 49: "access denied", 50: "decode error",
        51: "decrypt error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
        86: "inappropriate fallback", 90: "user canceled", 109: "missing extension",
        110: "unsupported extension", 112: "unrecognized name", 113: "bad certificate status response",
        115: "unknown psk identity", 116: "certificate required", 120: "no application protocol",
    ]
}
