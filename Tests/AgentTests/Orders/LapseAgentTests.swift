import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import Testing
import Topology

/// An order that lapses, by the real program, with and without an agent.
@Suite("An order that lapses, by its agent", .needsAgentHost, .serialized, .timeLimit(.minutes(10)))
struct LapseAgentTests {
    private static let lease = #"{"runID":"r","epoch":1}"#
    private static let original = Array("server.1=a:2888:3888\n".utf8)
    private static let joint = Array("server.1=a:2888:3888\nserver.4=d:2888:3888\n".utf8)

    private struct Host {
        let agent: NamespacedAgent
        var folder: String { agent.configuration.replacing("/agent.yaml", with: "") }
        var state: String { folder + "/state" }
        var file: String { folder + "/zoo.cfg" }

        func command(_ id: String, _ command: String) async throws -> String {
            _ = try await agent.ask(
                "/v1/lease",
                #"{"lease":\#(LapseAgentTests.lease),"secondsToLive":600,"takeOver":false}"#
            )
            return try await agent.ask(
                "/v1/commands",
                #"{"id":"\#(id)","lease":\#(LapseAgentTests.lease),"command":\#(command)}"#
            )
        }

        /// As the division's wall on a host whose server does not run, with a file to be put back.
        func order() async throws {
            try Data(LapseAgentTests.original).write(to: URL(filePath: file))
            let digest = ContentDigest.sha256(Data(LapseAgentTests.original))
            let content = Data(LapseAgentTests.joint).base64EncodedString()
            let lapse =
                #"{"seconds":10,"files":[{"path":"\#(file)","expected":"\#(digest)","content":"\#(content)"}],"starts":false}"#
            let wall = #"{"peers":["198.51.100.7"],"scope":{"ports":{"numbers":[2888,3888]}}}"#
            let answer = try await command(
                "r.1",
                #"{"installWall":{"wall":\#(wall),"holding":["zookeeper.service"],"lapse":\#(lapse)}}"#
            )
            try #require(answer.contains(#""done""#), "\(answer)")
            let told = try await agent.ask("/v1/status")
            #expect(told.contains(#""phase":"provisional""#) && told.contains(#""lapsesIn":"#), "\(told)")
            #expect(
                try await agent.ask("/metrics").contains("mitosis_order_phase{phase=\"provisional\"} 1\n")
            )
        }

        /// What its going back left in the audit trail.
        func expectAudited(by identity: String) throws {
            let lines = try agent.audit().split(separator: "\n")
                .filter { $0.contains(#""command":"go back "#) }
            let digest = ContentDigest.sha256(Data(LapseAgentTests.joint))
            #expect(lines.count == 2, "\(lines)")
            for (line, outcome) in zip(lines, ["begun", "done"]) {
                #expect(line.contains(#""outcome":"\#(outcome)""#) && line.contains(#""run":"r""#), "\(line)")
                #expect(line.contains(" writing=\(file) from=") && line.contains("to=\(digest) remove wall"))
                #expect(line.contains(#""identity":"\#(identity)""#), "\(line)")
            }
        }

        func isBack() async throws -> Bool {
            do throws(FirewallError) {
                guard try await agent.firewall.installed().count == 0 else { return false }
            } catch {
                // They went while they were being read.
                return false
            }
            return Array(try Data(contentsOf: URL(filePath: file))) == LapseAgentTests.joint
        }
    }

    @Test("an agent that hears no coordinator takes it back, says so, and refuses to keep it")
    func byAgent() async throws {
        try await NamespacedAgent.with { agent in
            let host = Host(agent: agent)
            try await agent.start()
            try await host.order()
            let refused = try await host.command(
                "r.2",
                #"{"service":{"request":{"service":"zookeeper.service","action":"start"}}}"#
            )
            #expect(refused.contains("has not committed its division"), "\(refused)")
            let deadline = ContinuousClock.now + .seconds(60)
            while try await !host.isBack() {
                let said = try agent.log()
                try #require(ContinuousClock.now < deadline, "\(said)")
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(
                try await agent.byHand(["--hold-check", "zookeeper.service", "--state", host.state]).isSuccess
            )
            try host.expectAudited(by: "spiffe://mitosis/agent/s1")
            let late = try await host.command("r.3", #"{"keepOrder":{}}"#)
            #expect(late.contains("has gone back by itself"), "\(late)")
            #expect(try await agent.ask("/v1/status").contains(#""phase":"lapsed""#))
            #expect(try await host.command("r.4", #"{"removeWall":{}}"#).contains(#""done""#))
            #expect(try await !agent.ask("/v1/status").contains(#""order""#))
            #expect(access(host.state + "/orders/lapses", F_OK) != 0)
        }
    }

    @Test("without an agent the watch takes it back, by the order alone")
    func byWatch() async throws {
        try await NamespacedAgent.with { agent in
            let host = Host(agent: agent)
            try await agent.start()
            try await host.order()
            agent.end(SIGKILL)
            // It needs no configuration either.
            #expect(unlink(agent.configuration) == 0)
            let watch = try await agent.byHand(["--lapse-watch", "--state", host.state])
            #expect(watch.isSuccess, "\(watch.diagnostics)")
            #expect(try await host.isBack())
            #expect(access(host.state + "/orders/lapses", F_OK) != 0)
            try host.expectAudited(by: "mitosis-agent --lapse-watch on this host")
            // Nothing is left to be watched.
            #expect(try await agent.byHand(["--lapse-watch", "--state", host.state]).isSuccess)
        }
    }

    @Test("what is committed is kept, with the host's own file, and leaves nothing to be watched")
    func kept() async throws {
        try await NamespacedAgent.with { agent in
            let host = Host(agent: agent)
            try await agent.start()
            try await host.order()
            let elsewhere = try await host.command(
                "r.2",
                #"{"keepOrder":{"restoring":[{"path":"/etc/passwd"}]}}"#
            )
            #expect(elsewhere.contains("is none of files"), "\(elsewhere)")
            // This run has never written to it: nothing can be put back, and nothing is committed.
            let unwritten = try await host.command(
                "r.3",
                #"{"keepOrder":{"restoring":[{"path":"\#(host.file)"}]}}"#
            )
            #expect(unwritten.contains("is not committed on this host"), "\(unwritten)")
            #expect(try await agent.ask("/v1/status").contains(#""phase":"provisional""#))
            let digest = ContentDigest.sha256(Data(Self.original))
            let joint = Data(Self.joint).base64EncodedString()
            _ = try await host.command(
                "r.4",
                #"{"writeFile":{"write":{"path":"\#(host.file)","expected":"\#(digest)","content":"\#(joint)"}}}"#
            )
            #expect(Array(try Data(contentsOf: URL(filePath: host.file))) == Self.joint)
            let answer = try await host.command(
                "r.5",
                #"{"keepOrder":{"restoring":[{"path":"\#(host.file)"}]}}"#
            )
            #expect(answer.contains(#""phase":"kept""#), "\(answer)")
            #expect(try await agent.byHand(["--lapse-watch", "--state", host.state]).isSuccess)
            #expect(try await agent.firewall.installed().count > 0)
            #expect(Array(try Data(contentsOf: URL(filePath: host.file))) == Self.original)
            #expect(try await agent.ask("/v1/status").contains(#""phase":"kept""#))
        }
    }
}
