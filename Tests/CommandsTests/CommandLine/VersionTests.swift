import ArgumentParser
import Commands
import Testing

@Suite("mitosis --version")
struct VersionTests {
    @Test("it tells the version, and the protocol by which agents are matched")
    func version() {
        let error = #expect(throws: (any Error).self) { try MitosisCommand.parseAsRoot(["--version"]) }
        #expect(error.map { MitosisCommand.fullMessage(for: $0) } == "mitosis 0.1.0 (protocol 2)")
        #expect(error.map(MitosisCommand.exitCode) == .success)
    }
}
