/// A file for `iptables-restore`, written by `iptables-save` or by a person.
enum SavedFile {
    /// The lines that make a hand-made rule, also among others, and those that cut a set off.
    ///
    /// A list of addresses makes one rule of each.
    static func lines(_ content: [UInt8], sought: SoughtAddresses) -> [RuleFiles.Line] {
        var found: [RuleFiles.Line] = []
        var table = "filter"
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = String(decoding: bytes, as: UTF8.self)
            if line.hasPrefix("*") {
                table = line.dropFirst().split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
            } else if let kind = kind(line, table, sought) {
                found.append(RuleFiles.Line(number: index + 1, text: line, kind: kind))
            }
        }
        return found
    }

    private static func kind(
        _ line: String,
        _ table: String,
        _ sought: SoughtAddresses
    ) -> RuleFiles.Line.Kind? {
        guard line.contains("--match-set") || sought.mention(in: line) == .named else { return nil }
        var words = RuleWords.split(line.replacing("\t", with: " ").replacing("\r", with: " "))
        if let first = words.first, first.hasPrefix("[") { words.removeFirst() }
        return kind(words, table: table, chain: nil, sought)
    }

    /// Of the words of a command of iptables, without its name; nil when they make nothing of the sort.
    ///
    /// - Parameter chain: where the words do not say.
    static func kind(
        _ words: [String],
        table: String,
        chain: String?,
        _ sought: SoughtAddresses
    ) -> RuleFiles.Line.Kind? {
        var table = table
        var words = words
        if let option = words.firstIndex(where: { $0 == "-t" || $0 == "--table" }), option + 1 < words.count {
            table = words[option + 1]
            words.removeSubrange(option...(option + 1))
        }
        // Says only how to wait for others.
        words.removeAll { $0 == "-w" || $0 == "--wait" }
        var chain = chain
        if let verb = words.first, ["-A", "--append", "-I", "--insert"].contains(verb) {
            guard words.count > 1 else { return nil }
            chain = words[1]
            words.removeFirst(2)
            if let number = words.first, number.allSatisfy(\.isNumber), !number.isEmpty {
                words.removeFirst()
            }
        }
        guard let chain else { return nil }
        var found: RuleFiles.Line.Kind?
        for words in expanded(words) {
            let specification = words.map(quoted).joined(separator: " ")
            switch IptablesVerdict.of(specification, table: table, chain: chain, sought: sought) {
            case .handMade: return .copy
            case .cut(let cut): found = .cut(cut)
            case .unconcerned, .other: continue
            }
        }
        return found
    }

    /// As iptables does it: one rule for each pair of addresses.
    private static func expanded(_ words: [String]) -> [[String]] {
        var all = [words]
        let options = ["-s", "--src", "--source", "-d", "--dst", "--destination"]
        for (index, word) in words.enumerated() where index > 0 && options.contains(words[index - 1]) {
            let parts = word.split(separator: ",").map(String.init)
            guard parts.count > 1 else { continue }
            all = all.flatMap { words in
                parts.map { part in
                    var words = words
                    words[index] = part
                    return words
                }
            }
            // Beyond what a kernel is ever given in one line.
            guard all.count <= 100_000 else { return [words] }
        }
        return all
    }

    private static func quoted(_ word: String) -> String {
        "\"\(word.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
