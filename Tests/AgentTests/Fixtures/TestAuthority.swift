import CertificateAuthority
import FoundationEssentials
import MutualTLS
import SystemCalls

/// An authority and the files of those it certified.
struct TestAuthority: Sendable {
    let directory: TemporaryDirectory
    /// Where `revoke` writes the list; from then on an agent's configuration names it.
    var list: String { directory.path + "/ca.crl" }
    let domain: TrustDomain
    private let certificate: String
    private let key: String

    init() throws {
        guard let domain = TrustDomain("mitosis") else { throw TestProblem("trust domain") }
        self.domain = domain
        directory = try TemporaryDirectory()
        let authority = try CertificateAuthority(creating: domain, now: Date())
        certificate = try directory.write("ca.pem", try authority.encodedCertificate())
        key = try directory.write("ca.key", try authority.encodedKey())
    }

    /// Issues anew on every call; `files` names the certificate's place.
    @discardableResult
    func issue(_ identity: String, files name: String? = nil) throws -> TLSFiles {
        let name = name ?? identity.replacing("/", with: "-")
        let authority = try CertificateAuthority(certificatePath: certificate, keyPath: key)
        let issued = try authority.issue(Self.peer(identity), now: Date())
        let key = try directory.write(name + ".key", issued.key)
        return TLSFiles(
            certificate: try directory.write(name + ".pem", issued.certificate),
            key: key,
            authority: certificate
        )
    }

    /// Writes the revocation list, and returns its place.
    @discardableResult
    func revoke(_ serials: [String], number: UInt32) throws -> String {
        let authority = try CertificateAuthority(certificatePath: certificate, keyPath: key)
        let revoked = serials.map { CertificateAuthority.Revocation(serial: $0, at: Date()) }
        let list = try authority.revocationList(of: revoked, number: RevocationNumber(number), now: Date())
        return try directory.write("ca.crl", list)
    }

    func serial(of files: TLSFiles) throws -> String {
        try TLSContext(files: files, trustDomain: domain).certificate.serial
    }

    func context(_ identity: String) throws -> ReloadingTLSContext {
        try context(identity, files: issue(identity))
    }

    func context(_ identity: String, files: TLSFiles) throws -> ReloadingTLSContext {
        try ReloadingTLSContext(
            files: files,
            rules: CredentialRules(own: Self.peer(identity), trustDomain: domain, owners: .daemon),
            seen: SeenRevocationLists(nil)
        ) { _ in }
    }

    static func peer(_ text: String) throws -> PeerIdentity {
        guard let peer = PeerIdentity(text) else { throw TestProblem("identity \(text)") }
        return peer
    }
}
