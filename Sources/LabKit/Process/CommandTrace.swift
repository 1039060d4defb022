private import Glibc

/// Which of our programs were run with which words, a line each, in the file that MITOSIS_COMMANDS names: `.ci/check-docs --ran`
/// compares them with what the documents tell people to type.
enum CommandTrace {
    private static let programs: Set<String> = ["mitosis", "mitosis-agent", "mitosis-lab"]

    static func note(_ argv: [String]) {
        guard let path = getenv("MITOSIS_COMMANDS"),
            let start = argv.firstIndex(where: { word in
                programs.contains(String(word.split(separator: "/").last ?? ""))
            })
        else { return }
        let words = argv[start...].map { $0.filter { !$0.isNewline && $0 != "\t" } }
        let line = words.joined(separator: "\t") + "\n"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // One write, so that lines of two test processes do not mix.
        _ = line.utf8.withContiguousStorageIfAvailable { write(descriptor, $0.baseAddress, $0.count) }
    }
}
