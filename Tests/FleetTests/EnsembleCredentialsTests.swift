import FoundationEssentials
import Glibc
import SystemCalls
import TestSupport
import Testing
import ZooKeeperClient

@testable import Fleet

@Suite("credentials for ZooKeeper")
struct EnsembleCredentialsTests {
    @Test("a file of its owner's alone is read, one identity a line")
    func read() throws {
        let folder = try TemporaryFolder()
        let path = try secret("kafka:hush\nadmin:with:colons\r\n\n", 0o600, in: folder)
        let found = try EnsembleCredentials.digests(in: path, believing: .operator)
        #expect(found.map(\.scheme) == ["digest", "digest"])
        #expect(found[1] == .digest(user: "admin", password: "with:colons"))
        withExtendedLifetime(folder) {}
    }

    @Test(
        "a file that others can read, another's, and one in another form are refused without a word of what is in it"
    )
    func refused() throws {
        let folder = try TemporaryFolder()
        for (text, mode) in [
            ("kafka:hush", mode_t(0o640)), ("kafka:hush", 0o604), ("kafka:hush", 0o602), ("hush", 0o600),
            ("kafka:x\n:hush\n", 0o600), ("", 0o600),
        ] {
            let path = try secret(text, mode, in: folder)
            do {
                _ = try EnsembleCredentials.digests(in: path, believing: .operator)
                Issue.record("\(text) with mode \(mode) was taken")
            } catch {
                #expect("\(error)".contains(path))
                #expect(!"\(error)".contains("hush") && !String(reflecting: error).contains("hush"))
            }
        }
        #expect(throws: CredentialFileError.self) {
            try EnsembleCredentials.digests(in: folder.path + "/none", believing: .operator)
        }
        #expect(throws: CredentialFileError.self) {
            try EnsembleCredentials.digests(in: folder.path, believing: .operator)
        }
    }

    private func secret(_ text: String, _ mode: mode_t, in folder: TemporaryFolder) throws -> String {
        let path = try folder.write(text, to: "secret")
        #expect(chmod(path, mode) == 0)
        return path
    }
}
