import AgentClient
import ControlProtocol
import FoundationEssentials
import TestSupport
import Testing
import Topology

@Suite("What a viewer sees", .timeLimit(.minutes(1)))
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

    private func status(_ reason: String) throws -> HostStatus {
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
                    problems: []
                ),
                peerSockets: nil,
                diskFree: nil
            ),
            services: [NamedService(name: "kafka", state: .failed(reason: reason))]
        )
    }
}
