/// A file for `nft -f`: its statements, as far as it takes to see which of them reject or drop an address.
///
/// Its grammar is not read in full. A statement counts that names an address, rejects or drops, and has no word for a port, an
/// interface or a state in it, whatever chain it is for: rather one too many is named to a person than one too few.
struct NativeFile {
    /// A statement that rejects or drops named sets.
    struct Asking: Hashable, Sendable {
        let number: Int
        let text: String
        let sets: [String]
    }

    private(set) var lines: [RuleFiles.Line] = []
    private(set) var asking: [Asking] = []
    /// Named sets that hold an address, with the first element that does.
    private(set) var sets: [String: String] = [:]
    private(set) var included: [String] = []
    /// What `define` said here and before.
    private(set) var variables: [String: [String]]

    /// What asks for more than addresses.
    private static let narrowing: Set<String> = [
        "dport", "sport", "iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup", "ct", "udp", "icmp",
        "icmpv6",
        "sctp", "mark", "fib", "socket", "limit", "vmap", "skuid", "skgid", "cgroup", "ether", "vlan", "!=",
    ]
    private static let longestText = 200

    private struct Token {
        let text: String
        let line: Int
    }

    init(_ content: [UInt8], sought: SoughtAddresses, variables: [String: [String]] = [:]) {
        self.variables = variables
        var statement: [Token] = []
        /// Open braces: whether each holds a set, over whose line breaks a statement goes on.
        var braces: [Bool] = []
        /// Of those that hold statements: the set that they make.
        var made: [String?] = []
        for token in Self.tokens(String(decoding: content, as: UTF8.self)) {
            switch token.text {
            case "{":
                let isSet =
                    braces.last == true || statement.last.map { Self.leadsToSet($0.text) } ?? false
                    || Self.addsElements(statement)
                braces.append(isSet)
                if isSet {
                    statement.append(token)
                } else {
                    made.append(statement.first?.text == "set" ? statement.last?.text : nil)
                    end(&statement, sought)
                }
            case "}":
                if braces.popLast() == true {
                    statement.append(token)
                } else {
                    end(&statement, sought, of: made.last ?? nil)
                    _ = made.popLast()
                }
            case "\n", ";":
                if braces.last != true { end(&statement, sought, of: made.last ?? nil) }
            case _: statement.append(token)
            }
        }
        end(&statement, sought)
    }

    private static func leadsToSet(_ word: String) -> Bool {
        [
            "saddr", "daddr", "==", "!=", "=", "vmap", "dport", "sport", "state", "iifname", "oifname",
            "elements",
        ]
        .contains(word)
    }

    /// As in: add element inet filter cut { 198.51.100.1 }.
    private static func addsElements(_ statement: [Token]) -> Bool {
        statement.count > 2 && ["add", "create"].contains(statement[0].text) && statement[1].text == "element"
    }

    /// An element of several parts asks for more than an address.
    private mutating func add(_ elements: some Sequence<String>, to set: String, _ sought: SoughtAddresses) {
        let words = expanded(Array(elements), depth: 0)
        guard sets[set] == nil, !words.contains(".") else { return }
        sets[set] = words.first { !$0.hasPrefix("\"") && sought.mention(in: $0) != .none }
    }

    /// - Parameter set: the one whose definition it stands in.
    private mutating func end(
        _ statement: inout [Token],
        _ sought: SoughtAddresses,
        of set: String? = nil
    ) {
        defer { statement = [] }
        guard let first = statement.first else { return }
        let words = statement.map(\.text)
        switch first.text {
        case "include":
            if words.count > 1 { included.append(words[1].filter { $0 != "\"" }) }
        case "define", "redefine":
            guard words.count > 3, words[2] == "=" else { return }
            variables["$" + words[1]] = expanded(Array(words[3...]), depth: 0)
        case "elements":
            if let set { add(words.dropFirst(), to: set, sought) }
        case _ where Self.addsElements(statement):
            let name = words.prefix { $0 != "{" }.last ?? ""
            add(words.drop { $0 != "{" }, to: name, sought)
        case _:
            let whole = expanded(words, depth: 0)
            let said = whole.filter { !$0.hasPrefix("\"") }
            // What follows tells how to reject.
            let asked = said.prefix { $0 != "reject" }
            guard said.contains("drop") || said.contains("reject"),
                !asked.contains(where: Self.narrowing.contains),
                said.contains("saddr") || said.contains("daddr")
            else { return }
            let isNamed = said.contains { sought.mention(in: $0) == .named }
            let asksFor = isNamed ? [] : Self.sets(askedForBy: asked)
            guard isNamed || !asksFor.isEmpty else { return }
            // Where the address stands, if it stands there itself.
            let named = statement.first { sought.mention(in: $0.text) == .named } ?? first
            let text = String(words.joined(separator: " ").prefix(Self.longestText))
            if isNamed {
                lines.append(RuleFiles.Line(number: named.line, text: text, kind: .copy))
            } else {
                asking.append(Asking(number: named.line, text: text, sets: asksFor))
            }
        }
    }

    /// Not those that a statement puts an address into.
    private static func sets(askedForBy words: some Collection<String>) -> [String] {
        guard !words.contains(".") else { return [] }
        return zip(words, words.dropFirst())
            .filter { before, word in ["saddr", "daddr", "=="].contains(before) && word.hasPrefix("@") }
            .map { String($0.1.dropFirst()) }
    }

    private func expanded(_ words: [String], depth: Int) -> [String] {
        words.flatMap { word in
            guard word.hasPrefix("$"), depth < 8, let value = variables[word] else { return [word] }
            return value
        }
    }

    /// Words, line breaks and punctuation, each with its line; a text in quotes is one word, with its quotes.
    private static func tokens(_ text: String) -> [Token] {
        var tokens: [Token] = []
        var word = String.UnicodeScalarView()
        var line = 1
        var isQuoted = false
        var isComment = false
        var isContinued = false
        func take() {
            if !word.isEmpty { tokens.append(Token(text: String(word), line: line)) }
            word = String.UnicodeScalarView()
        }
        for character in text.unicodeScalars {
            if character == "\n" {
                take()
                if !isContinued { tokens.append(Token(text: "\n", line: line)) }
                line += 1
                isQuoted = false
                isComment = false
                isContinued = false
                continue
            }
            if isComment || character == "\r" { continue }
            if isQuoted {
                word.append(character)
                if character == "\"" {
                    take()
                    isQuoted = false
                }
                continue
            }
            isContinued = character == "\\"
            switch character {
            case "#":
                take()
                isComment = true
            case "\"":
                take()
                word.append(character)
                isQuoted = true
            case " ", "\t", ",", "\\": take()
            case "{", "}", ";":
                take()
                tokens.append(Token(text: String(character), line: line))
            case "=" where word.isEmpty || (word.count == 1 && (word.first == "=" || word.first == "!")):
                word.append(character)
                if word.count == 2 { take() }
            case "=":
                take()
                word.append(character)
            case _:
                if word.elementsEqual("=".unicodeScalars) { take() }
                word.append(character)
            }
        }
        take()
        return tokens
    }
}
