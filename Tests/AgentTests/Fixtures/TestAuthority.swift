import CertificateAuthority
import FoundationEssentials
import MutualTLS

/// An authority and the files of those it certified.
struct TestAuthority: Sendable {
    let directory: TemporaryDirectory
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

    func context(_ identity: String) throws -> ReloadingTLSContext {
        try ReloadingTLSContext(files: issue(identity), trustDomain: domain) { _ in }
    }

    static func peer(_ text: String) throws -> PeerIdentity {
        guard let peer = PeerIdentity(text) else { throw TestProblem("identity \(text)") }
        return peer
    }
}
