import FoundationEssentials
import Glibc
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("The profiles for openssl(1)", .timeLimit(.minutes(10)))
struct ProfileTests {
    private let pki: TestPKI
    private let profiles: String

    init() throws {
        pki = try TestPKI()
        profiles =
            #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/") + "/certs/profiles"
    }

    private var variables: [String: String] { ["TRUST_DOMAIN": "mitosis", "HOST": "s1", "NAME": "ops"] }

    private func openssl(_ arguments: String...) async throws {
        let tool = try await Tool.run("openssl", arguments, variables: variables)
        try #require(tool.succeeded, "openssl \(arguments): \(tool.errors)")
    }

    /// As `certs/README.md` says.
    private func issue(_ kind: String, by authority: String) async throws -> TLSFiles {
        let profile = "\(profiles)/\(kind).cnf"
        let key = pki.path("\(kind).key")
        let request = pki.path("\(kind).csr")
        let certificate = pki.path("\(kind).pem")
        try await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        try #require(chmod(key, 0o600) == 0)
        try await openssl("req", "-new", "-key", key, "-config", profile, "-out", request)
        try await openssl(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            "\(authority).pem",
            "-CAkey",
            "\(authority).key",
            "-CAcreateserial",
            "-sha256",
            "-days",
            "30",
            "-extfile",
            profile,
            "-extensions",
            "certificate",
            "-out",
            certificate
        )
        return TLSFiles(certificate: certificate, key: key, authority: "\(authority).pem")
    }

    @Test(
        "certificates issued with them are accepted, also from an RSA authority",
        arguments: [["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["rsa:3072"]]
    )
    func foreignAuthority(key: [String]) async throws {
        let authority = pki.path("organisation")
        let tool = try await Tool.run(
            "openssl",
            ["req", "-x509", "-newkey"] + key
                + ["-nodes", "-keyout", "\(authority).key", "-out", "\(authority).pem", "-days", "30"]
                + ["-config", "\(profiles)/authority.cnf", "-extensions", "certificate"],
            variables: variables
        )
        try #require(tool.succeeded, "\(tool.errors)")
        let agent = try await pki.server(issue("agent", by: authority))
        for kind in ["coordinator", "viewer"] {
            let files = try await issue(kind, by: authority)
            let (server, client) = try await TestServer.meet(agent, pki.client(files))
            #expect(server.errors == [] && client.errors == [])
            #expect(server.peer?.identity == (try pki.identity("\(kind)/ops")))
            #expect(client.text == "ping")
        }
    }

    @Test(
        "they say what the built-in authority does",
        arguments: ["agent", "coordinator", "viewer", "authority"]
    )
    func sameAsBuiltIn(name: String) throws {
        let content = try CredentialFile(reading: "\(profiles)/\(name).cnf").bytes
        let lines = String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
        let profile = PeerIdentity.Kind(rawValue: name).map(CertificateProfile.of) ?? .authority
        #expect(lines.contains("basicConstraints = \(profile.basicConstraints)"))
        #expect(lines.contains("keyUsage = \(profile.keyUsage)"))
        #expect(lines.first?.contains("Lifetime: \(profile.days) days") == true)
        let usage = lines.first { $0.hasPrefix("extendedKeyUsage = ") }
        #expect(usage == profile.extendedKeyUsage.map { "extendedKeyUsage = \($0)" })
    }
}
