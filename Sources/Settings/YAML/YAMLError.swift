/// Why a document could not be read.
package enum YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case notRegular(file: String)
    /// Somebody else could have written it.
    case notOurs(reason: String)
    case tooLarge(file: String, limit: Int)
    /// At least one, in the order of the document.
    case problems([YAMLProblem])

    package var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file): cannot be read: \(reason). Check the path and its permissions."
        case .notRegular(let file):
            "\(file): is not a regular file. Name a file."
        case .notOurs(let reason): reason
        case .tooLarge(let file, let limit):
            "\(file): is larger than \(limit) bytes, the most that is read. Check that it is the right file."
        case .problems(let problems):
            problems.map(\.description).joined(separator: "\n")
        }
    }
}

/// One mistake in a document.
package struct YAMLProblem: Hashable, Sendable, CustomStringConvertible {
    package enum Fault: Hashable, Sendable {
        case syntax(problem: String, context: String?)
        case noDocument
        case severalDocuments
        case anchor(String)
        case alias(String)
        case tag(String)
        case keyIsNotText
        case duplicateKey(String, firstLine: Int)
        case tooDeep(limit: Int)
        case unknownKey(String, known: [String])
        case missingKey(String)
        case wrongType(subject: String, expected: String, found: String)
        case outOfRange(subject: String, value: Int, range: ClosedRange<Int>)
        /// A rule of the reader's own, with its remedy.
        case refused(String)
    }

    package let file: String
    package let position: YAMLPosition
    package let fault: Fault

    package init(file: String, position: YAMLPosition, fault: Fault) {
        self.file = file
        self.position = position
        self.fault = fault
    }

    package var line: Int { position.line }
    package var column: Int { position.column }
    package var description: String { "\(file):\(line): \(fault)" }
}

extension YAMLProblem.Fault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let problem, let context):
            "not valid YAML: \(problem)\(context.map { " (\($0))" } ?? ""). "
                + "Check the indentation (spaces, no tabs), the colons and the quotes here."
        case .noDocument: "the file holds no YAML document. Write the settings into it."
        case .severalDocuments: "a second YAML document starts here. Keep one document in the file."
        case .anchor(let name): "anchors ('&\(name)') are not supported. Write the value out."
        case .alias(let name): "aliases ('*\(name)') are not supported. Write the value out."
        case .tag(let name): "tags ('\(name)') are not supported. Remove it."
        case .keyIsNotText: "a key must be plain text. Quote it if it starts with a special character."
        case .duplicateKey(let key, let firstLine):
            "'\(key)' stands here for the second time, first on line \(firstLine). Remove one of them."
        case .tooDeep(let limit): "nested deeper than \(limit) levels. Flatten the document."
        case .unknownKey(let key, let known): Self.unknown(key, known)
        case .missingKey(let key): "'\(key)' is missing here. Add it."
        case .wrongType(let subject, let expected, let found):
            "\(subject) must be \(expected), but is \(found)."
        case .outOfRange(let subject, let value, let range):
            "\(subject) must be from \(range.lowerBound) to \(range.upperBound), but is \(value)."
        case .refused(let reason): reason
        }
    }

    /// Whether somebody may have meant it as a setting; what else stands in a file that was named by mistake may be secret.
    private static func isName(_ key: String) -> Bool {
        key.utf8.count <= 40
            && key.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || $0.properties.numericType != nil
                    || "_-. ".unicodeScalars.contains($0)
            }
    }

    private static func unknown(_ key: String, _ known: [String]) -> String {
        if let nearest = NearestName.of(key, in: known) {
            return "unknown key '\(key)'. Did you mean '\(nearest)'?"
        }
        guard isName(key) else {
            return
                "a key of \(key.unicodeScalars.count) characters that is no setting's name. Check that it is the right "
                + "file. Known here: \(known.joined(separator: ", "))."
        }
        return "unknown key '\(key)'. Known here: \(known.joined(separator: ", "))."
    }
}
