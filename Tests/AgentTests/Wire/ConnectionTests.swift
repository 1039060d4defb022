import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import Logging
import Logs
import Testing

@Suite("Connections that last", .timeLimit(.minutes(1)))
struct ConnectionTests {
    private static let request = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"

    @Test("an open connection takes no other request once the certificate files were replaced")
    func replacedFiles() async throws {
        try await TestAgent.with { agent in
            let connection = try await RawConnection.open(agent)
            // The first answer, then the files change, then a second request.
            let answer = try await connection.converse(Self.request) {
                try agent.authority.issue("agent/s1")
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.components(of: "HTTP/1.1 200 ") == 1)
            #expect(await agent.log.line(with: "certificate files were replaced").contains("peer=127.0.0.1"))
            // A coordinator that kept its connection notices nothing.
            let client = try agent.client()
            _ = try await client.status()
            try agent.authority.issue("agent/s1")
            #expect(try await client.status().host.description == "s1")
        }
    }

    @Test("a connection whose certificate has ended, or was judged by older files, takes no other request")
    func standing() {
        let end = Date(timeIntervalSince1970: 1_000_000)
        let good = ConnectionStanding(notAfter: end, isJudgedByCurrentFiles: true)
        #expect(good.objection(at: end) == nil)
        #expect(good.objection(at: end + 1)?.contains("expired") == true)
        let old = ConnectionStanding(notAfter: end, isJudgedByCurrentFiles: false)
        #expect(old.objection(at: end - 1)?.contains("replaced") == true)
    }

    @Test("an old connection ends with its next answer, which says so")
    func age() async throws {
        try await TestAgent.with(limits: AgentListener.Limits(age: .zero)) { agent in
            let answer = try await RawConnection.open(agent).exchange(Self.request)
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("connection: close\r\n"))
        }
    }

    @Test(
        "silent connections without a certificate take no place from anybody, and no more than their own share"
    )
    func silent() async throws {
        let limits = AgentListener.Limits(connections: 2, handshakes: 8, handshakesPerSource: 4)
        try await TestAgent.with(limits: limits) { agent in
            let first = try (0..<6).map { _ in try SilentPeer(port: agent.port, from: "127.0.0.2") }
            let second = try (0..<4).map { _ in try SilentPeer(port: agent.port, from: "127.0.0.3") }
            _ = await agent.log.line(with: "of this address without a certificate yet: 4")
            // Eight are silent now; the agent's own caller makes the oldest of them go.
            #expect(try await agent.client().status().host.description == "s1")
            let line = await agent.log.line(with: "the oldest of too many unfinished ones: 8")
            #expect(line.contains("peer=127.0.0.2:"))
            withExtendedLifetime((first, second)) {}
        }
    }

    @Test("refusals are logged a few a second, and those kept back are counted")
    func refusals() {
        let capture = LogCapture()
        let log = RefusalLog(capture.logger, burst: 3, perSecond: 1)
        let start = ContinuousClock.now
        for _ in 0..<10 { log.warning("connection refused", peer: "p", reason: "r", at: start) }
        #expect(capture.lines.count == 3)
        let long = String(repeating: "x", count: 10_000)
        log.warning("connection refused", peer: "p", reason: long, at: start + .seconds(2))
        #expect(capture.lines.count == 5)
        #expect(capture.lines[3] == "warning refusals were not logged count=7")
        #expect(capture.lines[4].utf8.count < 500)
    }
}

/// A TCP connection that says nothing.
private final class SilentPeer {
    private let descriptor: Int32

    init(port: Int, from source: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        let bound = try Self.with(source, 0) { bind(descriptor, $0, $1) }
        let connected = try Self.with("127.0.0.1", port) { connect(descriptor, $0, $1) }
        try #require(bound == 0 && connected == 0)
    }

    deinit { close(descriptor) }

    private static func with(
        _ address: String,
        _ port: Int,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> Int32 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(UInt16(port)).bigEndian
        try #require(inet_pton(AF_INET, address, &name.sin_addr) == 1)
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

extension String {
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
