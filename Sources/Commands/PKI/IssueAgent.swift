import ArgumentParser
import CertificateAuthority
import MutualTLS
import Settings

extension PKI {
    struct IssueAgent: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "agent",
            abstract:
                "For the agents of hosts, one each: they answer coordinators and viewers, and command nobody."
        )

        @OptionGroup var location: Location
        @OptionGroup var lifetime: Issue.Lifetime

        @Option(
            name: .customLong("san"),
            parsing: .upToNextOption,
            help: "Further DNS names and addresses under which clients such as curl reach the agent."
        )
        var alternativeNames: [String] = []

        @Argument(
            help:
                "Each host, as its agent's configuration, the inventory and the plan name it; or ranges: 'zk[1-9]'."
        )
        var hosts: [String]

        func validate() throws {
            let count = try named().count
            guard alternativeNames.isEmpty || count == 1 else {
                throw ValidationError("--san is for one host. Issue the certificates one by one")
            }
        }

        func run() async throws {
            let hosts = try named()
            guard let host = hosts.first, hosts.count == 1 else {
                return try Issue.perform(.agent, hosts, lifetime: lifetime, in: location)
            }
            let names = try alternativeNames.map { text in
                guard let name = AlternativeName(text) else { throw PKIError.badAlternativeName(text: text) }
                return name
            }
            try Issue.perform(.agent, host, alternativeNames: names, lifetime: lifetime, in: location)
        }

        /// What the ranges stand for, each once.
        private func named() throws -> [String] {
            var seen: Set<String> = []
            var names: [String] = []
            for text in hosts {
                do throws(HostRange.Fault) {
                    names += try HostRange(text).texts.filter { seen.insert($0).inserted }
                } catch {
                    throw ValidationError("'\(text)' \(error)")
                }
            }
            return names
        }
    }
}
