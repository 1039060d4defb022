import ArgumentParser
import CertificateAuthority
import FoundationEssentials
import MutualTLS
import TestSupport
import Testing

@testable import Commands

@Suite("mitosis pki issue agent")
struct IssueAgentTests {
    private let folder: TemporaryFolder
    private let pki: PKIDirectory

    init() throws {
        folder = try TemporaryFolder()
        pki = PKIDirectory(path: folder.path + "/pki")
        _ = try pki.create(trustDomain: try #require(TrustDomain("mitosis")), now: Date())
    }

    private func command(_ arguments: String...) throws -> PKI.IssueAgent {
        let words = ["pki", "issue", "agent"] + arguments + ["--directory", pki.path]
        return try #require(try MitosisCommand.parseAsRoot(words) as? PKI.IssueAgent)
    }

    @Test("names and ranges stand for one certificate each, also when a host is named twice")
    func ranges() async throws {
        try await command("zk[08-10]", "k1", "zk09").run()
        #expect(try pki.list().map(\.identity.name.description) == ["zk08", "zk09", "zk10", "k1"])
    }

    @Test("what is no name or no range is refused by itself, and nothing is issued")
    func refused() async throws {
        await #expect(throws: PKIError.badName(text: "z k")) { try await command("s1", "z k").run() }
        for range in ["zk[3-1]", "zk[", "zk[]"] {
            #expect(throws: (any Error).self) { _ = try command("s1", range) }
        }
        #expect(throws: (any Error).self) { _ = try command("s1", "s2", "--san", "192.0.2.1") }
        #expect(try pki.list().isEmpty)
    }

    @Test("one host may have further names")
    func furtherNames() async throws {
        try await command("s1", "--san", "192.0.2.1").run()
        #expect(try pki.list().count == 1)
    }
}
