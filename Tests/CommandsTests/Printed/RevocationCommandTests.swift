import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import MutualTLS
import TestSupport
import Testing

@testable import Commands

@Suite("Revocation lists, from the command line")
struct RevocationCommandTests {
    private let folder: TemporaryFolder
    private var pki: String { folder.path + "/pki" }

    init() throws { folder = try TemporaryFolder() }

    private func pki(_ words: String...) async throws {
        var command = try MitosisCommand.parseAsRoot(["pki"] + words + ["--directory", pki])
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    private var numbers: [String] {
        get throws {
            let list = try CredentialFile(reading: pki + "/ca.crl")
            return try PEM.revocationLists(in: list).compactMap { $0.number?.description }
        }
    }

    @Test("init writes list number 1, and every revocation and every rewriting raises it")
    func rises() async throws {
        try await pki("init")
        #expect(try numbers == ["1"])
        try await pki("issue", "coordinator", "ops")
        try await pki("issue", "viewer", "grafana")
        #expect(try numbers == ["1"])
        try await pki("revoke", "coordinator/ops")
        #expect(try numbers == ["2"])
        await #expect(throws: PKIError.alreadyRevoked(text: "coordinator/ops")) {
            try await pki("revoke", "coordinator/ops")
        }
        #expect(try numbers == ["3"])
        try await pki("revoke", "viewer/grafana")
        try await pki("relist")
        #expect(try numbers == ["5"])
        try await pki("relist", "--above", "41")
        #expect(try numbers == ["42"])
        try await pki("relist", "--above", "7")
        #expect(try numbers == ["43"])
        await #expect(throws: (any Error).self) { try await pki("relist", "--above", "x") }
        #expect(try numbers == ["43"])
    }

    @Test("a list that was lost is written again, with everything that was revoked")
    func lost() async throws {
        try await pki("init")
        for name in ["a", "b"] {
            try await pki("issue", "viewer", name)
            try await pki("revoke", name)
        }
        #expect(try numbers == ["3"])
        try FileManager.default.removeItem(atPath: pki + "/ca.crl")
        try await pki("relist")
        #expect(try numbers == ["3"])
    }
}
