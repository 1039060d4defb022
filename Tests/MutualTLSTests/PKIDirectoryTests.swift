import FoundationEssentials
import Glibc
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("The authority's directory", .timeLimit(.minutes(10)))
struct PKIDirectoryTests {
    private let scratch: TestPKI
    private let directory: PKIDirectory
    private let domain: TrustDomain

    init() throws {
        scratch = try TestPKI()
        directory = PKIDirectory(path: scratch.path("pki"))
        domain = scratch.domain
    }

    private func mode(_ path: String) throws -> mode_t {
        var status = stat()
        try #require(lstat(path, &status) == 0, "\(path)")
        return status.st_mode & 0o7777
    }

    private func content(_ path: String) throws -> [UInt8] { try CredentialFile(reading: path).bytes }

    private func files(of text: String) throws -> TLSFiles {
        let identity = try scratch.identity(text)
        return TLSFiles(
            certificate: directory.certificatePath(of: identity),
            key: directory.keyPath(of: identity),
            authority: directory.authorityPath,
            revoked: directory.revocationListPath
        )
    }

    @Test("keys are 0600 and directories 0700 whatever the umask")
    func modes() throws {
        let before = umask(0)
        defer { umask(before) }
        _ = try directory.create(trustDomain: domain, now: Date())
        let issued = try directory.issue(scratch.identity("agent/s1"), now: Date())
        #expect(try mode(directory.authorityKeyPath) == 0o600)
        #expect(try mode(issued.key) == 0o600)
        #expect(try mode(directory.path) == 0o700)
        #expect(try mode(directory.path + "/agents") == 0o700)
        #expect(try mode(directory.authorityPath) == 0o644)
    }

