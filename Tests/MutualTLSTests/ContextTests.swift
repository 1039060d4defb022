import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("Contexts and their files", .timeLimit(.minutes(10)))
struct ContextTests {
    private let pki: TestPKI

    init() throws { pki = try TestPKI() }

    private func refusal(of files: TLSFiles) -> TLSError? {
        do throws(TLSError) {
            _ = try TLSContext(files: files, trustDomain: pki.domain)
            return nil
        } catch {
            return error
        }
    }

    @Test("a key that its group or others may read is refused", arguments: [0o640, 0o604, 0o660, 0o601])
    func exposedKey(mode: mode_t) throws {
        let files = try pki.issue("agent/s1").files
        try #require(chmod(files.key, mode) == 0)
        #expect(refusal(of: files) == .keyExposed(path: files.key, mode: UInt32(mode)))
        let sentence = TLSError.keyExposed(path: "/k", mode: 0o640).description
        #expect(sentence == "the key /k is open to its group or to others (mode 640): chmod 600 it")
    }

    @Test("files that are absent, mixed up or broken are named")
    func brokenFiles() async throws {
        let one = try pki.issue("agent/s1").files
        let two = try pki.issue("agent/s2").files
        let mixed = TLSFiles(certificate: one.certificate, key: two.key, authority: one.authority)
        #expect(refusal(of: mixed) == .keyDoesNotFit(key: two.key, certificate: one.certificate))

        let missing = TLSFiles(certificate: pki.path("none.pem"), key: one.key, authority: one.authority)
        #expect(
            refusal(of: missing)?.description
                == "cannot read \(pki.path("none.pem")): No such file or directory"
        )

        let empty = try pki.write("empty.pem", [])
        let hollow = TLSFiles(certificate: one.certificate, key: one.key, authority: empty)
        #expect(refusal(of: hollow) == .malformed(path: empty, detail: "it is empty"))

        let leafAsAuthority = TLSFiles(
            certificate: one.certificate,
            key: one.key,
            authority: one.certificate
        )
        #expect(refusal(of: leafAsAuthority) == .notAnAuthority(path: one.certificate))

        let cut = try pki.write("cut.pem", Array(CredentialFile(reading: one.certificate).bytes.dropLast(40)))
        let torn = TLSFiles(certificate: cut, key: one.key, authority: one.authority)
        #expect(refusal(of: torn)?.description.hasPrefix("\(cut) cannot be used: ") == true)

        let foreign = try TestPKI(trustDomain: "elsewhere")
        let list = try foreign.revoke([])
        #expect(
            refusal(of: one.checking(revoked: list))?.description.contains("by none that is in") == true,
            "a list of another authority covers nobody"
        )
        let impostor = try TestPKI()
        let forged = try impostor.revoke([])
        #expect(
            refusal(of: one.checking(revoked: forged))?.description.contains("not signed by the authority")
                == true
        )
    }

    @Test("a key of another curve and a key under a passphrase are refused")
    func unsuitableKeys() async throws {
        let one = try pki.issue("agent/s1").files
        let locked = pki.path("locked.key")
        try await Tool.openssl("ec", "-in", one.key, "-out", locked, "-aes128", "-passout", "pass:x")
        try #require(chmod(locked, 0o600) == 0)
        let closed = TLSFiles(certificate: one.certificate, key: locked, authority: one.authority)
        #expect(refusal(of: closed)?.description.contains("no unencrypted private key") == true)

        let key = pki.path("p384.key")
        let certificate = pki.path("p384.pem")
        try await Tool.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-384",
            "-nodes",
            "-keyout",
            key,
            "-out",
            certificate,
            "-subj",
            "/CN=x",
            "-addext",
            "subjectAltName=URI:spiffe://mitosis/agent/s1"
        )
        let wide = TLSFiles(certificate: certificate, key: key, authority: one.authority)
        #expect(refusal(of: wide) == .notP256(path: certificate))
    }

    @Test("a certificate replaced on disk is presented to the next connection; a bad one is reported once")
    func reload() async throws {
        let first = try pki.issue("agent/s1", named: "agent")
        let coordinator = try pki.client(pki.issue("coordinator/ops").files)
        let reports = Reports()
        let reloading = try pki.reloading(first.files, report: { reports.add($0) })
        try await TestServer.run(.reloading(reloading)) { running in
            #expect(try await running.connect(coordinator).peer?.serial == first.facts.serial)
            #expect(reports.texts == [])

            let second = try pki.issue("agent/s1", named: "agent")
            #expect(try await running.connect(coordinator).peer?.serial == second.facts.serial)
            #expect(reports.texts == ["loaded \(second.facts.serial)"])

            try pki.write("agent.pem", Array("garbage".utf8))
            #expect(try await running.connect(coordinator).peer?.serial == second.facts.serial)
            #expect(try await running.connect(coordinator).peer?.serial == second.facts.serial)
            #expect(reports.texts.count == 2)
            #expect(reports.texts.last?.hasPrefix("\(first.files.certificate) cannot be used: ") == true)

            try #require(unlink(first.files.certificate) == 0)
            #expect(try await running.connect(coordinator).peer?.serial == second.facts.serial)
            #expect(reports.texts.last?.hasSuffix("No such file or directory") == true)

            let third = try pki.issue("agent/s1", named: "agent")
            #expect(try await running.connect(coordinator).peer?.serial == third.facts.serial)
        }
    }

    @Test("a revocation takes effect at the next connection")
    func reloadRevocations() async throws {
        let agent = try pki.issue("agent/s1").files
        let (files, facts) = try pki.issue("coordinator/ops")
        let coordinator = try pki.client(files)
        let list = try pki.revoke([])
        let reloading = try pki.reloading(agent.checking(revoked: list))
        try await TestServer.run(.reloading(reloading)) { running in
            #expect(try await running.connect(coordinator).text == "ping")
            _ = try pki.revoke([facts.serial])
            let refused = try await running.connect(coordinator)
            #expect(refused.error?.hasPrefix("the peer refused this side: certificate revoked") == true)
        }
    }
}

final class Reports: Sendable {
    private let lines = Mutex<[String]>([])

    var texts: [String] { lines.withLock { $0 } }

    func add(_ event: CredentialEvent) {
        switch event {
        case .certificateReplaced(let facts): lines.withLock { $0.append("loaded \(facts.serial)") }
        case .refused(let failure): lines.withLock { $0.append("\(failure.error)") }
        case .trustReplaced(let lists): lines.withLock { $0.append("lists \(lists.map(\.number))") }
        case .listOverdue: lines.withLock { $0.append("overdue") }
        }
    }
}
