import COpenSSL
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

/// One thing wrong with the files of the agent s1, in place of good ones.
struct CredentialFault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let part: CredentialPart
    let said: String
    let make: @Sendable (TestPKI) async throws -> Void

    init(
        _ name: String,
        _ part: CredentialPart,
        saying said: String,
        make: @escaping @Sendable (TestPKI) async throws -> Void
    ) {
        testDescription = name
        self.part = part
        self.said = said
        self.make = make
    }

    static let own = [
        CredentialFault("another host's", .certificate, saying: "it is not the certificate of") {
            _ = try $0.issue("agent/s2", named: "agent")
        },
        CredentialFault("a coordinator's", .certificate, saying: "it is not the certificate of") {
            _ = try $0.issue("coordinator/s1", named: "agent")
        },
        CredentialFault("an expired one", .certificate, saying: "is not valid any more: it ended at") {
            _ = try $0.issue("agent/s1", named: "agent", now: longAgo)
        },
        CredentialFault("one from the future", .certificate, saying: "is not valid yet: it begins at") {
            _ = try $0.issue("agent/s1", named: "agent", now: Date(timeIntervalSinceNow: 86_400))
        },
        CredentialFault("one for clients", .certificate, saying: "not meant for servers") {
            let odd = try $0.issue(uris: ["spiffe://mitosis/agent/s1"], profile: .coordinator)
            try $0.write("agent.pem", CredentialFile(reading: odd.certificate).bytes)
            try $0.write("agent.key", CredentialFile(reading: odd.key).bytes)
        },
        CredentialFault("one of another trust domain", .certificate, saying: "it is not the certificate of") {
            let odd = try $0.issue(uris: ["spiffe://elsewhere/agent/s1"], profile: .agent)
            try $0.write("agent.pem", CredentialFile(reading: odd.certificate).bytes)
            try $0.write("agent.key", CredentialFile(reading: odd.key).bytes)
        },
        CredentialFault("another's key", .certificate, saying: "does not belong to the certificate") {
            let other = try $0.issue("agent/s1")
            try $0.write("agent.key", CredentialFile(reading: other.files.key).bytes)
        },
        CredentialFault("an open key", .certificate, saying: "open to its group or to others (mode 644)") {
            try #require(chmod($0.path("agent.key"), 0o644) == 0)
        },
        CredentialFault("a writable certificate", .certificate, saying: "can be written by others (mode 666)")
        {
            try #require(chmod($0.path("agent.pem"), 0o666) == 0)
        },
        CredentialFault("a key of another user", .certificate, saying: "belongs to user 1234") {
            try #require(chown($0.path("agent.key"), 1234, 0) == 0)
        },
        CredentialFault("no key", .certificate, saying: "No such file or directory") {
            try #require(unlink($0.path("agent.key")) == 0)
        },
        CredentialFault("one signed with SHA-1", .certificate, saying: "ca md too weak") {
            let fresh = try $0.issue("agent/s1", named: "agent").files.certificate
            let leaf = try #require(try PEM.certificates(in: CredentialFile(reading: fresh)).first)
            let signer = try PEM.privateKey(
                in: CredentialFile(reading: $0.write("signer.key", $0.authority.encodedKey()))
            )
            try #require(X509_sign(leaf.pointer, signer.pointer, EVP_sha1()) > 0)
            try $0.write(
                "agent.pem",
                CertificateAuthority.encode("a certificate") { PEM_write_bio_X509($0, leaf.pointer) }
            )
        },
        CredentialFault("one above it with a weak key", .certificate, saying: "ca key too small") {
            let weak = $0.path("weak.pem")
            try await Tool.openssl(
                "req",
                "-x509",
                "-newkey",
                "rsa:1024",
                "-nodes",
                "-subj",
                "/CN=weak",
                "-days",
                "30",
                "-keyout",
                $0.path("weak.key"),
                "-out",
                weak
            )
            let fresh = try $0.issue("agent/s1", named: "agent").files.certificate
            let chain = try CredentialFile(reading: fresh).bytes + CredentialFile(reading: weak).bytes
            try $0.write("agent.pem", chain)
        },
    ]

    static let trust = [
        CredentialFault("a writable authority", .trust, saying: "can be written by others (mode 664)") {
            try #require(chmod($0.path("ca.pem"), 0o664) == 0)
        },
        CredentialFault("an authority of another user", .trust, saying: "belongs to user 1234") {
            try #require(chown($0.path("ca.pem"), 1234, 0) == 0)
        },
        CredentialFault("a list of another user", .trust, saying: "belongs to user 1234") {
            try #require(chown($0.path("ca.crl"), 1234, 0) == 0)
        },
        CredentialFault("a writable list", .trust, saying: "can be written by others (mode 602)") {
            try #require(chmod($0.path("ca.crl"), 0o602) == 0)
        },
        CredentialFault("another trust domain's authority", .trust, saying: "the trust domain elsewhere") {
            let foreign = try TestPKI(trustDomain: "elsewhere")
            defer { withExtendedLifetime(foreign) {} }
            try $0.write("ca.pem", foreign.authority.encodedCertificate())
            try $0.write("ca.crl", CredentialFile(reading: foreign.revoke([])).bytes)
        },
        CredentialFault("an expired authority", .trust, saying: "is not valid any more: it ended at") {
            let old = try CertificateAuthority(creating: $0.domain, now: longAgo)
            try $0.write("ca.pem", old.encodedCertificate())
            try $0.write("ca.crl", old.revocationList(of: [], number: RevocationNumber(9), now: longAgo))
        },
        CredentialFault("a leaf as authority", .trust, saying: "is not an authority's") {
            try $0.write("ca.pem", CredentialFile(reading: $0.path("agent.pem")).bytes)
        },
        CredentialFault("another authority's list", .trust, saying: "not signed by the authority") {
            let impostor = try TestPKI()
            defer { withExtendedLifetime(impostor) {} }
            try $0.write("ca.crl", CredentialFile(reading: impostor.revoke([], number: 99)).bytes)
        },
        CredentialFault("a list without a number", .trust, saying: "has no number") {
            _ = try await OpenSSLAuthority($0).list(.bare)
        },
        CredentialFault("an older list", .trust, saying: "it holds list number 4, older than number 5") {
            _ = try $0.revoke([], number: 4)
        },
        CredentialFault("a torn list", .trust, saying: "ca.crl cannot be used") {
            try $0.write("ca.crl", Array(CredentialFile(reading: $0.path("ca.crl")).bytes.dropLast(60)))
        },
        CredentialFault("no list", .trust, saying: "No such file or directory") {
            try #require(unlink($0.path("ca.crl")) == 0)
        },
    ]
}

