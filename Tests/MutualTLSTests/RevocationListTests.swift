import COpenSSL
import FoundationEssentials
import Glibc
import SystemCalls
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("Revocation lists and their numbers", .timeLimit(.minutes(10)))
struct RevocationListTests {
    private let pki: TestPKI
    private let agent: TLSFiles
    private let coordinator: (files: TLSFiles, facts: CertificateFacts)

    init() throws {
        pki = try TestPKI()
        agent = try pki.issue("agent/s1").files
        coordinator = try pki.issue("coordinator/ops")
        client = try pki.client(coordinator.files)
    }

    private var listed: TLSFiles { agent.checking(revoked: pki.path("ca.crl")) }
    private let client: TestClient

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("numbers are compared as numbers, up to 20 bytes, and nothing else is one")
    func numbers() throws {
        let order = try ["0", "9", "10", "99", "100", "1461501637330902918203684832716283019655932542975"]
            .map { try #require(RevocationNumber($0)) }
        #expect(order == order.sorted())
        #expect(order.map { $0.next?.description }.prefix(5) == ["1", "10", "11", "100", "101"])
        for text in ["", "-1", "01", "1 ", "0x1", "\u{0661}", String(repeating: "1", count: 50)] {
            #expect(RevocationNumber(text) == nil, "\(text)")
        }
    }

    @Test("an older list is refused with the newer one in force, and a certificate stays revoked")
    func older() async throws {
        let before = try pki.revoke([], number: 1)
        let old = try CredentialFile(reading: before).bytes
        let reports = Reports()
        _ = try pki.revoke([coordinator.facts.serial], number: 2)
        let reloading = try pki.reloading(listed, report: { reports.add($0) })
        try await TestServer.run(.reloading(reloading)) { running in
            for bytes in [old, try CredentialFile(reading: pki.path("ca.crl")).bytes, old] {
                try pki.write("ca.crl", bytes)
                let refused = try await running.connect(client)
                #expect(refused.error?.hasPrefix("the peer refused this side: certificate revoked") == true)
            }
            let said = try #require(reports.texts.first)
            #expect(said.contains("it holds list number 1, older than number 2, which was in force here"))
            #expect(reloading.failures.map(\.part) == [.trust])
        }
    }

    @Test("another list of the same number, and a list that is gone, are refused likewise")
    func sameNumberAndMissing() async throws {
        _ = try pki.revoke([coordinator.facts.serial], number: 7)
        let reloading = try pki.reloading(listed)
        try await TestServer.run(.reloading(reloading)) { running in
            _ = try pki.revoke([], number: 7)
            #expect(try await running.connect(client).error?.contains("certificate revoked") == true)
            #expect(reloading.failures.first?.error.description.contains("another list number 7") == true)
            try #require(unlink(pki.path("ca.crl")) == 0)
            #expect(try await running.connect(client).error?.contains("certificate revoked") == true)
            #expect(reloading.failures.first?.error.description.contains("No such file") == true)
            _ = try pki.revoke([], number: 8)
            #expect(try await running.connect(client).text == "ping")
            #expect(reloading.failures == [])
        }
    }

    @Test("what was in force is known after a restart, and to another program that shares the record")
    func restart() throws {
        let place = SeenRevocationLists.Place(path: pki.path("seen"), lock: pki.path("lock"))
        let other = try SeenRevocationLists(place)
        _ = try pki.revoke([], number: 300)
        _ = try pki.reloading(listed, seen: SeenRevocationLists(place))
        _ = try pki.revoke([], number: 299)
        for seen in [try SeenRevocationLists(place), try SeenRevocationLists(place, isWritten: false)] {
            let said = refusal { _ = try pki.reloading(listed, seen: seen) }
            #expect(said?.contains("list number 299, older than number 300") == true, "\(said ?? "taken")")
        }
        // A program that began before takes what it sees for the newest, and does not take the record back.
        _ = try pki.reloading(listed, seen: other)
        _ = try pki.revoke([], number: 300)
        #expect(
            refusal { _ = try pki.reloading(listed, seen: SeenRevocationLists(place)) }?.contains("300")
                == true
        )
        _ = try pki.revoke([], number: 301)
        #expect(refusal { _ = try pki.reloading(listed, seen: SeenRevocationLists(place)) } == nil)
    }

