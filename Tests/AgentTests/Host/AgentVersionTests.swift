import ControlProtocol
import Testing

@Suite("mitosis-agent --version")
struct AgentVersionTests {
    @Test("it tells the version, and the protocol by which coordinators are matched")
    func version() {
        #expect(ProgramVersion.line(of: "mitosis-agent") == "mitosis-agent 0.1.0 (protocol 2)")
    }
}