@Suite("One check of certificate files, at the start and later", .timeLimit(.minutes(10)))
struct CredentialRulesTests {
    private let pki: TestPKI
    private let files: TLSFiles
    private let coordinator: (files: TLSFiles, facts: CertificateFacts)

    init() throws {
        pki = try TestPKI()
        coordinator = try pki.issue("coordinator/ops")
        files = try pki.issue("agent/s1", named: "agent").files
            .checking(revoked: pki.revoke([], number: 5))
    }

    private var client: TestClient { get throws { try pki.client(coordinator.files) } }

    @Test(
        "what the start refuses a reload refuses: the old stays in force, and the failure is told with its remedy",
        .enabled(if: geteuid() == 0, "other users' files need root"),
        arguments: CredentialFault.own + CredentialFault.trust
    )
    func sameAtBoth(_ fault: CredentialFault) async throws {
        let reports = Reports()
        let place = SeenRevocationLists.Place(path: pki.path("seen"))
        let reloading = try pki.reloading(
            files,
            seen: SeenRevocationLists(place),
            report: { reports.add($0) }
        )
        let (caller, serial) = (try client, reloading.latest.certificate.serial)
        try await fault.make(pki)
        try await TestServer.run(.reloading(reloading)) { running in
            for _ in 0..<2 {
                let met = try await running.connect(caller)
                #expect(met.peer?.serial == serial)
            }
        }
        #expect(reloading.failures.map(\.part) == [fault.part])
        #expect(
            reports.texts.count == 1 && reports.texts.first?.contains(fault.said) == true,
            "\(reports.texts)"
        )

