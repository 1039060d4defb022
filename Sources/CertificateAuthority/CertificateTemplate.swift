internal import COpenSSL
internal import FoundationEssentials
import MutualTLS

/// A certificate before its signature.
struct CertificateTemplate {
    let commonName: String
    let uris: [String]
    let alternativeNames: [AlternativeName]
    let profile: CertificateProfile
    let notBefore: Date
    let notAfter: Date

    /// Clocks of the fleet may be this far behind.
    static let clockSkew: TimeInterval = 3600

    init(
        commonName: String,
        uris: [String],
        alternativeNames: [AlternativeName] = [],
        profile: CertificateProfile,
        now: Date
    ) {
        self.commonName = commonName
        self.uris = uris
        self.alternativeNames = alternativeNames
        self.profile = profile
        notBefore = now.addingTimeInterval(-CertificateTemplate.clockSkew)
        notAfter = now.addingTimeInterval(Double(profile.days) * 86_400)
    }

    /// Signs with `signer`; without an issuer the certificate signs itself.
    func sign(for subject: PrivateKey, by signer: PrivateKey, of issuer: Certificate?) throws(PKIError)
        -> Certificate
    {
        ERR_clear_error()
        guard let pointer = X509_new() else {
            throw .library(operation: "create a certificate", detail: Diagnostics.drain().text)
        }
        let certificate = Certificate(owning: pointer)
        let name = X509_get_subject_name(pointer)
        let issuerName = issuer.map { X509_get_subject_name($0.pointer) } ?? name
        let steps: [(String, () -> Bool)] = [
            ("set the version", { X509_set_version(pointer, 2) == 1 }),
            ("draw a serial number", { CertificateTemplate.drawSerial(X509_get_serialNumber(pointer)) }),
            ("set the subject", { addCommonName(to: name) }),
            ("set the issuer", { X509_set_issuer_name(pointer, issuerName) == 1 }),
            ("set the validity", { setValidity(of: pointer) }),
            ("set the key", { X509_set_pubkey(pointer, subject.pointer) == 1 }),
            ("add the extensions", { addExtensions(to: pointer, issuer: issuer?.pointer ?? pointer) }),
            ("sign", { X509_sign(pointer, signer.pointer, EVP_sha256()) > 0 }),
        ]
        for (operation, succeeds) in steps where !succeeds() {
            throw .library(operation: operation, detail: Diagnostics.drain().text)
        }
        return certificate
    }

    private func addCommonName(to name: OpaquePointer?) -> Bool {
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, commonName, Int32(commonName.utf8.count), -1, 0)
            == 1
    }

    private func setValidity(of certificate: OpaquePointer) -> Bool {
        ASN1_TIME_set(X509_getm_notBefore(certificate), Int(notBefore.timeIntervalSince1970)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(certificate), Int(notAfter.timeIntervalSince1970)) != nil
    }

    private func addExtensions(to certificate: OpaquePointer, issuer: OpaquePointer) -> Bool {
        let names = uris.map { "URI:\($0)" } + alternativeNames.map(\.configured)
        var values: [(Int32, String)] = [
            (NID_basic_constraints, profile.basicConstraints),
            (NID_key_usage, profile.keyUsage),
            (NID_subject_key_identifier, "hash"),
            (NID_authority_key_identifier, "keyid:always"),
        ]
        if let usage = profile.extendedKeyUsage { values.append((NID_ext_key_usage, usage)) }
        if !names.isEmpty { values.append((NID_subject_alt_name, names.joined(separator: ","))) }
        var context = X509V3_CTX()
        mitosis_x509v3_set_context(&context, issuer, certificate, nil)
        return values.allSatisfy { nid, value in
            guard let added = X509V3_EXT_conf_nid(nil, &context, nid, value) else { return false }
            defer { X509_EXTENSION_free(added) }
            return X509_add_ext(certificate, added, -1) == 1
        }
    }

    /// 127 random bits, so that serials neither collide nor tell how many there are.
    static func drawSerial(_ serial: UnsafeMutablePointer<ASN1_INTEGER>?) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard RAND_bytes(&bytes, 16) == 1 else { return false }
        bytes[0] = bytes[0] & 0x7f | 0x40
        guard let number = BN_bin2bn(bytes, 16, nil) else { return false }
        defer { BN_free(number) }
        return BN_to_ASN1_INTEGER(number, serial) != nil
    }
}
