import NIOCore
import Testing

@testable import CertificateAuthority
@testable import MutualTLS

@Suite("What an accepted connection carries", .timeLimit(.minutes(10)))
struct TransferTests {
    private let pki: TestPKI
    private let server: TLSContext
    private let client: TestClient

    init() throws {
        pki = try TestPKI()
        server = try pki.server(pki.issue("agent/s1").files)
        client = try pki.client(pki.issue("coordinator/ops").files)
    }

    private func payload(_ count: Int) -> ByteBuffer {
        ByteBuffer(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 9)) })
    }

    @Test(
        "payloads come back intact, whatever their size",
        arguments: [1, 16_383, 16_384, 16_385, 65_536, 65_537, 5_000_000]
    )
    func echo(size: Int) async throws {
        let sent = payload(size)
        try await TestServer.run(.fixed(server)) { running in
            let transcript = try await running.connect(client, part: .expectEcho(sent))
            #expect(transcript.received == sent)
            #expect(transcript.errors == [])
            let other = try await running.transcript()
            #expect(other.received == sent)
            #expect(other.errors == [])
        }
    }

    @Test("one side may finish sending and still receive several megabytes")
    func halfClose() async throws {
        let sent = payload(3_000_000)
        try await TestServer.run(.fixed(server), part: .echoAtEnd) { running in
            let transcript = try await running.connect(client, part: .sendAndFinish(sent))
            #expect(transcript.received == sent)
            #expect(transcript.errors == [])
            let other = try await running.transcript()
            #expect(other.errors == [] && other.sawInputClosed)
        }
    }

    @Test("everything flushed before a close arrives before the end")
    func answerThenClose() async throws {
        let reply = payload(2_000_000)
        try await TestServer.run(.fixed(server), part: .answer(reply)) { running in
            let transcript = try await running.connect(
                client,
                part: .expectEcho(ByteBuffer(repeating: 1, count: 10))
            )
            #expect(transcript.errors == [])
            let other = try await running.transcript()
            #expect(other.errors == [])
        }
        try await TestServer.run(.fixed(server), part: .answer(reply)) { running in
            let transcript = try await running.connect(client, part: .sendAndFinish(ByteBuffer(string: "?")))
            #expect(transcript.received == reply)
        }
    }

    @Test("two hundred connections one after another all work")
    func sequential() async throws {
        try await TestServer.run(.fixed(server)) { running in
            for _ in 0..<200 {
                let transcript = try await running.connect(client)
                try #require(transcript.text == "ping" && transcript.errors == [])
            }
        }
    }

    @Test("a hundred connections at once all work")
    func concurrent() async throws {
        let client = client
        try await TestServer.run(.fixed(server)) { running in
            try await withThrowingTaskGroup { group in
                for _ in 0..<100 {
                    group.addTask { try await running.connect(client) }
                }
                for try await transcript in group {
                    #expect(transcript.text == "ping" && transcript.errors == [])
                }
            }
        }
    }
}
