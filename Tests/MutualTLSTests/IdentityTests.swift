import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("Names on certificates")
struct IdentityTests {
    @Test(
        "a URI that is not exactly one of ours names nobody",
        arguments: [
            "", "spiffe://", "spiffe://mitosis", "spiffe://mitosis/", "spiffe://mitosis/agent",
            "spiffe://mitosis/agent/", "spiffe://mitosis//agent/s1", "spiffe://mitosis/agent/s1/",
            "spiffe://mitosis/agent/s1?x", "spiffe://mitosis/agent/s1#x", "spiffe://mitosis/agent/S1",
            "spiffe://MITOSIS/agent/s1", "SPIFFE://mitosis/agent/s1", "spiffe://mitosis:1/agent/s1",
            "spiffe://u@mitosis/agent/s1", "spiffe://mitosis/agent/s1\0", "spiffe://mitosis/agent/s%31",
            "spiffe://mitosis/agent/../coordinator/ops", "spiffe://mitosis/agent/-s1",
            "spiffe://mitosis/agents/s1", " spiffe://mitosis/agent/s1", "spiffe://mitosis/agent/s1\n",
            "spiffe://mitosis/agent/\u{0455}1",
        ]
    )
    func strangers(uri: String) { #expect(ClaimedIdentity(uri: uri) == nil) }

    @Test("a URI of ours is read back as it was written", arguments: PeerIdentity.Kind.allCases)
    func roundTrip(kind: PeerIdentity.Kind) throws {
        let domain = try #require(TrustDomain("kafka.example"))
        let identity = PeerIdentity(kind, try #require(PeerName("s1.rack-2")))
        let claim = try #require(ClaimedIdentity(uri: identity.uri(in: domain)))
        #expect(claim.domain == domain && claim.identity == identity)
        #expect(identity.uri(in: domain) == "spiffe://kafka.example/\(kind.rawValue)/s1.rack-2")
    }

    @Test("an alternative name is a plain host name or an address")
    func alternativeNames() {
        #expect(AlternativeName("s1.example") == .dns("s1.example"))
        #expect(AlternativeName("198.51.100.1") == .address("198.51.100.1"))
        #expect(AlternativeName("2001:db8::1") == .address("2001:db8::1"))
        for text in ["", "*.example", "a,URI:spiffe://mitosis/coordinator/x", "198.51.100.300", "S1", "a b"] {
            #expect(AlternativeName(text) == nil, "\(text)")
        }
    }

    @Test("alerts of TLS 1.3 that OpenSSL cannot name have a name")
    func alerts() {
        #expect(TLSAlert.certificateRequired.description == "certificate required (116)")
        #expect(
            TLSError.refusedByPeer(.certificateRequired).description
                == "the peer refused this side: certificate required (116): this side presented no certificate"
        )
        #expect(TLSAlert(code: 250).description == "alert 250 (250)")
    }
}
