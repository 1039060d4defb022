import NIOCore
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("Peers that are not ours", .timeLimit(.minutes(10)))
struct StrangerTests {
    private let pki: TestPKI
    private let server: TLSContext
    private let coordinator: TLSFiles

    init() throws {
        pki = try TestPKI()
        server = try pki.server(pki.issue("agent/s1").files)
        coordinator = try pki.issue("coordinator/ops").files
    }

    private func seen(of part: Part, handshake: TimeAmount = .seconds(10)) async throws -> (
        server: Transcript, client: Transcript
    ) {
        try await TestServer.run(.fixed(server), handshake: handshake) { running in
            let client = try await running.connect(nil, part: part)
            return (try await running.transcript(), client)
        }
    }

    @Test("plain HTTP is told to use https")
    func plainHTTP() async throws {
        let request = ByteBuffer(string: "GET /v1/status HTTP/1.1\r\nHost: s1\r\n\r\n")
        let (server, client) = try await seen(of: .raw(request))
        #expect(server.errors == ["the peer spoke plain HTTP: use https with a client certificate"])
        #expect(client.text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(
            client.text.hasSuffix("This port speaks TLS 1.3 and asks for a client certificate: use https.\n")
        )
    }

    @Test("garbage is named as what it is, and answered by the end of the connection")
    func garbage() async throws {
        let (server, client) = try await seen(of: .raw(ByteBuffer(string: "srvr\nruok\nwhatever\n")))
        #expect(server.errors == ["the peer does not speak TLS: is this the right port?"])
        #expect(client.errors == [])
        #expect(server.peer == nil)
    }

    @Test("random bytes end the connection", arguments: 0..<8)
    func noise(seed: UInt8) async throws {
        var bytes = (0..<2_000).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ Int(seed) &* 31) }
        if seed.isMultiple(of: 2) { bytes.replaceSubrange(0..<5, with: [0x16, 3, 1, 2, 0]) }
        let (server, _) = try await seen(of: .raw(ByteBuffer(bytes: bytes)))
        #expect(server.errors.count == 1)
        #expect(server.peer == nil)
    }

    @Test("a peer that speaks no TLS on the other side is named by the client")
    func plainServer() async throws {
        let plain = try await PlainServer.start()
        let running = TestServer(port: plain.port)
        let client = try await running.connect(pki.client(coordinator))
        #expect(client.errors == ["the peer does not speak TLS: is this the right port?"])
        try await plain.channel.close()
    }

    @Test("a silent peer is dropped at the handshake deadline")
    func silent() async throws {
        let start = ContinuousClock.now
        let (server, client) = try await seen(of: .raw(ByteBuffer()), handshake: .milliseconds(300))
        #expect(
            server.errors == [
                "no TLS handshake within 300 ms: the peer is silent, stuck or does not speak TLS"
            ]
        )
        #expect(client.text == "")
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test("a peer that drips bytes gains no time")
    func dripping() async throws {
        let start = ContinuousClock.now
        let (server, _) = try await seen(of: .drip, handshake: .milliseconds(300))
        #expect(
            server.errors == [
                "no TLS handshake within 300 ms: the peer is silent, stuck or does not speak TLS"
            ]
        )
        // Dripping a whole record would take ten seconds.
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test("a server that stays silent is given up by the client")
    func silentServer() async throws {
        let mute = try await PlainServer.start(answering: false)
        let running = TestServer(port: mute.port)
        let client = try await running.connect(pki.client(coordinator), handshake: .milliseconds(300))
        #expect(
            client.errors == [
                "no TLS handshake within 300 ms: the peer is silent, stuck or does not speak TLS"
            ]
        )
        try await mute.channel.close()
    }

    @Test("a peer that goes away during the handshake is reported")
    func gone() async throws {
        let (server, _) = try await seen(of: .vanish)
        #expect(
            server.errors == [
                "the peer closed the connection during the TLS handshake: see its log"
            ]
        )
    }

    /// `openssl s_client` against the test's server, as both saw it.
    private func openssl(_ extra: [String], part: Part = .farewell) async throws -> (Transcript, Tool) {
        try await TestServer.run(.fixed(server), part: part) { running in
            let tool = try await Tool.run(
                "openssl",
                ["s_client", "-connect", "127.0.0.1:\(running.port)", "-CAfile", pki.path("ca.pem")]
                    + ["-ign_eof"] + extra
            )
            return (try await running.transcript(), tool)
        }
    }

    private var identified: [String] { ["-cert", coordinator.certificate, "-key", coordinator.key] }

    @Test("a client without a certificate is refused and told that one is required")
    func noCertificate() async throws {
        let (server, tool) = try await openssl([])
        #expect(server.errors == ["the peer presented no certificate"])
        #expect(tool.errors.contains("SSL alert number 116"))
    }

    @Test("TLS 1.2 is refused by name")
    func olderTLS() async throws {
        let (server, tool) = try await openssl(["-tls1_2"] + identified)
        #expect(server.errors == ["the peer offers no TLS 1.3, which is the only version accepted"])
        #expect(tool.errors.contains("SSL alert number 70"))
    }

    @Test("a client that offers no P-256 key exchange is refused")
    func otherGroup() async throws {
        let (server, tool) = try await openssl(["-groups", "X25519"] + identified)
        #expect(server.error?.hasPrefix("the TLS exchange failed: ") == true)
        #expect(tool.errors.contains("SSL alert number 40"))
    }

    @Test("no session ticket is ever sent")
    func noTicket() async throws {
        let (server, tool) = try await openssl(["-msg"] + identified)
        #expect(server.errors == [])
        #expect(server.peer?.identity == (try pki.identity("coordinator/ops")))
        // The trace shows handshake messages by name, so the absence of this one means something.
        #expect(tool.output.contains("Handshake [length") && tool.output.contains("ServerHello"))
        #expect(!tool.output.contains("NewSessionTicket"))
    }

    @Test("curl reads with a viewer's certificate")
    func curl() async throws {
        let viewer = try pki.issue("viewer/grafana").files
        let reply = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        try await TestServer.run(.fixed(server), part: .answer(reply)) { running in
            let url = "https://127.0.0.1:\(running.port)/v1/status"
            let tool = try await Tool.run(
                "curl",
                [
                    "-sS", "--cert", viewer.certificate, "--key", viewer.key, "--cacert", pki.path("ca.pem"),
                    url,
                ]
            )
            let transcript = try await running.transcript()
            #expect(tool.output == "ok\n", "\(tool.errors)")
            #expect(transcript.peer?.identity == (try pki.identity("viewer/grafana")))
            let bare = try await Tool.run("curl", ["-sS", "--cacert", pki.path("ca.pem"), url])
            #expect(!bare.succeeded && bare.output == "")
            let refused = try await running.transcript()
            #expect(refused.errors == ["the peer presented no certificate"])
        }
    }
}
