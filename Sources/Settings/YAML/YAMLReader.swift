extension YAMLNode {
    /// This node as a mapping that may have `keys` and no others; every unknown key is reported at once.
    package func mapping(keys: [String], subject: String = "this") throws(YAMLError) -> YAMLMapping {
        let entries = try entries(subject: subject)
        let unknown = unknownKeys(entries, known: keys)
        guard unknown.isEmpty else { throw .problems(unknown) }
        return YAMLMapping(node: self, entries: entries)
    }

    /// This node as a mapping whose keys are names that its author chose.
    package func entries(subject: String = "this") throws(YAMLError) -> [Entry] {
        guard case .mapping(let entries) = kind else {
            throw wrongType(subject, "a mapping (key: value)")
        }
        return entries
    }

    package func items(subject: String = "this") throws(YAMLError) -> [YAMLNode] {
        guard case .sequence(let items) = kind else { throw wrongType(subject, "a list") }
        return items
    }

    /// Text as written, quoted or not; never empty, never with control characters.
    package func string(subject: String = "this") throws(YAMLError) -> String {
        guard case .scalar(let text, _) = kind, !isNull else { throw wrongType(subject, "text") }
        guard !text.isEmpty else { throw wrongType(subject, "text", found: "empty") }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
            throw wrongType(subject, "text on one line", found: "text with control characters")
        }
        return text
    }

    /// A decimal number without quotes, sign aside nothing but digits.
    package func integer(
        in range: ClosedRange<Int> = Int.min...Int.max,
        subject: String = "this"
    ) throws(YAMLError) -> Int {
        guard case .scalar(let text, let style) = kind, !isNull else {
            throw wrongType(subject, "a whole number")
        }
        guard style == .plain else { throw wrongType(subject, "a whole number without quotes") }
        guard let value = Int(text), String(value) == text else {
            throw wrongType(subject, "a whole number")
        }
        guard range.contains(value) else {
            throw .problems([problem(.outOfRange(subject: subject, value: value, range: range))])
        }
        return value
    }

    package func boolean(subject: String = "this") throws(YAMLError) -> Bool {
        switch kind {
        case .scalar("true", .plain): return true
        case .scalar("false", .plain): return false
        case .scalar, .sequence, .mapping: throw wrongType(subject, "true or false")
        }
    }

    /// A list of texts.
    package func strings(subject: String = "this") throws(YAMLError) -> [String] {
        var texts: [String] = []
        for item in try items(subject: subject) {
            texts.append(try item.string(subject: "each item of \(subject)"))
        }
        return texts
    }

    fileprivate func unknownKeys(_ entries: [Entry], known: [String]) -> [YAMLProblem] {
        entries.filter { !known.contains($0.key) }.map {
            YAMLProblem(file: file, position: $0.keyPosition, fault: .unknownKey($0.key, known: known))
        }
    }

    private func wrongType(_ subject: String, _ expected: String, found: String? = nil) -> YAMLError {
        let fault = YAMLProblem.Fault.wrongType(
            subject: subject,
            expected: expected,
            found: found ?? self.found
        )
        return .problems([problem(fault)])
    }
}

/// Gathers the problems of several reads, so that one run reports them all.
package struct YAMLProblems: Sendable {
    package private(set) var found: [YAMLProblem] = []

    package init() {}

    package mutating func add(_ problem: YAMLProblem) { found.append(problem) }

    /// The value, or nil after its problems were noted; errors about the file itself are thrown on.
    package mutating func attempt<Value>(
        _ read: () throws(YAMLError) -> Value
    ) throws(YAMLError) -> Value? {
        do {
            return try read()
        } catch .problems(let problems) {
            found += problems
            return nil
        } catch {
            throw error
        }
    }

    /// The mapping even when it has unknown keys, which are noted; nil when it is none.
    package mutating func mapping(
        _ node: YAMLNode,
        keys: [String],
        subject: String = "this"
    ) throws(YAMLError) -> YAMLMapping? {
        guard let entries = try attempt({ () throws(YAMLError) in try node.entries(subject: subject) })
        else { return nil }
        found += node.unknownKeys(entries, known: keys)
        return YAMLMapping(node: node, entries: entries)
    }

    /// Throws everything that was noted, in the order of the document.
    package func check() throws(YAMLError) {
        guard !found.isEmpty else { return }
        throw .problems(found.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
    }
}
