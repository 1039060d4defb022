/// The agent's command line, which is too small for a library: that would be a tenth of the program.
package enum AgentArguments: Hashable, Sendable {
    case run(config: String)
    case check(config: String)
    case version
    case help

    /// Why the command line cannot be taken.
    package struct Mistake: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    package static let usage = """
        Watches one host and carries out a coordinator's commands there.

        usage: mitosis-agent [--config FILE] [--check]
               mitosis-agent --version | --help

          --config FILE  the agent's configuration (/etc/mitosis/agent.yaml)
          --check        check the configuration and the certificate, print a summary, and end
        """

    /// - Parameter words: without the program's name.
    package init(_ words: [String]) throws(Mistake) {
        var config: String?
        var isCheck = false
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h":
                self = .help
                return
            case "--version":
                self = .version
                return
            case "--check": isCheck = true
            case "--config":
                guard let path = rest.popFirst(), !path.isEmpty else {
                    throw Mistake(description: "--config needs a file; see --help")
                }
                config = path
            case _ where word.hasPrefix("--config="): config = String(word.dropFirst("--config=".count))
            case _: throw Mistake(description: "'\(word)' is not known; see --help")
            }
        }
        let path = config ?? "/etc/mitosis/agent.yaml"
        self = isCheck ? .check(config: path) : .run(config: path)
    }
}
