import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import Logging
import Logs
import Testing

@Suite("Connections that last", .timeLimit(.minutes(10)))
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

    @Test("silent connections from a coordinator's own address push out one another, and not the coordinator")
    func silent() async throws {
        try await TestAgent.with(limits: AgentListener.Limits(silent: 8)) { agent in
            let peers = try (0..<20).map { _ in try SilentPeer(port: agent.port, from: "127.0.0.1") }
            #expect(try await agent.client().status().host.description == "s1")
            let line = await agent.log.line(with: "the oldest of too many that say nothing: 8")
            #expect(line.contains("peer=127.0.0.1:"))
            withExtendedLifetime(peers) {}
        }
    }

    @Test("a coordinator gets in where viewers have every place, and a viewer's connection ends for it")
    func places() async throws {
        try await TestAgent.with(limits: AgentListener.Limits(connections: 2, viewers: 2)) { agent in
            let viewers = try [agent.client("viewer/a"), agent.client("viewer/b")]
            for viewer in viewers { _ = try await viewer.status() }
            let coordinators = try [agent.client(), agent.client(), agent.client()]
            // Let go of earlier, their places are free again.
            defer { withExtendedLifetime(coordinators) {} }
            for coordinator in coordinators { _ = try await coordinator.status() }
            let line = await agent.log.line(with: "coordinator/ops needed its place")
            #expect(line.contains("peer=127.0.0.1:"))
            let error = await #expect(throws: AgentClientError.self) { try await viewers[0].status() }
            switch error {
            case .unreachable?, .replyLost?: break
            case let other: Issue.record("\(String(describing: other))")
            }
        }
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
