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

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        let subcommands: [any ParsableCommand.Type] = command.configuration.subcommands
        return [command._commandName] + subcommands.flatMap { names(of: $0) }
    }
}
