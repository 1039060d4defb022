import ArgumentParser
import Commands
import Testing

@Suite("Shell completions")
struct CompletionTests {
    @Test("every command is completed, in every shell", arguments: [CompletionShell.bash, .zsh, .fish])
    func everyCommand(shell: CompletionShell) {
        let words = Set(
            MitosisCommand.completionScript(for: shell)
                .split { !$0.isLetter && $0 != "-" }
                .map(String.init)
        )
        let commands = Self.names(of: MitosisCommand.self)
        #expect(commands.count > 15)
        #expect(commands.filter { !words.contains($0) } == [])
    }

    @Test("where the way back ends is completed", arguments: [CompletionShell.bash, .zsh, .fish])
    func goals(shell: CompletionShell) {
        let words = MitosisCommand.completionScript(for: shell).split { !$0.isLetter && $0 != "-" }
        #expect(words.contains("untouched") && words.contains("joint"))
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        let subcommands: [any ParsableCommand.Type] = command.configuration.subcommands
        return [command._commandName] + subcommands.flatMap { names(of: $0) }
    }
}
