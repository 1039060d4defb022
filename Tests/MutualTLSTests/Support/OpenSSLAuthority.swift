import Glibc
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

/// openssl(1) at work with a test's authority: lists that no command of ours would write.
struct OpenSSLAuthority {
    private let pki: TestPKI
    private let folder: String

    init(_ pki: TestPKI) throws {
        self.pki = pki
        folder = pki.path("openssl")
        try #require(mkdir(folder, 0o700) == 0)
        try pki.write("openssl/ca.key", pki.authority.encodedKey())
        try pki.write("openssl/index.txt", [])
        let configuration = """
            [ca]
            default_ca = own
            [own]
            database = \(folder)/index.txt
            crlnumber = \(folder)/number
            default_md = sha256
            [numbered]
            authorityKeyIdentifier = keyid:always
            [partial]
            issuingDistributionPoint = critical, @point
            [point]
            onlyCA = TRUE
            [bare]
            database = \(folder)/index.txt
            default_md = sha256
            """
        try pki.write("openssl/ca.cnf", Array(configuration.utf8))
    }

    /// What a list is to have.
    enum Shape: String {
        case numbered
        case partial
        /// Neither a number nor any other extension.
        case bare
    }

    /// - Parameters:
    ///   - number: in hexadecimal.
    ///   - dates: begin and end of a list, as openssl(1) writes them.
    func list(
        _ shape: Shape = .numbered,
        number: String = "05",
        revoking certificate: String? = nil,
        dates: (String, String) = ("20250101000000Z", "20250201000000Z")
    ) async throws -> String {
        try pki.write("openssl/number", Array("\(number)\n".utf8))
        let common = [
            "-config", "\(folder)/ca.cnf", "-cert", pki.path("ca.pem"), "-keyfile", "\(folder)/ca.key",
        ]
        let section = ["-name", shape == .bare ? "bare" : "own"]
        if let certificate {
            let revoking = try await Tool.run("openssl", ["ca", "-revoke", certificate] + section + common)
            try #require(revoking.succeeded, "\(revoking.errors)")
        }
        let extensions = shape == .bare ? [] : ["-crlexts", shape.rawValue]
        let span = ["-crl_lastupdate", dates.0, "-crl_nextupdate", dates.1]
        let out = ["-gencrl", "-out", "\(folder)/ca.crl"]
        let writing = try await Tool.run("openssl", ["ca"] + out + section + extensions + span + common)
        try #require(writing.succeeded, "\(writing.errors)")
        return try pki.write("ca.crl", CredentialFile(reading: "\(folder)/ca.crl").bytes)
    }
}
