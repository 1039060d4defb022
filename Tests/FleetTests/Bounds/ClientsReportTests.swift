import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@Suite("What an agent says of clients is bounded")
struct ClientsReportTests {
    private func read(_ json: String) throws(WireProblem) -> ClientsReport {
        try WireJSON.decode(from: Data(json.utf8))
    }

    private func report(
        connections: String = "[]",
        sessions: String = "[]",
        ports: String = "[2181]"
    ) throws(WireProblem) -> ClientsReport {
        try read(
            #"{"ports":\#(ports),"connections":\#(connections),"truncated":false,"sessions":\#(sessions),"sessionsAreWhole":true}"#
        )
    }

    @Test("a report comes back as it was")
    func roundTrip() throws {
        let port = try #require(Port(2181))
        let address = try #require(IPAddress("2001:db8::7"))
        let sent = ClientsReport(
            ports: [port],
            connections: [.init(address: address, port: port, count: 3)],
            sessions: [
                .init(id: SessionNumber(-1), address: address, timeout: 18_000),
                .init(id: SessionNumber(7), address: address),
            ],
            sessionsAreWhole: true
        )
        let data = try JSONEncoder().encode(sent)
        #expect(String(decoding: data, as: UTF8.self).contains(#""0xffffffffffffffff""#))
        #expect(try WireJSON.decode(ClientsReport.self, from: data) == sent)
    }

    @Test(
        "what cannot be is not believed",
        arguments: [
            #"[{"address":"10.0.0.7","port":2181,"count":-1}]"#,
            #"[{"address":"10.0.0.7","port":2181,"count":1000000000001}]"#,
            #"[{"address":"10.0.0.7","port":0,"count":1}]"#, #"[{"address":"app7","port":2181,"count":1}]"#,
        ]
    )
    func connections(_ text: String) {
        #expect(throws: WireProblem.self) { try report(connections: text) }
    }

    @Test(
        "nor is a session that is none",
        arguments: [
            #"[{"id":"0x","address":"10.0.0.7"}]"#, #"[{"id":"0x11112222333344445","address":"10.0.0.7"}]"#,
            #"[{"id":"5","address":"10.0.0.7"}]"#, #"[{"id":"0x5","address":"10.0.0"}]"#,
            #"[{"id":"0x5","address":"10.0.0.7","timeout":-1}]"#,
            #"[{"id":"0x5","address":"10.0.0.7","timeout":3155760000001}]"#,
        ]
    )
    func sessions(_ text: String) {
        #expect(throws: WireProblem.self) { try report(sessions: text) }
    }

    @Test("nor are lists that are longer than an agent makes them")
    func lengths() throws {
        let connection = #"{"address":"10.0.0.7","port":2181,"count":1}"#
        let connections = { (count: Int) in
            "[" + [String](repeating: connection, count: count).joined(separator: ",") + "]"
        }
        let most = ClientsReport.mostConnections
        #expect(try report(connections: connections(most)).connections?.count == most)
        #expect(throws: WireProblem.self) { try report(connections: connections(most + 1)) }
        let session = #"{"id":"0x5","address":"10.0.0.7"}"#
        let sessions = [String](repeating: session, count: ClientsReport.mostSessions + 1)
        #expect(throws: WireProblem.self) {
            try report(sessions: "[" + sessions.joined(separator: ",") + "]")
        }
        let ports = [String](repeating: "2181", count: 65).joined(separator: ",")
        #expect(throws: WireProblem.self) { try report(ports: "[\(ports)]") }
    }

    @Test("what is beyond the bounds is left out by the agent, and said")
    func cut() throws {
        let port = try #require(Port(2181))
        let address = try #require(IPAddress("10.0.0.7"))
        let report = ClientsReport(
            ports: [port],
            connections: .init(
                repeating: .init(address: address, port: port, count: 1),
                count: ClientsReport.mostConnections + 1
            ),
            sessions: .init(
                repeating: .init(id: SessionNumber(5), address: address),
                count: ClientsReport.mostSessions + 1
            ),
            sessionsAreWhole: true
        )
        #expect(report.truncated && report.connections?.count == ClientsReport.mostConnections)
        #expect(!report.sessionsAreWhole && report.sessionsObstacle?.contains("50000") == true)
        let data = try JSONEncoder().encode(report)
        #expect(try WireJSON.decode(ClientsReport.self, from: data) == report)
    }
}
