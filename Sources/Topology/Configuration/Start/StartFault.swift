/// Why a server would not start with a file that can be read, or why a migration cannot be made with it.
package struct StartFault: Hashable, Sendable, CustomStringConvertible {
    /// From 1; nil for what is missing.
    package let line: Int?
    package let reason: String

    package var description: String { line.map { "line \($0): \(reason)" } ?? reason }
}

/// What of a file is worth a word, though it means something definite.
package struct StartRemark: Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let text: String

    package var description: String { "line \(line): \(text)" }
}
