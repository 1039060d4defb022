import AgentClient
import AgentServer
import ControlProtocol
import FoundationEssentials
import Glibc
import MutualTLS
import Testing

@Suite("Revocation, as an agent lives it", .timeLimit(.minutes(10)))
struct RevocationTests {
    private static let request = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n"

    private let authority: TestAuthority
    private let thief: TLSFiles
    private let stolen: String

    init() throws {
        authority = try TestAuthority()
        thief = try authority.issue("coordinator/eve")
        stolen = try authority.serial(of: thief)
        try authority.revoke([], number: 1)
    }

    private func eve(_ agent: TestAgent) throws -> AgentClient {
        try agent.client("coordinator/eve", files: thief)
    }

    private func isRefused(_ client: AgentClient) async -> Bool {
        do {
            _ = try await client.status()
            return false
        } catch {
            return "\(error)".contains("revoked")
        }
    }

    @Test(
        "a revocation takes effect while the agent's own key has a wrong mode, and the status says what is wrong"
    )
    func exposedKey() async throws {
        try await TestAgent.with(authority: authority) { agent in
            let eve = try eve(agent)
            _ = try await eve.status()
            try #require(chmod(authority.directory.path + "/agent-s1.key", 0o644) == 0)
            try authority.revoke([stolen], number: 2)
            #expect(await isRefused(eve))
            let log = await agent.log.line(with: "new certificate files not used")
            #expect(log.contains("agent-s1.key is open to its group or to others (mode 644)"))

            let credentials = try #require(try await agent.client().status().credentials)
            #expect(credentials.revocationLists?.map(\.number) == ["2"])
            #expect(credentials.failures?.map(\.part) == ["certificate"])
            #expect(credentials.failures?.first?.reason.contains("chmod 600 it") == true)
            let page = try await RawConnection.open(agent)
                .exchange("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            #expect(page.contains("mitosis_credential_files_refused{part=\"certificate\"} 1\n"))
            #expect(page.contains("mitosis_credential_files_refused{part=\"trust\"} 0\n"))
            #expect(
                page.firstMatch(of: /mitosis_revocation_list_number\{authority="[0-9a-f]{64}"\} 2\n/) != nil
            )
            #expect(page.contains("mitosis_authority_expiry_days ") && page.contains("_list_expiry_days "))
        }
    }

    @Test("an older list takes no revocation back: not while the agent runs, and not after its restart")
    func olderList() async throws {
        let old = try Data(contentsOf: URL(filePath: authority.list))
        let agent = try await TestAgent.start(authority: authority)
        try authority.revoke([stolen], number: 2)
        #expect(await isRefused(try eve(agent)))
        _ = try authority.directory.write("ca.crl", [UInt8](old))
        #expect(await isRefused(try eve(agent)))
        _ = await agent.log.line(with: "it holds list number 1, older than number 2")
        await agent.end()

        let error = await #expect(throws: AgentServerError.self) {
            let again = try await TestAgent.start(after: agent)
            await again.end()
        }
        #expect(error?.description.contains("older than number 2") == true)
        #expect(throws: AgentServerError.self) { try AgentProgram.check(TestAgent.configuration(authority)) }
        try authority.revoke([stolen], number: 3)
        let mended = try await TestAgent.start(after: agent)
        #expect(await isRefused(try eve(mended)))
        #expect(try await mended.client().status().credentials?.failures == [])
        await mended.end()
    }

    @Test("a revoked coordinator is cut off on a connection that is open: nothing more is done for it")
    func openConnection() async throws {
        try await TestAgent.with(authority: authority) { agent in
            let connection = try await RawConnection.open(agent, "coordinator/eve", files: thief)
            let (authority, stolen) = (authority, stolen)
            let answer = try await connection.converse(Self.request) {
                try authority.revoke([stolen], number: 2)
            }
            #expect(answer.ranges(of: "HTTP/1.1 200 ").count == 1)
            _ = await agent.log.line(with: "certificate files were replaced since the handshake")
            let outcome =
                "refused: connection closed: certificate files were replaced since the handshake"
            _ = await agent.log.line(with: #"outcome="\#(outcome)""#)
            let trail = try agent.stateFile("audit-requests.jsonl")
            #expect(trail.contains(#""command":"GET /v1/status""#) && trail.contains(outcome), "\(trail)")
            #expect(trail.contains("coordinator/eve") && trail.contains(stolen), "\(trail)")
            #expect(await isRefused(try eve(agent)))
        }
    }

    @Test("a coordinator's kept connection to an agent that is revoked is not used again")
    func revokedAgent() async throws {
        try await TestAgent.with(authority: authority) { agent in
            let files = try authority.issue("coordinator/ops")
            let checking = TLSFiles(
                certificate: files.certificate,
                key: files.key,
                authority: files.authority,
                revoked: authority.list
            )
            let client = try agent.client("coordinator/ops", files: checking)
            _ = try await client.status()
            let own = TLSFiles(
                certificate: authority.directory.path + "/agent-s1.pem",
                key: authority.directory.path + "/agent-s1.key",
                authority: files.authority
            )
            try authority.revoke([authority.serial(of: own)], number: 2)
            #expect(await isRefused(client))
        }
    }

    @Test(
        "the start refuses files that are not the agent's, or that others could have written, by name",
        .enabled(if: geteuid() == 0, "other users' files need root")
    )
    func start() async throws {
        let place = authority.directory.path
        let faults: [(String, @Sendable () throws -> Void)] = [
            ("ca.pem can be written by others", { try #require(chmod(place + "/ca.pem", 0o666) == 0) }),
            ("ca.crl belongs to user 1234", { try #require(chown(place + "/ca.crl", 1234, 0) == 0) }),
            ("\(place) can be written by others", { try #require(chmod(place, 0o777) == 0) }),
        ]
        let configuration = try TestAgent.configuration(authority)
        #expect(throws: Never.self) { try AgentProgram.check(configuration) }
        for (said, make) in faults {
            try make()
            let error = #expect(throws: AgentServerError.self) { try AgentProgram.check(configuration) }
            #expect(error?.description.contains(said) == true, "\(String(describing: error))")
            for file in ["ca.pem", "ca.crl"] {
                try #require(chmod("\(place)/\(file)", 0o644) == 0 && chown("\(place)/\(file)", 0, 0) == 0)
            }
            try #require(chmod(place, 0o700) == 0)
        }
        try authority.issue("agent/s2", files: "agent-s1")
        let error = #expect(throws: AgentServerError.self) { try AgentProgram.check(configuration) }
        #expect(error?.description.contains("not the certificate of spiffe://mitosis/agent/s1") == true)
    }
}
