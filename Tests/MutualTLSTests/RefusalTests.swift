import FoundationEssentials
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("What each refusal says, on both sides", .timeLimit(.minutes(10)))
struct RefusalTests {
    private let pki: TestPKI
    private let agent: TLSFiles
    private let coordinator: TLSFiles

    init() throws {
        pki = try TestPKI()
        agent = try pki.issue("agent/s1").files
        coordinator = try pki.issue("coordinator/ops").files
    }

    @Test("a coordinator and the agent that it expects know each other and exchange data")
    func accepted() async throws {
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(coordinator))
        #expect(server.errors == [] && client.errors == [])
        #expect(server.peer?.identity == (try pki.identity("coordinator/ops")))
        #expect(client.peer?.identity == (try pki.identity("agent/s1")))
        #expect(server.handshakes == 1 && client.handshakes == 1)
        #expect(client.text == "ping")
    }

    @Test("a viewer is let in too: what it may do is judged above")
    func viewer() async throws {
        let viewer = try pki.issue("viewer/grafana").files
        let (server, _) = try await TestServer.meet(pki.server(agent), pki.client(viewer))
        #expect(server.peer?.identity == (try pki.identity("viewer/grafana")))
    }

    @Test("the certificate of another host is refused")
    func wrongHost() async throws {
        let other = try pki.issue("agent/s2").files
        let (server, client) = try await TestServer.meet(pki.server(other), pki.client(coordinator))
        #expect(
            client.errors == ["the certificate of agent/s2 was presented where agent/s1 was expected"]
        )
        #expect(server.error?.hasPrefix("the peer refused this side: handshake failure (40): ") == true)
        #expect(server.peer == nil && client.peer == nil)
    }

    @Test("connections of one context expect each their own host")
    func sharedContext() async throws {
        let own = try pki.client(coordinator)
        let other = TestClient(context: own.context, expected: try pki.identity("agent/s2"))
        try await TestServer.run(.fixed(pki.server(agent))) { running in
            async let right = running.connect(own)
            async let wrong = running.connect(other)
            let (met, refused) = try await (right, wrong)
            #expect(met.text == "ping")
            #expect(
                refused.errors
                    == ["the certificate of agent/s1 was presented where agent/s2 was expected"]
            )
        }
        let (_, met) = try await TestServer.meet(pki.server(pki.issue("agent/s2").files), other)
        #expect(met.text == "ping")
    }

    @Test("a server of another authority is refused")
    func untrustedServer() async throws {
        let foreign = try TestPKI()
        let stranger = try foreign.issue("agent/s1", trusting: pki.path("ca.pem")).files
        let (server, client) = try await TestServer.meet(pki.server(stranger), pki.client(coordinator))
        #expect(
            client.error?.hasPrefix("the certificate claiming agent/s1 is not from a trusted authority: ")
                == true
        )
        #expect(server.error?.hasPrefix("the peer refused this side: unknown ca (48): ") == true)
        #expect(server.peer == nil && client.peer == nil)
    }

    @Test("a client of another authority is refused, and hears it after its own handshake")
    func untrustedClient() async throws {
        let foreign = try TestPKI()
        let stranger = try foreign.issue("coordinator/ops", trusting: pki.path("ca.pem")).files
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(stranger))
        #expect(
            server.error?.hasPrefix("the certificate claiming coordinator/ops is not from a trusted")
                == true
        )
        #expect(client.error?.hasPrefix("the peer refused this side: unknown ca (48): ") == true)
        #expect(server.peer == nil && server.text == "" && client.text == "")
    }

    @Test("an expired server certificate is refused, with the date")
    func expiredServer() async throws {
        let (expired, facts) = try pki.issue("agent/s1", now: longAgo)
        let (server, client) = try await TestServer.meet(pki.server(expired), pki.client(coordinator))
        let date = facts.notAfter.ISO8601Format()
        #expect(client.errors == ["the certificate of agent/s1 expired at \(date): issue a new one"])
        #expect(server.error?.hasPrefix("the peer refused this side: certificate expired (45): ") == true)
    }

    @Test("an expired client certificate is refused, with the date")
    func expiredClient() async throws {
        let (expired, facts) = try pki.issue("coordinator/ops", now: longAgo)
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(expired))
        let date = facts.notAfter.ISO8601Format()
        #expect(server.errors == ["the certificate of coordinator/ops expired at \(date): issue a new one"])
        #expect(client.error?.hasPrefix("the peer refused this side: certificate expired (45): ") == true)
        #expect(server.peer == nil)
    }

    @Test("a certificate from the future is refused, with a hint at the clocks")
    func notYetValid() async throws {
        let early = try pki.issue("coordinator/ops", now: Date(timeIntervalSinceNow: 86_400)).files
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(early))
        #expect(server.error?.hasSuffix(": compare the clocks") == true)
        #expect(client.error?.hasPrefix("the peer refused this side: ") == true)
    }

    @Test("a certificate of another trust domain is refused though its authority is trusted")
    func foreignDomain() async throws {
        let odd = try pki.issue(uris: ["spiffe://elsewhere/coordinator/ops"], profile: .coordinator)
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(odd))
        #expect(
            server.errors == [
                "the certificate of spiffe://elsewhere/coordinator/ops is not of the trust domain mitosis"
            ]
        )
        #expect(client.error?.hasPrefix("the peer refused this side: handshake failure (40): ") == true)
    }

    @Test(
        "a certificate without exactly one URI that names someone is refused",
        arguments: [
            ([], "the certificate carries 0 URIs where exactly one must name its owner"),
            (
                ["spiffe://mitosis/coordinator/ops", "spiffe://mitosis/viewer/ops"],
                "the certificate carries 2 URIs where exactly one must name its owner"
            ),
            (
                ["spiffe://mitosis/admin/ops"],
                "the certificate's URI spiffe://mitosis/admin/ops names no coordinator, agent or viewer"
            ),
            (
                ["spiffe://mitosis/coordinator/ops/x"],
                "the certificate's URI spiffe://mitosis/coordinator/ops/x names no coordinator, agent or viewer"
            ),
            (
                ["https://mitosis/coordinator/ops"],
                "the certificate's URI https://mitosis/coordinator/ops names no coordinator, agent or viewer"
            ),
        ]
    )
    func oddURI(uris: [String], sentence: String) async throws {
        let odd = try pki.issue(uris: uris, profile: .coordinator)
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(odd))
        #expect(server.errors == [sentence])
        #expect(client.error?.hasPrefix("the peer refused this side: handshake failure (40): ") == true)
    }

    @Test("an agent's certificate opens no connection: it is for servers only")
    func serverAsClient() async throws {
        let other = try pki.issue("agent/s2").files
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(other))
        #expect(
            server.errors == [
                "the certificate of agent/s2 is not meant for clients (no clientAuth usage)"
            ]
        )
        #expect(client.error?.hasPrefix("the peer refused this side: unsupported certificate (43): ") == true)
        #expect(server.peer == nil)
    }

    @Test("a coordinator's certificate answers for nobody: it is for clients only")
    func clientAsServer() async throws {
        let (server, client) = try await TestServer.meet(pki.server(coordinator), pki.client(coordinator))
        #expect(
            client.errors == [
                "the certificate of coordinator/ops is not meant for servers (no serverAuth usage)"
            ]
        )
        #expect(server.error?.hasPrefix("the peer refused this side: unsupported certificate (43): ") == true)
    }

    @Test("a certificate that states no usage at all is refused")
    func noUsage() async throws {
        let bare = CertificateProfile(
            days: 1,
            basicConstraints: "critical,CA:FALSE",
            keyUsage: "critical,digitalSignature",
            extendedKeyUsage: nil
        )
        let odd = try pki.issue(uris: ["spiffe://mitosis/coordinator/ops"], profile: bare)
        let (server, client) = try await TestServer.meet(pki.server(agent), pki.client(odd))
        #expect(server.error?.contains("not meant for clients") == true)
        #expect(client.error?.hasPrefix("the peer refused this side: ") == true)
    }

    @Test("a revoked client is refused by serial; its successor is let in")
    func revokedClient() async throws {
        let (revoked, facts) = try pki.issue("coordinator/ops")
        let list = try pki.revoke([facts.serial])
        let context = try pki.server(agent.checking(revoked: list))
        let (server, client) = try await TestServer.meet(context, pki.client(revoked))
        #expect(
            server.errors == [
                "the certificate of coordinator/ops, serial \(facts.serial), is revoked"
            ]
        )
        #expect(client.error?.hasPrefix("the peer refused this side: certificate revoked (44): ") == true)
        let next = try await TestServer.meet(context, pki.client(coordinator))
        #expect(next.server.errors == [] && next.client.text == "ping")
    }

    @Test("a revoked agent is refused")
    func revokedServer() async throws {
        let (revoked, facts) = try pki.issue("agent/s1")
        let list = try pki.revoke([facts.serial])
        let (server, client) = try await TestServer.meet(
            pki.server(revoked),
            pki.client(coordinator.checking(revoked: list))
        )
        #expect(client.errors == ["the certificate of agent/s1, serial \(facts.serial), is revoked"])
        #expect(server.error?.hasPrefix("the peer refused this side: certificate revoked (44): ") == true)
    }
}
