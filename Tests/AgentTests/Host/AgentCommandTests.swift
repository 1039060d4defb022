import AgentServer
import ArgumentParser
import Logs
import Testing

@Suite("The agent's command line")
struct AgentCommandTests {
    @Test("it says which file is meant, and how much is logged")
    func words() throws {
        let plain = try AgentCommand.parse([])
        #expect(plain.config == "/etc/mitosis/agent.yaml" && !plain.check && plain.logLevel == nil)
        let whole = try AgentCommand.parse(["--check", "--config", "a", "--log-level", "debug"])
        #expect(whole.config == "a" && whole.check && whole.logLevel == .debug)
        #expect(try AgentCommand.parse(["--config=b"]).config == "b")
    }

    @Test(
        "what it does not know is a mistake of usage",
        arguments: [["--config"], ["--config", ""], ["--chekc"], ["a.yaml"], ["--log-level", "verbose"]]
    )
    func mistakes(words: [String]) {
        let error = #expect(throws: (any Error).self) { try AgentCommand.parse(words) }
        #expect(error.map(AgentCommand.exitCode) == .validationFailure)
    }

    @Test("--version tells the version, and the protocol by which coordinators are matched")
    func version() {
        let error = #expect(throws: (any Error).self) { try AgentCommand.parseAsRoot(["--version"]) }
        #expect(error.map { AgentCommand.fullMessage(for: $0) } == "mitosis-agent 0.1.0 (protocol 2)")
        #expect(error.map(AgentCommand.exitCode) == .success)
    }

    @Test("what root does on the host itself are commands of their own, and say --local")
    func local() throws {
        #expect(try AgentCommand.parseAsRoot(["rules", "list", "--local"]) is any AsyncParsableCommand)
        #expect(throws: Never.self) {
            try AgentCommand.parseAsRoot(["rules", "clean", "--local", "--force"])
        }
        #expect(throws: Never.self) { try AgentCommand.parseAsRoot(["lease", "show", "--config", "a"]) }
        #expect(throws: Never.self) {
            try AgentCommand.parseAsRoot(["lease", "reset", "--epoch", "7", "--yes"])
        }
        #expect(try AgentCommand.parseAsRoot(["--config", "a", "--check"]) is AgentCommand)
        for words in [
            ["rules", "list"], ["rules", "clean"], ["lease", "reset", "--epoch", "18446744073709551615"],
        ] {
            let error = #expect(throws: (any Error).self) { try AgentCommand.parseAsRoot(words) }
            #expect(error.map(AgentCommand.exitCode) == .validationFailure)
        }
    }
}
