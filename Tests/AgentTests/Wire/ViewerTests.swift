import AgentClient
import CertificateAuthority
import ControlProtocol
import FoundationEssentials
import MutualTLS
import TestSupport
import Testing
import Topology

@Suite("What a viewer sees", .timeLimit(.minutes(10)))
struct ViewerTests {
    @Test("that rules cannot be read, and not what a program said about it; a coordinator sees both")
    func reasons() async throws {
        try await TestAgent.with { agent in
            agent.host.failRules()
            let seen = try await agent.client("viewer/watch").status()
            #expect(seen.rules.unreadable == "a coordinator is told why" && seen.rules.count > 0)
            #expect(try await agent.client().status().rules.unreadable == "nft is missing")
        }
    }

    @Test("that a service has failed and that a server does not answer, and not what they said")
    func states() throws {
        let secret = "'/etc/init.d/kafka' ended with exit status 1: password=s3cret"
        let json = try JSONEncoder().encode(try status(secret).forViewers)
        #expect(!String(decoding: json, as: UTF8.self).contains("s3cret"))
        let seen = try JSONDecoder().decode(HostStatus.self, from: json)
        #expect(seen.services.first?.state == .failed(reason: "a coordinator is told why"))
        #expect(seen.zookeeper?.serving == .unreachable(reason: "a coordinator is told why"))
        #expect(seen.clock == 5 && seen.zookeeper?.configPath == "/zoo.cfg")
    }

    @Test("that a file has a fault, and nothing of what an agent has no words of its own for")
    func faults() throws {
        let secret = "line 3: 'password=s3cret'"
        var whole = try status(secret, problems: [secret, secret])
        whole.records = try JSONDecoder().decode(RecordState.self, from: Data(#"{"problem":"s3cret"}"#.utf8))
        let json = try JSONEncoder().encode(whole.forViewers)
        #expect(!String(decoding: json, as: UTF8.self).contains("s3cret"))
        let seen = try JSONDecoder().decode(HostStatus.self, from: json)
        let untold = "a coordinator is told why"
        #expect(seen.zookeeper?.data.problems == [untold, untold])
        #expect(seen.reach == [PathReach(path: "/a", problem: untold), PathReach(path: "/b", problem: nil)])
        #expect(seen.credentials?.failures?.map(\.reason) == [untold])
        #expect(seen.credentials?.failures?.map(\.part) == ["trust"])
        #expect(seen.records?.problem == untold)
    }

    @Test("which certificate file is not used, and not what stands in it")
    func credentials() async throws {
        try await TestAgent.with { agent in
            let (viewer, coordinator) = (try agent.client("viewer/watch"), try agent.client())
            #expect(try await viewer.status().credentials?.failures == [])
            _ = try await coordinator.status()
            let foreign = try CertificateAuthority(
                creating: try #require(TrustDomain("s3cret")),
                now: Date()
            )
            let path = try agent.authority.directory.write("ca.pem", foreign.encodedCertificate())
            let told = try await coordinator.status().credentials?.failures?.first
            #expect(told?.reason.contains("the trust domain s3cret") == true, "\(String(describing: told))")
            let seen = try await viewer.status().credentials?.failures
            #expect(seen?.map(\.part) == ["trust"])
            #expect(
                seen?.first?.reason
                    == "\(path) cannot be used: it holds the authority of another trust domain than mitosis"
            )
        }
    }

    @Test("where the agent's own record is damaged, and not what stands there")
    func records() async throws {
        let first = try await TestAgent.start()
        await first.quit()
        let line = #"{"outcome":{"id":"s3cret and more","at":1,"outcome":{"failed":{"message":""}}}}"# + "\n"
        _ = try first.authority.directory.write("state/commands.jsonl", Array(line.utf8))
        let second = try await TestAgent.start(after: first)
        let told = try #require(try await second.client().status().records?.problem)
        #expect(told.contains("s3cret"), "\(told)")
        let seen = try #require(try await second.client("viewer/watch").status().records?.problem)
        #expect(!seen.contains("s3cret"), "\(seen)")
        #expect(
            seen.hasPrefix("1 line of the command record were damaged on the disk (") && seen.hasSuffix(":1)")
        )
        await second.end()
    }

    @Test(
        "nothing of a request comes back as more than text, whoever asks",
        arguments: ["viewer/watch", "coordinator/ops"]
    )
    func echoes(identity: String) async throws {
        try await TestAgent.with { agent in
            let body = #"{"lease":{"runID":"\u202e\u009b2J\u001b[2J","epoch":1},"secondsToLive":30}"#
            let requests = [
                "GET /v1/\u{202E}\u{9B}2J HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
                "POST /v1/lease HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)",
            ]
            for request in requests {
                let answer = try await RawConnection.open(agent, identity).exchange(request)
                let text = answer.replacing("\r\n", with: "\n")
                #expect(text.hasPrefix("HTTP/1.1 4"))
                #expect(HostileText.offences(in: text).isEmpty, "\(text)")
            }
        }
    }

    private func status(_ reason: String, problems: [String] = []) throws -> HostStatus {
        let file = FileState(
            path: "/zoo.cfg",
            digest: nil,
            size: nil,
            mode: nil,
            owner: nil,
            group: nil,
            symlinkTarget: nil,
            changedAt: nil
        )
        return HostStatus(
            host: try #require(HostName("s1")),
            agentVersion: "1",
            protocolVersion: 1,
            clock: 5,
            agentStartedAt: 0,
            lease: LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil),
            rules: ScriptedHost.rules(count: 0),
            zookeeper: ZooKeeperStatus(
                service: "zookeeper",
                state: .failed(reason: reason),
                processStartedAt: nil,
                configPath: "/zoo.cfg",
                file: file,
                fileView: nil,
                runningView: nil,
                serving: .unreachable(reason: reason),
                data: DataDirectory(
                    path: "/data",
                    logPath: "/data",
                    isEmpty: true,
                    myid: nil,
                    currentEpoch: nil,
                    acceptedEpoch: nil,
                    lastZxid: nil,
                    problems: problems
                ),
                peerSockets: nil,
                diskFree: nil
            ),
            services: [NamedService(name: "kafka", state: .failed(reason: reason))],
            credentials: CredentialExpiry(
                certificate: 0,
                authority: nil,
                revocationList: nil,
                failures: problems.prefix(1).map { CredentialProblem(part: "trust", reason: $0, since: 0) }
            ),
            reach: [
                PathReach(path: "/a", problem: problems.first), PathReach(path: "/b", problem: nil),
            ]
        )
    }
}
