/// What a host's kernel still filters, line by line.
package struct RulesLeft: Codable, Sendable, Hashable {
    package let host: String
    package let lines: [String]
}

extension Lab {
    /// Asks the kernel of every host, not the agents; an empty list for a host is what is wanted.
    ///
    /// A lab's hosts start without any rule, so that whatever is found was left by a run.
    package func rulesLeft() async throws(LabError) -> [RulesLeft] {
        var all: [RulesLeft] = []
        for host in configuration.hosts {
            // nft shows what iptables-nft made, too; the legacy tables are apart from it.
            var lines = try await listing(["nft", "list", "ruleset"], on: host)
            for program in ["iptables-legacy-save", "ip6tables-legacy-save"] {
                lines += try await listing([program], on: host).filter(Self.isLegacyResidue)
            }
            all.append(RulesLeft(host: host.name, lines: lines))
        }
        return all
    }

    private func listing(_ argv: [String], on host: LabHost) async throws(LabError) -> [String] {
        let step = "\(argv[0]) on \(host.name)"
        return try await Tool(argv, namespace: namespace(of: host)).output(step: step)
            .split(separator: "\n").map(String.init)
    }

    /// A rule, or a chain that is not built in (those have a policy where others have a dash).
    private static func isLegacyResidue(_ line: String) -> Bool {
        line.hasPrefix("-") || (line.hasPrefix(":") && line.contains(" - "))
    }
}
