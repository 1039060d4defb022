import Printable

/// Where a node starts: both numbers count from 1, as editors do.
package struct YAMLPosition: Hashable, Sendable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// One value of a document and where it stands.
package struct YAMLNode: Hashable, Sendable {
    package enum Style: Hashable, Sendable {
        /// No quotes: the only style that may mean a number, a truth value or nothing.
        case plain
        /// Single or double quotes, or a block (`|`, `>`): always text.
        case quoted
    }

    package struct Entry: Hashable, Sendable {
        package let key: String
        package let keyPosition: YAMLPosition
        package let value: YAMLNode
    }

    package indirect enum Kind: Hashable, Sendable {
        case scalar(String, Style)
        case sequence([YAMLNode])
        /// In the order of the document; no key stands twice.
        case mapping([Entry])
    }

    package let kind: Kind
    /// The document's file, as errors name it.
    package let file: String
    package let position: YAMLPosition

    package init(kind: Kind, file: String, position: YAMLPosition) {
        self.kind = kind
        self.file = file
        self.position = position
    }

    package var line: Int { position.line }
    package var column: Int { position.column }

    /// Whether the value was left out (`key:`) or written as `null` or `~`.
    package var isNull: Bool {
        guard case .scalar(let text, .plain) = kind else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// An error at this node for a rule that only its reader knows; `reason` ends with what to do.
    package func refused(_ reason: String) -> YAMLError { .problems([problem(.refused(reason))]) }

    package func problem(_ fault: YAMLProblem.Fault) -> YAMLProblem {
        YAMLProblem(file: file, position: position, fault: fault)
    }

    /// What a person would call this value.
    var found: String {
        switch kind {
        case .scalar where isNull: "nothing"
        // What is longer is somebody's file that was named by mistake, and is not repeated: it may be secret.
        case .scalar(let text, .plain) where text.unicodeScalars.count > 60:
            "text of \(text.unicodeScalars.count) characters"
        case .scalar(let text, .plain): "'\(PrintableText(text, limit: 60))'"
        case .scalar(_, .quoted): "quoted text"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
