import Topology

/// All tables of one family as `iptables-save -c` prints them.
struct SavedRules: Hashable, Sendable {
    struct Rule: Hashable, Sendable {
        let table: String
        let chain: String
        let packets: UInt64
        /// What follows `-A CHAIN`, as printed; `-D CHAIN` with the same words deletes it.
        let specification: String
    }

    /// Names of the tables that were printed.
    let tables: Set<String>
    /// Names of the tables that iptables-nft said it cannot read.
    let incompatible: Set<String>
    let rules: [Rule]

    /// Nil when anything is there that `iptables-save -c` does not print.
    init?(_ text: String) {
        var tables: Set<String> = []
        var incompatible: Set<String> = []
        var rules: [Rule] = []
        var table: String?
        guard let lines = Self.lines(text) else { return nil }
        for line in lines {
            switch line.first {
            case nil, ":": continue
            case "#":
                guard FilterTable.isIncompatible(line) else { continue }
                guard let name = Self.quoted(line) else { return nil }
                incompatible.insert(name)
            case "*":
                let name = String(line.dropFirst())
                table = name
                tables.insert(name)
            case "C" where line == "COMMIT": table = nil
            case _:
                guard let table, let rule = Rule(line: line, table: table) else { return nil }
                rules.append(rule)
            }
        }
        self.tables = tables.subtracting(incompatible)
        self.incompatible = incompatible
        self.rules = rules
    }

    /// A comment may have line breaks, which are printed as they are: what follows one is no rule.
    ///
    /// Nil when a quote does not end.
    private static func lines(_ text: String) -> [String]? {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var isQuoted = false
        var isEscaped = false
        for character in text.unicodeScalars {
            if character == "\n", !isQuoted {
                lines.append(String(line))
                line = String.UnicodeScalarView()
                continue
            }
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = isQuoted
            } else if character == "\"", let first = line.first, first == "[" || first == "-" {
                isQuoted.toggle()
            }
            line.append(character)
        }
        guard !isQuoted else { return nil }
        return line.isEmpty ? lines : lines + [String(line)]
    }

    /// As in: # Table `filter' is incompatible, use 'nft' tool.
    private static func quoted(_ line: String) -> String? {
        guard let start = line.firstIndex(of: "`") else { return nil }
        let rest = line[line.index(after: start)...]
        guard let end = rest.firstIndex(of: "'") else { return nil }
        return String(rest[..<end])
    }
}

extension SavedRules.Rule {
    /// Reads `[PACKETS:BYTES] -A CHAIN WORDS`.
    fileprivate init?(line: String, table: String) {
        let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[1] == "-A", !parts[2].isEmpty, parts[0].first == "[",
            parts[0].last == "]"
        else { return nil }
        let counts = parts[0].dropFirst().dropLast().split(separator: ":").map { UInt64($0) }
        guard counts.count == 2, let packets = counts[0], counts[1] != nil else { return nil }
        self.init(
            table: table,
            chain: String(parts[2]),
            packets: packets,
            specification: parts.count > 3 ? String(parts[3]) : ""
        )
    }
}
