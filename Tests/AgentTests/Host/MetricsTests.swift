import AgentClient
import AgentServer
import ControlProtocol
import Testing

@Suite("The metrics page", .timeLimit(.minutes(10)))
struct MetricsTests {
    private static let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"

    private func page(_ agent: TestAgent) async throws -> String {
        let reply = try await RawConnection.open(agent).exchange(Self.request)
        let end = try #require(reply.firstRange(of: "\r\n\r\n"))
        return String(reply[end.upperBound...])
    }

    @Test("every line is one that Prometheus reads, and no series stands twice")
    func format() async throws {
        try await TestAgent.with { agent in
            let page = try await page(agent)
            var declared: Set<String> = []
            var series: Set<String> = []
            for line in page.split(separator: "\n") {
                if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) (gauge|counter)/) {
                    #expect(declared.insert(String(match.1)).inserted)
                } else if line.wholeMatch(of: /# HELP [a-z_]+ .+/) == nil {
                    let sample = try #require(
                        line.wholeMatch(
                            of:
                                /([a-z_]+)(\{[a-z0-9_]+="([^"\\]|\\.)*"(,[a-z0-9_]+="([^"\\]|\\.)*")*\})? -?[0-9]+(\.[0-9]+)?/
                        ),
                        "\(line)"
                    )
                    #expect(declared.contains(String(sample.1)))
                    #expect(series.insert(String(sample.1) + String(sample.2 ?? "")).inserted)
                }
            }
        }
    }

    @Test("what is observed is told: roles one by one, counters summed, labels escaped")
    func content() async throws {
        try await TestAgent.with { agent in
            let client = try agent.client()
            _ = try await client.acquire(Sample.request(Sample.lease("a", 9)))
            _ = try await client.perform(Sample.command(Sample.lease("a", 9)))
            let page = try await page(agent)
            for line in [
                #"mitosis_agent_info{host="s1",version="\#(ProgramVersion.current)",protocol="\#(ControlProtocolVersion.current)",firewall="nftables"} 1"#,
                #"mitosis_zookeeper_role{role="follower"} 1"#, #"mitosis_zookeeper_role{role="leader"} 0"#,
                #"mitosis_rule_packets_total{chain="input",family="ipv4"} 5"#,
                "mitosis_zookeeper_zxid_epoch 5",
                "mitosis_disk_zxid_counter 17", "mitosis_lease_epoch 9", "mitosis_lease_held 1",
                "mitosis_lease_expiry_seconds 1800000030.000", #"mitosis_commands_total{outcome="done"} 1"#,
                #"mitosis_config_file_info{path="/etc/zoo \"x\".cfg",sha256="ab"} 1"#,
                "mitosis_service_start_time_seconds 1700000000.123", "mitosis_disk_free_bytes 1099511627776",
            ] { #expect(page.contains("\n" + line + "\n") || page.hasPrefix(line), "\(line)") }
        }
    }

    @Test("rules that cannot be read are told as such, and the rest of the page stays")
    func rulesUnreadable() async throws {
        try await TestAgent.with { agent in
            agent.host.failRules()
            let page = try await page(agent)
            #expect(page.contains("mitosis_rules_unreadable 1\n"))
            #expect(!page.contains("mitosis_rules_installed"))
            #expect(page.contains("mitosis_zookeeper_nodes 42\n"))
        }
    }
}
