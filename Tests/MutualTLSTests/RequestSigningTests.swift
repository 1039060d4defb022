import COpenSSL
import FoundationEssentials
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("Requests for certificates", .timeLimit(.minutes(10)))
struct RequestSigningTests {
    private let scratch: TestPKI
    private let directory: PKIDirectory

    init() throws {
        scratch = try TestPKI()
        directory = PKIDirectory(path: scratch.path("pki"))
        _ = try directory.create(trustDomain: scratch.domain, now: Date())
    }

    private func reason(_ pem: [UInt8], for host: String = "agent/s1") throws -> String {
        let identity = try scratch.identity(host)
        do throws(PKIError) {
            _ = try directory.sign(request: pem, as: identity, now: Date())
            return "signed"
        } catch {
            return error.description
        }
    }

    @Test("a request made on a host becomes a certificate that fits the host's key, and is in the index")
    func signed() throws {
        let identity = try scratch.identity("agent/s1")
        let made = try CertificateRequest.make(for: identity)
        let names = [try #require(AlternativeName("198.51.100.1"))]
        let signed = try directory.sign(
            request: made.request,
            as: identity,
            alternativeNames: names,
            now: Date()
        )
        try scratch.write("s1.key", made.key)
        try scratch.write("s1.pem", signed.certificate)
        let files = TLSFiles(
            certificate: scratch.path("s1.pem"),
            key: scratch.path("s1.key"),
            authority: directory.authorityPath
        )
        let context = try TLSContext(files: files, trustDomain: scratch.domain)
        #expect(context.certificate.identity(in: scratch.domain) == identity)
        #expect(context.certificate.servesTLS && !context.certificate.callsTLS)
        #expect(try directory.list().map(\.serial) == [signed.facts.serial])
        let presented = try PresentedCertificate(pem: signed.certificate, named: "it")
        #expect(presented.facts == signed.facts && presented.fingerprint.count == 64)
        // Again, with another key: both can be revoked.
        let other = try CertificateRequest.make(for: identity)
        _ = try directory.sign(request: other.request, as: identity, now: Date())
        #expect(try directory.revoke("agent/s1", now: Date()).count == 2)
    }

    @Test("a request for another name, or for another kind, is not signed")
    func otherName() throws {
        let other = try CertificateRequest.make(for: scratch.identity("agent/s2"))
        #expect(try reason(other.request).contains("it is for 'agent/s2', not for agent/s1"))
        let coordinator = try CertificateRequest.make(for: scratch.identity("coordinator/s1"))
        #expect(try reason(coordinator.request).contains("it is for 'coordinator/s1', not for agent/s1"))
        #expect(try directory.list().isEmpty)
    }

    @Test("a request that is damaged, or signed with another key than its own, is not signed")
    func badSignature() throws {
        let made = try CertificateRequest.make(for: scratch.identity("agent/s1"))
        var lines = String(decoding: made.request, as: UTF8.self).split(separator: "\n").map(String.init)
        // The signature is at the end.
        let index = lines.count - 2
        lines[index] = String(lines[index].reversed())
        let damaged = try reason(Array(lines.joined(separator: "\n").utf8) + [10])
        #expect(damaged.contains("certificate request") && damaged != "signed", "\(damaged)")
        #expect(try reason(Array("nothing\n".utf8)).contains("is not signed"))
        #expect(try reason([]).contains("is not signed"))
        #expect(try directory.list().isEmpty)
    }

    @Test("a request for a key that is not of P-256 is not signed", arguments: ["rsa:2048", "ec:P-384"])
    func wrongKey(kind: String) async throws {
        let parts = kind.split(separator: ":").map(String.init)
        let key =
            parts[0] == "rsa"
            ? ["-newkey", "rsa:\(parts[1])"] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:\(parts[1])"]
        let out = scratch.path("odd.csr")
        let made = try await Tool.run(
            "openssl",
            [
                "req", "-new", "-nodes", "-subj", "/CN=agent\\/s1", "-keyout", scratch.path("odd.key"),
                "-out", out,
            ] + key
        )
        try #require(made.succeeded, "\(made.errors)")
        let answer = try reason(CredentialFile(reading: out).bytes)
        #expect(answer.contains("P-256"), "\(answer)")
        #expect(try directory.list().isEmpty)
    }

    @Test("a host whose key the authority's directory holds gets no second one")
    func keyIsKept() throws {
        _ = try directory.issue(scratch.identity("agent/s1"), now: Date())
        let made = try CertificateRequest.make(for: scratch.identity("agent/s1"))
        #expect(try reason(made.request).contains("s1.key exists"))
    }
}