        let error = #expect(throws: TLSError.self) {
            try pki.reloading(files, seen: SeenRevocationLists(place))
        }
        #expect(error?.description.contains(fault.said) == true, "\(String(describing: error))")
    }

    @Test(
        "a revocation takes effect whatever is wrong with this side's own certificate and key",
        .enabled(if: geteuid() == 0, "other users' files need root"),
        arguments: CredentialFault.own
    )
    func listBesideBadPair(_ fault: CredentialFault) async throws {
        let reloading = try pki.reloading(files)
        let (caller, serial) = (try client, reloading.latest.certificate.serial)
        try await fault.make(pki)
        try await TestServer.run(.reloading(reloading)) { running in
            #expect(try await running.connect(caller).peer?.serial == serial)
            _ = try pki.revoke([coordinator.facts.serial], number: 6)
            let refused = try await running.connect(caller)
            #expect(refused.error?.hasPrefix("the peer refused this side: certificate revoked") == true)
        }
        #expect(reloading.failures.map(\.part) == [.certificate])
        #expect(reloading.latest.certificate.serial == serial)
    }

    @Test(
        "a revocation takes effect that comes together with a certificate or key that cannot be used",
        .enabled(if: geteuid() == 0, "other users' files need root"),
        arguments: CredentialFault.own
    )
    func listTogetherWithBadPair(_ fault: CredentialFault) async throws {
        let reloading = try pki.reloading(files)
        let (caller, serial) = (try client, reloading.latest.certificate.serial)
        try await fault.make(pki)
        _ = try pki.revoke([coordinator.facts.serial], number: 6)
        try await TestServer.run(.reloading(reloading)) { running in
            let refused = try await running.connect(caller)
            #expect(refused.error?.hasPrefix("the peer refused this side: certificate revoked") == true)
        }
        #expect(reloading.failures.map(\.part) == [.certificate])
        #expect(reloading.latest.certificate.serial == serial)
    }

    @Test(
        "a new certificate is used whatever is wrong with the authority's file, and the old authority stays"
    )
    func pairBesideBadTrust() async throws {
        let reloading = try pki.reloading(files)
        let caller = try client
        try pki.write("ca.pem", Array("garbage".utf8))
        let renewed = try pki.issue("agent/s1", named: "agent")
        try await TestServer.run(.reloading(reloading)) { running in
            let met = try await running.connect(caller)
            #expect(met.peer?.serial == renewed.facts.serial)
        }
        #expect(reloading.failures.map(\.part) == [.trust])
    }

    @Test(
        "what was wrong with a folder, or with the clock, is found mended without another change of the files"
    )
    func mendsItself() async throws {
        let clock = Mutex(Date())
        let reloading = try pki.reloading(files, now: { clock.withLock { $0 } })
        let early = try pki.issue("agent/s1", named: "agent", now: Date(timeIntervalSinceNow: 7200))
        _ = await reloading.current()
        #expect(reloading.failures.map(\.part) == [.certificate])
        clock.withLock { $0 += 5 }
        _ = await reloading.current()
        #expect(reloading.failures.map(\.part) == [.certificate])
        clock.withLock { $0 += 3600 }
        #expect(await reloading.current().certificate.serial == early.facts.serial)
        #expect(reloading.failures == [])

        try #require(chmod(pki.directory, 0o777) == 0)
        _ = try pki.revoke([], number: 6)
        _ = await reloading.current()
        #expect(reloading.failures.first?.error.description.contains("can be written by others") == true)
        try #require(chmod(pki.directory, 0o700) == 0)
        clock.withLock { $0 += 11 }
        #expect(await reloading.current().revocationLists.map(\.number.description) == ["6"])
        #expect(reloading.failures == [])
    }

    @Test("a certificate that expires while it is in force stays: whoever calls judges it")
    func endsInForce() async throws {
        let clock = Mutex(Date())
        let reloading = try pki.reloading(files, now: { clock.withLock { $0 } })
        clock.withLock { $0 += 800 * 86_400 }
        let context = await reloading.current()
        #expect(context.certificate.notAfter < clock.withLock { $0 } && reloading.failures == [])
    }
}
