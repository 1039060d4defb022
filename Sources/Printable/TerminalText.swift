/// What is written to a terminal: text that is made printable, after a control of our own, which no text can bring about.
package struct TerminalText: Hashable, Sendable {
    package enum Control: String, Hashable, Sendable {
        /// Back to the beginning of the line, and nothing on it.
        case clearLine = "\r\u{1B}[K"
    }

    /// The characters that a terminal is sent.
    package let rendered: String

    /// `text` may have several lines.
    package init(_ text: String, after control: Control? = nil) {
        rendered = (control?.rawValue ?? "") + PrintableText(lines: text).description
    }
}
