import FoundationEssentials
import Glibc
import SystemCalls
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

/// An authority and a scratch directory for one test; the directory goes away with it.
final class TestPKI {
    let directory: String
    let domain: TrustDomain
    let authority: CertificateAuthority
    private var count = 0

    init(trustDomain: String = "mitosis") throws {
        var template = Array("/tmp/mitosis-tls-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        domain = try #require(TrustDomain(trustDomain))
        authority = try CertificateAuthority(creating: domain, now: Date())
        try write("ca.pem", authority.encodedCertificate())
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch {
            Issue.record("\(directory) stays behind: \(error)")
        }
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws -> String {
        let draft = path("\(name).draft")
        try NewFile.create(draft, bytes, mode: mode)
        try #require(rename(draft, path(name)) == 0)
        return path(name)
    }

    func identity(_ text: String) throws -> PeerIdentity { try #require(PeerIdentity(text)) }

    /// Files of a new certificate for `kind/name`.
    func issue(
        _ text: String,
        named file: String? = nil,
        now: Date = Date(),
        trusting authorityPath: String? = nil
    ) throws -> (files: TLSFiles, facts: CertificateFacts) {
        let issued = try authority.issue(identity(text), alternativeNames: [.address("127.0.0.1")], now: now)
        return (try store(issued, named: file, trusting: authorityPath), issued.facts)
    }

    /// Files of a certificate that no command would issue.
    func issue(
        uris: [String],
        profile: CertificateProfile,
        trusting authorityPath: String? = nil
    ) throws -> TLSFiles {
        let template = CertificateTemplate(commonName: "odd", uris: uris, profile: profile, now: Date())
        return try store(authority.issue(template), named: nil, trusting: authorityPath)
    }

    func store(
        _ issued: CertificateAuthority.Issued,
        named file: String?,
        trusting authorityPath: String? = nil
    ) throws -> TLSFiles {
        count += 1
        let name = file ?? "leaf\(count)"
        return TLSFiles(
            certificate: try write("\(name).pem", issued.certificate),
            key: try write("\(name).key", issued.key),
            authority: authorityPath ?? path("ca.pem")
        )
    }

    func revoke(_ serials: [String]) throws -> String {
        try revoke(serials, number: UInt32(serials.count + 1))
    }

    func revoke(_ serials: [String], number: UInt32) throws -> String {
        let list = serials.map { CertificateAuthority.Revocation(serial: $0, at: Date()) }
        return try write(
            "ca.crl",
            authority.revocationList(of: list, number: RevocationNumber(number), now: Date())
        )
    }

    /// The strict context of a program: what is wrong with the files at the start is thrown.
    func reloading(
        _ files: TLSFiles,
        as text: String = "agent/s1",
        seen: SeenRevocationLists? = nil,
        now: @escaping @Sendable () -> Date = { Date() },
        report: @escaping @Sendable (CredentialEvent) -> Void = { _ in }
    ) throws -> ReloadingTLSContext {
        try ReloadingTLSContext(
            files: files,
            rules: CredentialRules(own: identity(text), trustDomain: domain, owners: .daemon),
            seen: seen ?? SeenRevocationLists(nil),
            now: now,
            report: report
        )
    }

    func server(_ files: TLSFiles) throws -> TLSContext {
        try TLSContext(files: files, trustDomain: domain)
    }

    func client(_ files: TLSFiles, expecting text: String = "agent/s1") throws -> TestClient {
        TestClient(
            context: try TLSContext(files: files, trustDomain: domain),
            expected: try identity(text)
        )
    }
}

/// A caller and whom it calls.
struct TestClient: Sendable {
    let context: TLSContext
    let expected: PeerIdentity
}

extension TLSFiles {
    func checking(revoked: String) -> TLSFiles {
        TLSFiles(certificate: certificate, key: key, authority: authority, revoked: revoked)
    }
}

/// Far enough in the past that every profile's lifetime is over.
let longAgo = Date(timeIntervalSinceNow: -11 * 366 * 86_400)
