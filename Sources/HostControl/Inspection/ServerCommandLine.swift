import ControlProtocol
import Glibc
import SystemCalls

/// How a running ZooKeeper server was started: which file it was told to read, which system properties it got.
///
/// Read from `/proc`. The properties are those of the start; what the server sets itself from its file is not among them.
struct ServerCommandLine {
    private static let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    /// Read by the JVM before the command line, in this order.
    private static let variablesBefore = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"]
    /// Read by the JVM after it.
    private static let variablesAfter = ["_JAVA_OPTIONS"]

    /// What stands before the main class.
    private let options: ArraySlice<String>
    /// As it stands there; nil for a server without one (a port and a directory instead: it runs standalone).
    private let file: String?
    private let pid: Int32

    /// Nil when the process is no ZooKeeper server, or cannot be looked into.
    init?(ofProcess pid: Int32) {
        // A shell or another program around it can have the same words on its command line.
        guard JavaProcess.isJava(pid), let line = KernelText.read("/proc/\(pid)/cmdline") else { return nil }
        self.init(arguments: Self.split(line), pid: pid)
    }

    init?(arguments: [String], pid: Int32 = 0) {
        guard let index = arguments.firstIndex(of: Self.main) else { return nil }
        let rest = arguments[(index + 1)...].filter { !$0.isEmpty }
        file = rest.count == 1 ? rest.first : nil
        options = arguments[..<index]
        self.pid = pid
    }

    /// Those that `ToldProperties` names.
    ///
    /// Nil when the process's environment, which can hold some, cannot be read; reads it anew.
    func properties() -> [String: String]? {
        KernelText.read("/proc/\(pid)/environ").map { ToldProperties.told(of: all(Self.split($0))) }
    }

    /// Every one of them: passwords are among them, and stay here.
    func all(_ environment: [String]) -> [String: String] {
        let variables = { (names: [String]) in
            names.flatMap { name in
                environment.filter { $0.hasPrefix("\(name)=") }
                    .flatMap { Self.words(String($0.dropFirst(name.utf8.count + 1))) }
            }
        }
        let all = variables(Self.variablesBefore) + options + variables(Self.variablesAfter)
        return all.reduce(into: [:]) { properties, argument in
            guard argument.hasPrefix("-D"), argument != "-D" else { return }
            let parts = argument.dropFirst(2)
                .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            properties[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
    }

    private static func split(_ text: String) -> [String] {
        text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    }

    /// As it was started, or as the kernel names it; a program that was replaced since has gone from there.
    var program: String? {
        if let first = options.first, first.hasPrefix("/") { return first }
        return KernelLink.target(of: "/proc/\(pid)/exe").map { String(JavaProcess.named($0)) }
    }

    /// The last one said counts, and the environment's where none is.
    var classPath: String? {
        var found: String?
        for (option, next) in zip(options, options.dropFirst()) where Self.classPaths.contains(option) {
            found = next
        }
        return found
            ?? KernelText.read("/proc/\(pid)/environ").flatMap { text in
                Self.split(text).first { $0.hasPrefix("CLASSPATH=") }.map { String($0.dropFirst(10)) }
            }
    }

    private static let classPaths = ["-cp", "-classpath", "--class-path"]

    /// The file that the process was told to read, absolute.
    var configPath: String? {
        guard let file, !file.hasPrefix("/") else { return file }
        return KernelLink.target(of: "/proc/\(pid)/cwd").map { "\($0)/\(file)" }
    }

    /// At white space, as the JVM does it: what stands in quotes of either kind is one word.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in text {
            if character == quote {
                quote = nil
            } else if quote == nil, character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if quote == nil, character.isWhitespace {
                if let word { words.append(word) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }
}
