import ControlProtocol
import Fleet
import Testing

@testable import Commands

@Suite("What agents say of themselves, printed")
struct AgentsTextTests {
    private static func status(_ host: HostName, protocolVersion: Int) throws -> HostStatus {
        HostStatus(
            host: host,
            agentVersion: "1.0.0",
            protocolVersion: protocolVersion,
            clock: 0,
            agentStartedAt: 0,
            lease: LeaseState(highestEpoch: FencingEpoch(0), current: nil, holder: nil, expiresAt: nil),
            rules: InstalledRules(backend: .nftables, wall: nil, count: 0, counters: [], listing: ""),
            zookeeper: nil
        )
    }

    @Test(
        "each agent is told of as it answers, and the sum names those that are not ready in their own order"
    )
    func status() throws {
        let (s1, s2, s3) = (
            try HostName.parsed("s1"), try HostName.parsed("s2"), try HostName.parsed("s3")
        )
        let ready = Observation.status(try Self.status(s2, protocolVersion: ControlProtocolVersion.current))
        var text = AgentsStatusText(json: false)
        #expect(
            text.told(s3, .silent(reason: "gone\u{1B}[2J"), fingerprint: nil)
                == "s3  not ready: gone\\u{1B}[2J\n"
        )
        #expect(text.isReady == false)
        #expect(
            text.told(s2, ready, fingerprint: "0123456789abcdef0123")
                == "s2  ready  mitosis-agent 1.0.0  0123456789abcdef\n"
        )
        let old = Observation.status(try Self.status(s1, protocolVersion: 0))
        #expect(text.told(s1, old, fingerprint: nil).hasPrefix("s1  not ready: its agent speaks protocol 0"))
        #expect(text.end() == "3 hosts: 1 ready, 2 not ready\nnot ready: s1, s3\n")

        var lines = AgentsStatusText(json: true)
        #expect(
            lines.told(s3, .silent(reason: "gone"), fingerprint: nil)
                == #"{"host":"s3","isReady":false,"problem":"gone"}"# + "\n"
        )
        #expect(
            lines.told(s2, ready, fingerprint: nil)
                == #"{"host":"s2","isReady":true,"version":"1.0.0"}"# + "\n"
        )
        #expect(lines.end().isEmpty && !lines.isReady)
    }
}