    @Test("certificates of many hosts are issued and listed in one go, or none when one of them is there")
    func many() throws {
        _ = try directory.create(trustDomain: domain, now: Date())
        let names = try (1...30).map { try scratch.identity("agent/s\($0)") }
        let issued = try directory.issue(names, now: Date())
        #expect(issued.map(\.certificate) == names.map(directory.certificatePath))
        #expect(Set(issued.map(\.facts.serial)).count == 30)
        #expect(try directory.list().map(\.identity) == names)
        #expect(try mode(directory.keyPath(of: names[29])) == 0o600)
        let more = [try scratch.identity("agent/s31"), names[4]]
        #expect(throws: PKIError.exists(path: directory.keyPath(of: names[4]))) {
            try directory.issue(more, now: Date())
        }
        #expect(try directory.list().count == 30)
        #expect(access(directory.keyPath(of: more[0]), F_OK) != 0)
    }

    @Test("a lifetime that is asked for is the certificate's, and a context tells when everything ends")
    func lifetime() throws {
        let now = Date()
        _ = try directory.create(trustDomain: domain, now: now)
        let short = try directory.issue(scratch.identity("agent/s1"), days: 1, now: now)
        let usual = try directory.issue(scratch.identity("agent/s2"), now: now)
        let day = 86_400.0
        // Certificates count in whole seconds.
        #expect(abs(short.facts.notAfter.timeIntervalSince(now) - day) < 2)
        #expect(abs(usual.facts.notAfter.timeIntervalSince(now) - 730 * day) < 2)
        let context = try TLSContext(files: files(of: "agent/s1"), trustDomain: domain)
        #expect(context.certificate.notAfter == short.facts.notAfter)
        let authority = try #require(context.authorityEnds)
        #expect(abs(authority.timeIntervalSince(now) - 3650 * day) < 2)
        #expect(context.revocationListEnds == authority)
    }

    @Test("a second init changes nothing, and says so")
    func secondInit() throws {
        _ = try directory.create(trustDomain: domain, now: Date())
        let before = try content(directory.authorityKeyPath) + content(directory.authorityPath)
        #expect(throws: PKIError.alreadyInitialised(directory: directory.path)) {
            try directory.create(trustDomain: domain, now: Date())
        }
        #expect(try content(directory.authorityKeyPath) + content(directory.authorityPath) == before)
    }

    @Test("a certificate is not issued over existing files, dangling links included")
    func nothingOverwritten() throws {
        _ = try directory.create(trustDomain: domain, now: Date())
        let agent = try scratch.identity("agent/s1")
        let issued = try directory.issue(agent, now: Date())
        let before = try content(issued.key) + content(issued.certificate)
        #expect(throws: PKIError.exists(path: issued.key)) { try directory.issue(agent, now: Date()) }
        #expect(try content(issued.key) + content(issued.certificate) == before)
        #expect(try directory.list().count == 1)

        let other = try scratch.identity("agent/s2")
        try #require(symlink("/nowhere/at/all", directory.keyPath(of: other)) == 0)
        #expect(throws: PKIError.exists(path: directory.keyPath(of: other))) {
            try directory.issue(other, now: Date())
        }
    }

    @Test("without init every other command names the remedy")
    func notInitialised() throws {
        let error = PKIError.notInitialised(directory: directory.path)
        #expect(throws: error) { try directory.list() }
        #expect(throws: error) { try directory.issue(scratch.identity("agent/s1"), now: Date()) }
        #expect(throws: error) { try directory.revoke("s1", now: Date()) }
        #expect(error.description.contains("run `mitosis pki init --directory \(directory.path)` first"))
    }

    @Test("what is issued works, and stops working once revoked")
    func revoke() async throws {
        _ = try directory.create(trustDomain: domain, now: Date())
        for text in ["agent/s1", "coordinator/ops", "viewer/ops"] {
            _ = try directory.issue(scratch.identity(text), now: Date())
        }
        let before = try await TestServer.meet(
            scratch.server(files(of: "agent/s1")),
            scratch.client(files(of: "coordinator/ops"))
        )
        #expect(before.client.text == "ping")

        let list = try Data(contentsOf: URL(filePath: directory.revocationListPath))
        #expect(throws: PKIError.ambiguous(text: "ops", candidates: ["coordinator/ops", "viewer/ops"])) {
            try directory.revoke("ops", now: Date())
        }
        #expect(throws: PKIError.nothingNamed(text: "nobody")) { try directory.revoke("nobody", now: Date()) }
        #expect(try Data(contentsOf: URL(filePath: directory.revocationListPath)) == list)
        let revoked = try directory.revoke("coordinator/ops", now: Date())
        #expect(revoked.map(\.identity.description) == ["coordinator/ops"])
        let after = try await TestServer.meet(
            scratch.server(files(of: "agent/s1")),
            scratch.client(files(of: "coordinator/ops"))
        )
        #expect(after.server.error?.hasSuffix("is revoked") == true)
        #expect(throws: PKIError.alreadyRevoked(text: "coordinator/ops")) {
            try directory.revoke("coordinator/ops", now: Date())
        }

        let listed = try directory.list()
        #expect(listed.map { $0.revoked != nil } == [false, true, false])
        let viewer = try #require(listed.last)
        #expect(try directory.revoke(viewer.serial, now: Date()).map(\.serial) == [viewer.serial])
    }

    @Test("certificates issued at the same time are all in the index")
    func concurrent() async throws {
        _ = try directory.create(trustDomain: domain, now: Date())
        let directory = directory
        try await withThrowingTaskGroup { group in
            for number in 1...24 {
                let identity = try scratch.identity("agent/s\(number)")
                group.addTask { _ = try directory.issue(identity, now: Date()) }
            }
            try await group.waitForAll()
        }
        let listed = try directory.list()
        #expect(Set(listed.map(\.identity.name.description)) == Set((1...24).map { "s\($0)" }))
        #expect(Set(listed.map(\.serial)).count == 24)
    }

    @Test("of two that issue the same name at the same time one is refused")
    func race() async throws {
        _ = try directory.create(trustDomain: domain, now: Date())
        let directory = directory
        let identity = try scratch.identity("agent/s1")
        let issued = await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { outcome(of: identity, in: directory) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let key = directory.keyPath(of: identity)
        #expect(issued.filter { $0 == nil }.count == 1)
        #expect(issued.filter { $0 == .exists(path: key) }.count == 7)
        #expect(try directory.list().count == 1)
    }

    @Test("a damaged index stops everything and is named by line")
    func damagedIndex() throws {
        _ = try directory.create(trustDomain: domain, now: Date())
        _ = try directory.issue(scratch.identity("agent/s1"), now: Date())
        let good = try content(directory.indexPath)
        for bad in [good + Array("torn".utf8), good + Array("zz\tagent\ts1\tnever\t-\n".utf8)] {
            try NewFile.replace(directory.indexPath, bad, mode: 0o600)
            let error = PKIError.damagedIndex(path: directory.indexPath, line: 2)
            #expect(throws: error) { try directory.list() }
            #expect(throws: error) { try directory.issue(scratch.identity("agent/s2"), now: Date()) }
            #expect(try content(directory.indexPath) == bad)
        }
    }
}

/// Nil when it was issued.
private func outcome(of identity: PeerIdentity, in directory: PKIDirectory) -> PKIError? {
    do throws(PKIError) {
        _ = try directory.issue(identity, now: Date())
        return nil
    } catch {
        return error
    }
}
