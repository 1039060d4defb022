import FoundationEssentials
import LabKit
import Testing

/// What an operator can say with curl, and what is refused, with the reason in the agent's log.
@Suite("curl", .serialized, .countingIssues, .enabled(if: LabFixture.isPossible, "a lab needs root"))
struct CurlTests {
    @Test(
        "a viewer reads and may not command; an agent, a foreigner and a stranger are refused",
        .hangLimit
    )
    func identities() async throws {
        try await LabFixture.withLab { lab in
            try await lab.up()
            let pki = lab.layout.pki
            let foreign = lab.layout.control + "/foreign-pki"
            for arguments in [
                ["issue", "viewer", "nagios", "--directory", pki], ["init", "--directory", foreign],
                ["issue", "viewer", "nagios", "--directory", foreign],
            ] {
                let issued = try await Tool([lab.binaries.coordinator, "pki"] + arguments).outcome()
                try #require(issued.succeeded, "\(issued.diagnostics)")
            }
            let viewer = "\(pki)/viewers/nagios"
            let host = lab.configuration.sourceHosts[0]
            let curl = Curl(lab: lab, url: "https://\(host.ipv4):9760", authority: pki + "/ca.pem")

            let status = try await curl.get("/v1/status", as: viewer)
            #expect(status.code == "200" && status.body.contains(#""host":"s1""#), "\(status)")
            let metrics = try await curl.get("/metrics", as: viewer)
            #expect(metrics.code == "200" && metrics.body.contains("# TYPE mitosis_"), "\(metrics)")

            let command = #"{"id":"x-1","lease":{"runID":"x","epoch":1},"command":{"removeWall":{}}}"#
            let refused = try await curl.post("/v1/commands", command, as: viewer)
            #expect(refused.code == "403", "\(refused)")
            #expect(refused.body.contains("viewer/nagios"), "\(refused)")
            try await Self.expectLog(lab, host, "viewer/nagios")

            for (certificate, reason) in [
                ("\(pki)/agents/s2", "agent/s2"), ("\(foreign)/viewers/nagios", "nagios"),
                (nil, "certificate"),
            ] {
                let answer = try await curl.get("/v1/status", as: certificate)
                #expect(answer.code != "200", "\(certificate ?? "none"): \(answer)")
                try await Self.expectLog(lab, host, reason)
            }
            let imposter = Curl(
                lab: lab,
                url: "https://s2:9760",
                authority: pki + "/ca.pem",
                resolve: "s2:9760:\(host.ipv4)"
            )
            let mistaken = try await imposter.get("/v1/status", as: viewer)
            #expect(mistaken.code == "000", "the certificate of s1 was taken for that of s2: \(mistaken)")
        }
    }

    private static func expectLog(_ lab: Lab, _ host: LabHost, _ text: String) async throws {
        let path = lab.layout.host(host).agentLog
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let lines = try Folder.read(path).split(separator: "\n")
            let isTold = lines.contains { line in
                (line.contains("connection refused") || line.contains("request denied"))
                    && line.contains(text)
            }
            if isTold { return }
            guard ContinuousClock.now < deadline else {
                Issue.record(
                    "no refusal with '\(text)' in the agent's log:\n\(lines.suffix(8).joined(separator: "\n"))"
                )
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