    @Test(
        "a list that is missing for an authority that had one is refused; an authority made anew begins at 1"
    )
    func authorityMadeAnew() throws {
        let seen = try SeenRevocationLists(.init(path: pki.path("seen")))
        _ = try pki.revoke([], number: 40)
        _ = try pki.reloading(listed, seen: seen)
        let successor = try TestPKI()
        defer { withExtendedLifetime(successor) {} }
        let fresh = try successor.authority.encodedCertificate()
        let freshList = try CredentialFile(reading: successor.revoke([], number: 1)).bytes
        let old = try CredentialFile(reading: pki.path("ca.pem")).bytes
        let oldList = try CredentialFile(reading: pki.path("ca.crl")).bytes
        // Both authorities, and the new one's list alone: the old one's revocations would be forgotten.
        try pki.write("ca.pem", old + fresh)
        try pki.write("ca.crl", freshList)
        let said = refusal { _ = try pki.reloading(listed, seen: seen) }
        #expect(said?.contains("it does not hold the list (number 40 was in force here)") == true)
        try pki.write("ca.crl", oldList + freshList)
        #expect(refusal { _ = try pki.reloading(listed, seen: seen) } == nil)
        // The new one alone, from number 1 on.
        try pki.write("ca.pem", fresh)
        try pki.write("ca.crl", freshList)
        #expect(refusal { _ = try pki.reloading(listed, seen: seen) } == nil)
        // The old one comes back: its numbers are remembered.
        try pki.write("ca.pem", old)
        _ = try pki.revoke([], number: 39)
        #expect(
            refusal { _ = try pki.reloading(listed, seen: seen) }?.contains("older than number 40") == true
        )
    }

    @Test(
        "a record that makes no sense is named with its remedy, and is not taken for none",
        arguments: [
            "", "garbage", "{}", #"{"lists":[{"authority":"x","number":"1","digest":"y"}]}"#,
            #"{"lists":[{"authority":"\#(String(repeating: "a", count: 64))","number":"-1","digest":"\#(String(repeating: "b", count: 64))"}]}"#,
        ]
    )
    func damagedRecord(content: String) throws {
        let path = try pki.write("seen", Array(content.utf8))
        let said = refusal { _ = try SeenRevocationLists(.init(path: path)) }
        #expect(
            said?.hasPrefix("\(path) cannot be used: ") == true
                && said?.contains("move the file away") == true
        )
    }

    @Test("a bit that flips anywhere in the record is damage, and no other number")
    func flippedBit() throws {
        let place = SeenRevocationLists.Place(path: pki.path("seen"))
        _ = try pki.revoke([], number: 300)
        _ = try pki.reloading(listed, seen: SeenRevocationLists(place))
        let whole = try CredentialFile(reading: place.path).bytes
        for index in whole.indices {
            var flipped = whole
            flipped[index] ^= 1 << UInt8(index % 8)
            try pki.write("seen", flipped)
            let said = refusal { _ = try SeenRevocationLists(place) }
            #expect(said?.contains("move the file away") == true, "byte \(index): \(said ?? "taken")")
        }
    }

    @Test("a record without a checksum, as an earlier version wrote it, counts, and gets one at the start")
    func withoutChecksum() throws {
        let place = SeenRevocationLists.Place(path: pki.path("seen"))
        let list = try CredentialFile(reading: pki.revoke([], number: 300)).bytes
        _ = try pki.reloading(listed, seen: SeenRevocationLists(place))
        let sealed = try CredentialFile(reading: place.path).bytes
        guard case .sound(let former) = SealedJSON.open(sealed) else {
            Issue.record("no checksum")
            return
        }
        #expect(former.starts(with: Array(#"{"lists":[{"authority":"#.utf8)))
        try pki.write("seen", former + Array("\n".utf8))
        _ = try pki.revoke([], number: 299)
        #expect(
            refusal { _ = try pki.reloading(listed, seen: SeenRevocationLists(place)) }?
                .contains("list number 299, older than number 300") == true
        )
        try pki.write("ca.crl", list)
        _ = try pki.reloading(listed, seen: SeenRevocationLists(place))
        #expect(try CredentialFile(reading: place.path).bytes == sealed)
    }

    @Test("a record that is a FIFO, a directory or a link is refused at once")
    func oddRecord() throws {
        let (fifo, folder, link) = (pki.path("fifo"), pki.path("folder"), pki.path("link"))
        try #require(mkfifo(fifo, 0o600) == 0 && mkdir(folder, 0o700) == 0)
        try #require(symlink(try pki.write("elsewhere", []), link) == 0)
        for path in [fifo, folder, link] {
            #expect(
                refusal { _ = try SeenRevocationLists(.init(path: path)) }?.contains("cannot be used") == true
            )
        }
    }

    @Test("a number that cannot be kept is told, and the list is in force all the same")
    func unkept() async throws {
        _ = try pki.revoke([], number: 1)
        let place = SeenRevocationLists.Place(path: pki.path("state/seen"))
        let reports = Reports()
        let reloading = try pki.reloading(
            listed,
            seen: SeenRevocationLists(place),
            report: { reports.add($0) }
        )
        #expect(reloading.failures.map(\.part) == [.record])
        #expect(reports.texts.count == 1 && reports.texts[0].hasPrefix("\(place.path) cannot be written"))
        try await TestServer.run(.reloading(reloading)) { running in
            _ = try pki.revoke([coordinator.facts.serial], number: 2)
            #expect(try await running.connect(client).error?.contains("certificate revoked") == true)
            try #require(mkdir(pki.path("state"), 0o700) == 0)
            _ = try pki.revoke([coordinator.facts.serial], number: 3)
            #expect(try await running.connect(client).error?.contains("certificate revoked") == true)
            #expect(reloading.failures == [])
        }
        #expect(
            try String(decoding: CredentialFile(reading: place.path).bytes, as: UTF8.self).contains(#""3""#)
        )
    }

    @Test("lists that could hide something are refused by what is wrong with them")
    func hollow() async throws {
        let openssl = try OpenSSLAuthority(pki)
        for (shape, said) in [
            (OpenSSLAuthority.Shape.bare, "has no number"), (.partial, "does not cover everything"),
        ] {
            _ = try await openssl.list(shape)
            #expect(refusal { _ = try pki.server(listed) }?.contains(said) == true)
        }
        _ = try await openssl.list(number: String(repeating: "7F", count: 21))
        #expect(refusal { _ = try pki.server(listed) }?.contains("has no number") == true)
        // A list whose signature was broken.
        var bytes = try CredentialFile(reading: pki.revoke([], number: 2)).bytes
        let end = try #require(bytes.lastIndex(of: UInt8(ascii: "-"))) - 30
        bytes[end] = bytes[end] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        try pki.write("ca.crl", bytes)
        #expect(refusal { _ = try pki.server(listed) }?.contains("cannot be used") == true)
    }

    @Test("of two lists of one authority in a file the newer one counts, in either order")
    func twoLists() async throws {
        let old = try CredentialFile(reading: pki.revoke([], number: 9)).bytes
        let new = try CredentialFile(reading: pki.revoke([coordinator.facts.serial], number: 10)).bytes
        for bytes in [old + new, new + old] {
            try pki.write("ca.crl", bytes)
            let context = try pki.server(listed)
            #expect(context.revocationLists.map(\.number.description) == ["10"])
            let (_, met) = try await TestServer.meet(context, client)
            #expect(met.error?.contains("certificate revoked") == true)
        }
    }

    @Test("a list that has ended, or has not begun, stays in force: it bars nobody else, and is told loudly")
    func ended() async throws {
        let openssl = try OpenSSLAuthority(pki)
        let revoked = try pki.issue("coordinator/gone").files
        let spans = [("20250101000000Z", "20250201000000Z"), ("20990101000000Z", "20990201000000Z")]
        for (index, span) in spans.enumerated() {
            _ = try await openssl.list(
                number: "0\(index + 1)",
                revoking: index == 0 ? revoked.certificate : nil,
                dates: span
            )
            let reports = Reports()
            let reloading = try pki.reloading(listed, report: { reports.add($0) })
            try await TestServer.run(.reloading(reloading)) { running in
                #expect(try await running.connect(client).text == "ping")
                let refused = try await running.connect(pki.client(revoked))
                #expect(refused.error?.contains("certificate revoked") == true)
            }
            #expect(reports.texts == (index == 0 ? ["overdue"] : []))
            #expect(reloading.failures == [])
        }
    }

    @Test(
        "a certificate of an intermediate authority is refused unless that authority is trusted by itself, with its list"
    )
    func intermediate() async throws {
        let root = try CertificateAuthority(creating: pki.domain, now: Date())
        let profile = CertificateProfile(
            days: 30,
            basicConstraints: "critical,CA:TRUE,pathlen:1",
            keyUsage: "critical,keyCertSign,cRLSign",
            extendedKeyUsage: nil
        )
        // A root that may have authorities below it, and one of them.
        let rootKey = try key(root)
        let template = { (name: String, profile: CertificateProfile) in
            CertificateTemplate(commonName: name, uris: [pki.domain.uri], profile: profile, now: Date())
        }
        let top = try template("top", profile).sign(for: rootKey, by: rootKey, of: nil)
        let middleKey = try key(CertificateAuthority(creating: pki.domain, now: Date()))
        let middle = try template("middle", .authority).sign(for: middleKey, by: rootKey, of: top)
        let middleAuthority = try authority(middle, middleKey, "middle")
        let issued = try middleAuthority.issue(pki.identity("coordinator/ops"), now: Date())
        let files = TLSFiles(
            certificate: try pki.write("chained.pem", issued.certificate + pem(middle)),
            key: try pki.write("chained.key", issued.key),
            authority: pki.path("ca.pem")
        )
        let caller = try pki.client(files)
        func met(_ trusted: [UInt8], _ lists: [UInt8]) async throws -> String? {
            let server = TLSFiles(
                certificate: agent.certificate,
                key: agent.key,
                authority: try pki.write("trusted.pem", trusted),
                revoked: try pki.write("lists.crl", lists)
            )
            return try await TestServer.meet(pki.server(server), caller).server.error
        }
        let rootList = try authority(top, rootKey, "top")
            .revocationList(of: [], number: RevocationNumber(1), now: Date())
        let middleList =
            try middleAuthority
            .revocationList(of: [], number: RevocationNumber(1), now: Date())
        // The root alone, whose list says nothing of what the authority below has revoked.
        #expect(try await met(pem(top), rootList)?.contains("no valid revocation list covers") == true)
        // The authority below is trusted by itself, with its own list.
        #expect(try await met(pem(middle), middleList) == nil)
        let gone = try middleAuthority.revocationList(
            of: [.init(serial: issued.facts.serial, at: Date())],
            number: RevocationNumber(2),
            now: Date()
        )
        #expect(try await met(pem(middle), gone)?.hasSuffix("is revoked") == true)
    }

    private func key(_ authority: CertificateAuthority) throws -> PrivateKey {
        try PEM.privateKey(in: CredentialFile(reading: pki.write("some.key", authority.encodedKey())))
    }

    private func pem(_ certificate: Certificate) throws -> [UInt8] {
        try CertificateAuthority.encode("a certificate") { PEM_write_bio_X509($0, certificate.pointer) }
    }

    private func authority(_ certificate: Certificate, _ key: PrivateKey, _ name: String) throws
        -> CertificateAuthority
    {
        let written = try CertificateAuthority.encode("a key") {
            PEM_write_bio_PrivateKey($0, key.pointer, nil, nil, 0, nil, nil)
        }
        return try CertificateAuthority(
            certificatePath: pki.write("\(name).pem", pem(certificate)),
            keyPath: pki.write("\(name).key", written)
        )
    }
}
