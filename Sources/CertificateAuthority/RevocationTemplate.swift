internal import COpenSSL
package import FoundationEssentials
package import MutualTLS

extension CertificateAuthority {
    /// A complete revocation list, PEM.
    ///
    /// `number` must grow from list to list.
    ///
    /// It stays valid as long as the authority itself: an outdated list would stop every command in the
    /// middle of a migration, and whoever can withhold a new list from an agent could as well withhold the
    /// command.
    package func revocationList(
        of revoked: [Revocation],
        number: RevocationNumber,
        now: Date
    ) throws(PKIError) -> [UInt8] {
        ERR_clear_error()
        guard let pointer = X509_CRL_new() else {
            throw .library(operation: "create a revocation list", detail: Diagnostics.drain().text)
        }
        let list = RevocationList(owning: pointer)
        let issuer = certificate.pointer
        let steps: [(String, () -> Bool)] = [
            ("set the version", { X509_CRL_set_version(pointer, 1) == 1 }),
            ("set the issuer", { X509_CRL_set_issuer_name(pointer, X509_get_subject_name(issuer)) == 1 }),
            ("set the validity", { setValidity(of: pointer, now: now) }),
            (
                "add the revoked",
                { revoked.allSatisfy { add($0, to: pointer) } && X509_CRL_sort(pointer) == 1 }
            ),
            ("add the extensions", { addExtensions(to: pointer, number: number) }),
            ("sign", { X509_CRL_sign(pointer, key.pointer, EVP_sha256()) > 0 }),
        ]
        for (operation, succeeds) in steps where !succeeds() {
            throw .library(operation: "\(operation) of the revocation list", detail: Diagnostics.drain().text)
        }
        return try CertificateAuthority.encode("the revocation list") {
            PEM_write_bio_X509_CRL($0, list.pointer)
        }
    }

    private func setValidity(of list: OpaquePointer, now: Date) -> Bool {
        let start = Int(now.timeIntervalSince1970 - CertificateTemplate.clockSkew)
        guard let from = ASN1_TIME_set(nil, start) else { return false }
        defer { ASN1_STRING_free(from) }
        return X509_CRL_set1_lastUpdate(list, from) == 1
            && X509_CRL_set1_nextUpdate(list, X509_get0_notAfter(certificate.pointer)) == 1
    }

    private func add(_ revocation: Revocation, to list: OpaquePointer) -> Bool {
        guard let entry = X509_REVOKED_new() else { return false }
        var isOwned = true
        defer { if isOwned { X509_REVOKED_free(entry) } }
        var number: OpaquePointer?
        guard BN_hex2bn(&number, revocation.serial) == Int32(revocation.serial.utf8.count) else {
            return false
        }
        defer { BN_free(number) }
        guard let serial = BN_to_ASN1_INTEGER(number, nil) else { return false }
        defer { ASN1_STRING_free(serial) }
        guard let date = ASN1_TIME_set(nil, Int(revocation.at.timeIntervalSince1970)) else { return false }
        defer { ASN1_STRING_free(date) }
        guard X509_REVOKED_set_serialNumber(entry, serial) == 1,
            X509_REVOKED_set_revocationDate(entry, date) == 1,
            X509_CRL_add0_revoked(list, entry) == 1
        else { return false }
        isOwned = false
        return true
    }

    private func addExtensions(to list: OpaquePointer, number: RevocationNumber) -> Bool {
        var parsed: OpaquePointer?
        guard BN_dec2bn(&parsed, number.description) == Int32(number.description.utf8.count) else {
            return false
        }
        defer { BN_free(parsed) }
        guard let value = BN_to_ASN1_INTEGER(parsed, nil) else { return false }
        defer { ASN1_STRING_free(value) }
        guard X509_CRL_add1_ext_i2d(list, NID_crl_number, value, 0, 0) == 1
        else { return false }
        var context = X509V3_CTX()
        mitosis_x509v3_set_context(&context, certificate.pointer, nil, list)
        guard
            let added = X509V3_EXT_conf_nid(nil, &context, NID_authority_key_identifier, "keyid:always")
        else { return false }
        defer { X509_EXTENSION_free(added) }
        return X509_CRL_add_ext(list, added, -1) == 1
    }
}
