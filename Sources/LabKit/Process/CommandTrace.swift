private import Glibc

/// Which of our programs were run with which words, a line each, in the file that MITOSIS_COMMANDS names: `.ci/check-docs --ran`
/// compares them with what the documents tell people to type.
package enum CommandTrace {
    private static let programs: Set<String> = ["mitosis", "mitosis-agent", "mitosis-lab"]
    /// What our programs end with that do not understand their words, and shells that cannot run one.
    private static let notRun: Set<Int32> = [EX_USAGE, 126, 127]
    /// With one of them a shell's script is more than commands one after another.
    private static let shellsOwn: Set<Character> = ["|", ";", "&", "<", "$", "`", "(", ")", "{", "}", "\n"]

    /// - Parameter status: what it ended with; nil while it runs.
    static func note(_ argv: [String], status: Int32?) {
        guard let path = getenv("MITOSIS_COMMANDS") else { return }
        for command in commands(of: argv, status: status) {
            let words = command.map { $0.filter { !$0.isNewline && $0 != "\t" } }
            let line = words.joined(separator: "\t") + "\n"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { return }
            defer { close(descriptor) }
            // One write, so that lines of two test processes do not mix.
            _ = line.utf8.withContiguousStorageIfAvailable { write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// Our programs' commands that `argv` has run: its own, behind whatever enters a host first, or those of a shell's script, also
    /// where `script` runs it on a terminal.
    package static func commands(of argv: [String], status: Int32?) -> [[String]] {
        if let status, notRun.contains(status) { return [] }
        if argv.dropLast().last == "-c", let script = argv.last {
            return status == 0 ? commands(inScript: script) : []
        }
        if argv.first == "script", let place = argv.firstIndex(of: "-qec"), place + 1 < argv.count {
            return status == 0 ? commands(inScript: argv[place + 1]) : []
        }
        let start = argv.indices.first { index in
            isOurs(argv[index])
                && (argv[index].contains("/") || index == 0 || argv[index - 1] == "--")
        }
        return start.map { [Array(argv[$0...])] } ?? []
    }

    /// Where each command had to succeed for the next one to be run; none of a script that does more.
    private static func commands(inScript script: String) -> [[String]] {
        let parts = script.split(separator: "&&")
        guard parts.allSatisfy({ part in !part.contains(where: shellsOwn.contains) }) else { return [] }
        return parts.map { part in part.split(separator: " ").map { word in word.filter { $0 != "'" } } }
            .filter { words in words.first.map(isOurs) ?? false }
    }

    private static func isOurs(_ word: String) -> Bool {
        programs.contains(String(word.split(separator: "/").last ?? ""))
    }
}
