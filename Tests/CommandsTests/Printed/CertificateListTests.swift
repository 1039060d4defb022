import FoundationEssentials
import MutualTLS
import Testing

@testable import CertificateAuthority
@testable import Commands

@Suite("What pki list prints")
struct CertificateListTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private static func certificate(
        _ kind: PeerIdentity.Kind,
        _ name: String,
        _ serial: String,
        days: Double,
        isRevoked: Bool = false
    ) throws -> IssuedCertificate {
        IssuedCertificate(
            serial: serial,
            identity: PeerIdentity(kind, try #require(PeerName(name))),
            expires: now.addingTimeInterval(days * 86_400),
            revoked: isRevoked ? now : nil
        )
    }

    @Test("columns are as wide as their widest cell, the header's words among them; the state comes last")
    func list() throws {
        let issued = [
            try Self.certificate(.coordinator, "night-shift.example", "0A1B", days: 30),
            try Self.certificate(.agent, "s1", "00112233445566778899", days: 0),
            try Self.certificate(.viewer, "tv", "7", days: 1, isRevoked: true),
        ]
        #expect(
            PKI.List.text(issued, now: Self.now) == """
                NAME                 KIND         SERIAL                EXPIRES               STATE
                night-shift.example  coordinator  0A1B                  2027-02-14T08:00:00Z  valid
                s1                   agent        00112233445566778899  2027-01-15T08:00:00Z  expired
                tv                   viewer       7                     2027-01-16T08:00:00Z  revoked 2027-01-15T08:00:00Z

                """
        )
    }

    @Test("narrow cells leave the header's widths")
    func narrow() throws {
        let issued = [try Self.certificate(.agent, "a", "1", days: 30)]
        #expect(
            PKI.List.text(issued, now: Self.now) == """
                NAME  KIND   SERIAL  EXPIRES               STATE
                a     agent  1       2027-02-14T08:00:00Z  valid

                """
        )
    }

    @Test("where nothing was issued, the header stands alone")
    func empty() {
        #expect(PKI.List.text([], now: Self.now) == "NAME  KIND  SERIAL  EXPIRES  STATE\n")
    }
}
